//! Files that are there whole or not at all. Knows no file's meaning.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Writes `bytes` to `path`, in place of what was there: whoever looks sees the old file or the new one, whole. It is
/// made beside its place and then moved there.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, bytes, Readers::All, |beside| fs::rename(beside, path))
}

/// The same of what nobody else may read.
pub(crate) fn keep(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, bytes, Readers::Owner, |beside| fs::rename(beside, path))
}

/// The same where nothing is there; what is stays, and that is an error. Nobody else may read it.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, bytes, Readers::Owner, |beside| {
        // Not every file system knows links.
        match fs::hard_link(beside, path) {
            Ok(()) => fs::remove_file(beside),
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists || path.exists() => {
                Err(io::ErrorKind::AlreadyExists.into())
            }
            Err(_) => fs::rename(beside, path),
        }
    })
}

fn put(path: &Path, bytes: &[u8], readers: Readers, place: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let beside = beside(path);
    let written = anew(&beside, readers).and_then(|mut file| file.write_all(bytes));
    let placed = written.and_then(|()| place(&beside));
    if placed.is_err() {
        // Nothing is left of what failed; where even that fails, the first error says more.
        let _ = fs::remove_file(&beside);
    }
    placed
}

/// Whether a file can be made beside `path`, as [`write`] will. Nothing is left of it.
pub(crate) fn try_beside(path: &Path) -> io::Result<()> {
    let beside = beside(path);
    anew(&beside, Readers::All)?;
    fs::remove_file(&beside)
}

/// A new file. What lies there is of an earlier process of this number, or a trap: it is never followed, nor written into.
fn anew(path: &Path, readers: Readers) -> io::Result<fs::File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => readers.options().write(true).create_new(true).open(path),
    }
}

/// Who may read a file.
#[derive(Clone, Copy)]
enum Readers {
    /// Whomever the system lets.
    All,
    /// Who has written it, where the system knows of such things.
    Owner,
}

impl Readers {
    fn options(self) -> fs::OpenOptions {
        let mut options = fs::OpenOptions::new();
        #[cfg(unix)]
        if let Self::Owner = self {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        options
    }
}

/// Hidden, and of this process alone.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn no_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("file"), folder.path().join("other"));
        fs::write(&other, "precious").unwrap();
        std::os::unix::fs::symlink(&other, beside(&path)).unwrap();
        write(&path, b"text").unwrap();
        assert_eq!(fs::read_to_string(&other).unwrap(), "precious");
        assert_eq!(fs::read_to_string(&path).unwrap(), "text");
        assert!(!path.is_symlink());
    }

    #[cfg(unix)]
    #[test]
    fn what_is_created_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        create(&path, b"text").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(create(&path, b"more").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "text");
    }

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for text in ["first", "second"] {
            write(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        // What cannot be replaced stays as it is.
        let occupied = folder.path().join("folder");
        fs::create_dir_all(occupied.join("x")).unwrap();
        assert!(write(&occupied, b"text").is_err());
        let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.collect();
        names.sort();
        assert_eq!(names, ["file", "folder"]);
    }
}
