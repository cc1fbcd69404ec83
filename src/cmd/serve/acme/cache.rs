//! The folder in which the account at a directory and the certificate are kept from one start to the next. What others could
//! read is not used: keys are in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use url::Url;

use crate::acme::{Issued, Kept};
use crate::cmd::exit::{Failure, reason};
use crate::cmd::{atomic, file};

/// How long a file may take to be read or written while the server runs.
const DEADLINE: Duration = Duration::from_secs(5);

/// What is kept of one directory.
pub(super) struct Cache {
    account: PathBuf,
    certificate: PathBuf,
}

impl Cache {
    /// Makes the folder where it is not there, and in it one for this directory: what one has issued is not shown where
    /// another was meant.
    pub(super) fn open(folder: &Path, directory: &Url) -> Result<Self, Failure> {
        let of_directory = folder.join(name(directory));
        for place in [folder, &of_directory] {
            make(place).map_err(|cause| useless(folder, &cause))?;
            check(place)?;
        }
        let cache =
            Self { account: of_directory.join("account.json"), certificate: of_directory.join("certificate.pem") };
        atomic::try_beside(&cache.certificate).map_err(|cause| useless(folder, &cause))?;
        Ok(cache)
    }

    /// Whether such a folder would do, as far as it is there already. Nothing is written.
    pub(super) fn look(folder: &Path, directory: &Url) -> Result<(), Failure> {
        check(folder)?;
        check(&folder.join(name(directory)))
    }

    /// The certificate and its key, where they are there.
    pub(super) fn certificate(&self) -> Option<Vec<u8>> {
        file::read(&self.certificate).ok()
    }

    /// The account, where one is there that can be read.
    pub(super) async fn account(&self) -> Option<Kept> {
        let path = self.account.clone();
        let read = apart(move || file::read(&path)).await.ok()?;
        String::from_utf8(read).ok().map(Kept::new)
    }

    /// Keeps an account in the place of the one before.
    pub(super) async fn keep_account(&self, account: &Kept) -> Result<(), String> {
        keep(self.account.clone(), account.as_str().to_owned()).await
    }

    /// Keeps a certificate in the place of the one before, with its key in one file: the two are never of two times.
    pub(super) async fn keep_certificate(&self, issued: &Issued) -> Result<(), String> {
        keep(self.certificate.clone(), issued.pem().to_owned()).await
    }
}

/// Whether what is at this place, if anything is, can be a folder of a cache.
fn check(place: &Path) -> Result<(), Failure> {
    let found = match fs::metadata(place) {
        Ok(found) => found,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(cause) => return Err(useless(place, &cause)),
    };
    let at = place.display();
    if !found.is_dir() {
        return Err(useless(place, &io::ErrorKind::AlreadyExists.into()));
    }
    if others_look_into(&found) {
        return Err(Failure::file(format!(
            "others can look into the ACME cache `{at}`; `chmod 700 {at}` keeps them out"
        )));
    }
    Ok(())
}

/// A folder's name for a directory, by which a person knows it too.
fn name(directory: &Url) -> String {
    let digest = Sha256::digest(directory.as_str());
    let digest = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    format!("{}-{digest:08x}", directory.host_str().unwrap_or_default().replace([':', '[', ']'], ""))
}

fn useless(folder: &Path, cause: &io::Error) -> Failure {
    Failure::file(format!("the ACME cache `{}` cannot be written to: {}", folder.display(), reason(cause)))
}

async fn keep(path: PathBuf, text: String) -> Result<(), String> {
    let place = path.display().to_string();
    let written = apart(move || atomic::keep(&path, text.as_bytes()).map_err(|cause| reason(&cause))).await;
    written.map_err(|cause| format!("cannot write `{place}`: {cause}"))
}

/// Does what may take long on a thread of its own.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> Result<T, String> + Send + 'static) -> Result<T, String> {
    match timeout(DEADLINE, spawn_blocking(work)).await {
        Ok(done) => done.map_err(|cause| cause.to_string())?,
        Err(_) => Err("it takes long".to_owned()),
    }
}

#[cfg(unix)]
fn make(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// Whether anybody but the caller can, its owner among them.
#[cfg(unix)]
fn others_look_into(found: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    found.mode() & 0o077 != 0 || found.uid() != rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn others_look_into(_: &fs::Metadata) -> bool {
    false
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn what_is_kept_is_its_owners_alone_and_of_one_directory() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("deep/cache");
        let [one, other] = ["https://one.example/dir", "https://one.example/other"].map(|url| url.parse().unwrap());
        let cache = Cache::open(&folder, &one).map_err(|failure| failure.sentence).unwrap();
        assert!(cache.account().await.is_none() && cache.certificate().is_none());
        for text in ["first", "second"] {
            cache.keep_account(&Kept::new(text.to_owned())).await.unwrap();
            assert_eq!(cache.account().await.unwrap().as_str(), text);
        }
        let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!((mode(&folder), mode(&names[0]), mode(&cache.account)), (0o700, 0o700, 0o600));
        assert!(names[0].file_name().unwrap().to_str().unwrap().starts_with("one.example-"));
        let cache = Cache::open(&folder, &other).map_err(|failure| failure.sentence).unwrap();
        assert!(cache.account().await.is_none());
    }

    #[test]
    fn what_is_no_private_folder_is_refused() {
        let outer = tempfile::tempdir().unwrap();
        let path = |name: &str| outer.path().join(name);
        for name in ["open", "file"] {
            fs::create_dir(path(name)).unwrap();
        }
        fs::set_permissions(path("open"), fs::Permissions::from_mode(0o710)).unwrap();
        fs::remove_dir(path("file")).unwrap();
        fs::write(path("file"), "").unwrap();
        let check = |name: &str, expected: &str| {
            let opened = Cache::open(&path(name), &"https://one.example".parse().unwrap()).map(drop);
            let sentence = opened.map_err(|failure| failure.sentence).unwrap_err();
            assert_eq!(sentence, expected.replace("PATH", path(name).to_str().unwrap()));
        };
        check("open", "others can look into the ACME cache `PATH`; `chmod 700 PATH` keeps them out");
        check("file", "the ACME cache `PATH` cannot be written to: it is there already");
        check("file/deep", "the ACME cache `PATH` cannot be written to: it lies below what is no directory");
    }
}
