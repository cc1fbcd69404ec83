//! The file that holds the public URL for as long as the tunnel is there, for scripts to wait for.

use std::fs;
use std::path::PathBuf;

use super::atomic;
use super::exit::{Failure, reason};

/// The file, which is removed by drop, unless it has become another program's.
pub(crate) struct UrlFile {
    path: PathBuf,
    text: String,
}

impl UrlFile {
    /// Writes the file, whole.
    pub(crate) fn write(path: PathBuf, url: &str) -> Result<Self, Failure> {
        let text = format!("{url}\n");
        atomic::write(&path, text.as_bytes()).map_err(|cause| {
            Failure::file(format!("cannot write the URL to the file `{}`: {}", path.display(), reason(&cause)))
        })?;
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
}
