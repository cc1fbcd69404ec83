//! The file that holds the public URL for as long as the tunnel is there, for scripts to wait for.

use std::fs;
use std::path::{Path, PathBuf};

use super::atomic;
use super::exit::{Failure, reason};

/// The file, which is removed by drop, unless it has become another program's.
pub(crate) struct UrlFile {
    path: PathBuf,
    text: String,
}

/// The longest that a file may be that is taken for one of these.
const LONGEST: u64 = 16 * 1024;

/// Refuses a place that would not do, before anything is opened: one where a file is that holds anything but a URL, and a
/// folder that takes no file. What a command that was killed has left there is removed: whoever waits for the file shall
/// not take it for the new one.
pub(crate) fn clear(path: &Path) -> Result<(), Failure> {
    let at = path.display();
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => return Err(unwritten(path, "it is a directory")),
        Ok(found) if !found.is_file() || found.len() > LONGEST || !fs::read(path).is_ok_and(|text| is_url(&text)) => {
            return Err(Failure::usage(format!(
                "the file `{at}` of `--url-file` is there, and holds something else than a URL, which would be lost; name \
                 another file, or remove it"
            )));
        }
        Ok(_) => fs::remove_file(path).map_err(|cause| unwritten(path, &reason(&cause)))?,
        Err(_) => {}
    }
    atomic::try_beside(path).map_err(|cause| unwritten(path, &reason(&cause)))
}

/// One line with a URL.
fn is_url(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let line = text.strip_suffix('\n').unwrap_or(text);
    let rest = line.strip_prefix("https://").or_else(|| line.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic()))
}

fn unwritten(path: &Path, reason: &str) -> Failure {
    Failure::file(format!("cannot write the URL to the file `{}`: {reason}", path.display()))
}

impl UrlFile {
    /// Writes the file, whole.
    pub(crate) fn write(path: PathBuf, url: &str) -> Result<Self, Failure> {
        let text = format!("{url}\n");
        atomic::write(&path, text.as_bytes()).map_err(|cause| unwritten(&path, &reason(&cause)))?;
        Ok(Self { path, text })
    }
}

impl Drop for UrlFile {
    fn drop(&mut self) {
        if fs::read_to_string(&self.path).is_ok_and(|text| text == self.text) {
            // Where it cannot be removed nobody is left who would do something about it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_there_as_long_as_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("url");
        let file = UrlFile::write(path.clone(), "https://host/app").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "https://host/app\n");
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn what_has_become_anothers_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("url");
        let old = UrlFile::write(path.clone(), "https://host/old").unwrap();
        let _new = UrlFile::write(path.clone(), "https://host/new").unwrap();
        drop(old);
        assert_eq!(fs::read_to_string(&path).unwrap(), "https://host/new\n");
    }

    #[test]
    fn a_place_that_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gone").join("url");
        let sentence =
            format!("cannot write the URL to the file `{}`: there is no such file or directory", path.display());
        assert_eq!(UrlFile::write(path, "u").err(), Some(Failure::file(sentence)));
    }

    #[test]
    fn what_is_no_url_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        assert_eq!(clear(&path), Ok(()));
        for left in ["https://host/app\n", "http://host"] {
            fs::write(&path, left).unwrap();
            assert_eq!((clear(&path), path.exists()), (Ok(()), false), "{left:?}");
        }
        let sentence = format!(
            "the file `{}` of `--url-file` is there, and holds something else than a URL, which would be lost; name \
             another file, or remove it",
            path.display()
        );
        for other in ["eyJh.eyJz.c2ln\n", "", "https://", "https://host/app\nmore\n", "https://host a", "\u{e9}"] {
            fs::write(&path, other).unwrap();
            assert_eq!(clear(&path), Err(Failure::usage(&*sentence)), "{other:?}");
            assert_eq!(fs::read_to_string(&path).unwrap(), other);
        }
    }

    #[test]
    fn a_folder_that_takes_no_file_is_told_of_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone").join("url");
        assert_eq!(clear(&gone), Err(unwritten(&gone, "there is no such file or directory")));
        assert_eq!(clear(folder.path()), Err(unwritten(folder.path(), "it is a directory")));
        // Nothing of the trial is left.
        assert_eq!(clear(&folder.path().join("url")), Ok(()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
