//! Where a file of settings lies, and how far it is trusted. Whoever names a file means it, and what lies in the user's own
//! folder is the user's. What merely lies in the working folder may be a stranger's: a repository's, or a shared folder's.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use super::NAME;
use crate::cmd::env::{self, Env};
use crate::cmd::exit::Failure;
use crate::cmd::secret;

/// A file's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    path: PathBuf,
    trust: Trust,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    /// Named by a flag or its variable.
    Named,
    /// Found in the user's configuration folder.
    Own,
    /// Found in the working folder.
    Here,
}

impl Origin {
    /// A file that somebody names.
    pub(super) fn named(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), trust: Trust::Named }
    }

    /// The one in the working folder.
    pub(super) fn here() -> Self {
        Self { path: NAME.into(), trust: Trust::Here }
    }

    /// The file that is named, else the one in the working folder, else the one in the user's configuration folder; none
    /// where there is none. A link that leads nowhere is there: another file in its place would be obeyed by mistake.
    pub(super) fn find(named: Option<&str>, env: &Env) -> Option<Self> {
        if let Some(path) = named.or_else(|| env.value(env::CONFIG)) {
            return Some(Self::named(path));
        }
        let own = env.folder().map(|folder| Self { path: folder.join(NAME), trust: Trust::Own });
        for origin in [Self::here()].into_iter().chain(own) {
            match fs::symlink_metadata(&origin.path) {
                Err(cause) if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
                // What else is wrong with it its reader tells.
                _ => return Some(origin),
            }
        }
        None
    }

    /// What the file holds. One that is found has to be a file, since a pipe could keep every command waiting, and the one in
    /// the working folder nobody else's.
    pub(super) fn read(&self) -> Result<Vec<u8>, Failure> {
        let path = self.path.display();
        let found = fs::metadata(&self.path).ok().filter(|_| self.trust != Trust::Named);
        if found.as_ref().is_some_and(|found| !found.is_file()) {
            return Err(Failure::usage(format!(
                "`{path}` is no regular file; name the configuration file with `--config`, or move it away"
            )));
        }
        let link = fs::symlink_metadata(&self.path).ok();
        if self.is_here() && found.iter().chain(&link).any(is_strangers) {
            return Err(Failure::usage(format!(
                "`{path}` belongs to somebody else, so it is not obeyed; if it is meant, say so with `--config {path}`"
            )));
        }
        secret::read("configuration", &self.path)
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it merely lies in the working folder.
    pub(crate) fn is_here(&self) -> bool {
        self.trust == Trust::Here
    }

    /// Whether its word counts on who vouches for a server that is named in the file `server`, or in none. An authority of a
    /// stranger's would let that stranger stand in for a server which somebody else has named, and take what is sent there.
    pub(crate) fn vouches_for(&self, server: Option<&Self>) -> bool {
        !self.is_here() || server == Some(self)
    }

    /// A path as it is written there, from the folder that the file lies in; or why the file may not name it.
    pub(super) fn beside(&self, path: &str) -> Result<PathBuf, String> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let beside = folder.join(path);
        if self.trust == Trust::Named {
            return Ok(beside);
        }
        // What is not there its reader tells of.
        let real = beside.canonicalize().ok();
        if self.is_here() {
            let folder = Path::new(".").join(folder).canonicalize().ok();
            let leaves = real.as_ref().is_some_and(|real| !folder.is_some_and(|folder| real.starts_with(folder)));
            if leaves || !is_below(Path::new(path)) {
                let file = self.path.display();
                return Err(format!(
                    "it leads out of this folder; if `{file}` is meant, say so with `--config {file}`"
                ));
            }
        }
        if real.is_some_and(|real| !real.is_file()) {
            return Err(format!("`{}` is no regular file", beside.display()));
        }
        Ok(beside)
    }
}

/// Whether a path goes only down from where it begins.
fn is_below(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// Whether it is neither the caller's nor root's.
#[cfg(unix)]
fn is_strangers(found: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    ![0, rustix::process::geteuid().as_raw()].contains(&found.uid())
}

#[cfg(not(unix))]
fn is_strangers(_: &Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder's file, as if it were found there.
    fn found(folder: &Path, trust: Trust) -> Origin {
        Origin { path: folder.join(NAME), trust }
    }

    #[track_caller]
    fn check(origin: &Origin, path: &str, expected: Result<(), &str>) {
        let seen = origin.beside(path);
        match expected {
            Ok(()) => assert_eq!(seen, Ok(origin.path.parent().unwrap().join(path))),
            Err(cause) => assert!(seen.as_ref().is_err_and(|seen| seen.contains(cause)), "{path}: {seen:?}"),
        }
    }

    #[test]
    fn what_a_file_may_name() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("project");
        fs::create_dir_all(folder.join("deep")).unwrap();
        fs::write(folder.join("token"), "").unwrap();
        fs::write(outer.path().join("secret"), "").unwrap();
        let absolute = folder.join("token").display().to_string();
        let here = found(&folder, Trust::Here);
        for path in ["token", "./token", "gone", "deep/gone"] {
            check(&here, path, Ok(()));
        }
        for path in ["../secret", "../gone", "deep/../token", "../project/token", "/gone", &absolute] {
            check(&here, path, Err("leads out"));
            check(&found(&folder, Trust::Own), path, Ok(()));
            check(&found(&folder, Trust::Named), path, Ok(()));
        }
        check(&here, "deep", Err("no regular file"));
        check(&found(&folder, Trust::Own), "deep", Err("no regular file"));
        check(&found(&folder, Trust::Named), "deep", Ok(()));
    }

    #[test]
    fn a_strangers_file_vouches_for_the_server_that_it_names_and_for_no_other() {
        let [here, own, named] = [Trust::Here, Trust::Own, Trust::Named].map(|trust| found(Path::new("folder"), trust));
        for (file, server, expected) in [
            (&here, Some(&here), true),
            (&here, None, false),
            (&own, Some(&own), true),
            (&own, None, true),
            (&named, Some(&named), true),
            (&named, None, true),
        ] {
            assert_eq!(file.vouches_for(server), expected, "{file:?} {server:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_do_not_lead_out() {
        use std::os::unix::fs::symlink;
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("project");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("token"), "").unwrap();
        fs::write(outer.path().join("secret"), "").unwrap();
        symlink("token", folder.join("inner")).unwrap();
        symlink("../secret", folder.join("outer")).unwrap();
        symlink("..", folder.join("up")).unwrap();
        let here = found(&folder, Trust::Here);
        check(&here, "inner", Ok(()));
        check(&here, "outer", Err("leads out"));
        check(&here, "up/secret", Err("leads out"));
        check(&found(&folder, Trust::Own), "outer", Ok(()));
    }
}
