//! The requests of a folder, in the order of their files' numbers. Knows not what becomes of them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::cmd::exit::{Failure, reason};
use crate::inspect::Replay;
use crate::inspect::export::files;

/// The largest file that is read: a text has a body of 1 MiB that was kept, and an answer's.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// What files of requests end in.
const EXTENSION: &str = "http";

/// A request, and where it stands.
pub(super) struct Written {
    pub(super) file: String,
    pub(super) request: Replay,
    pub(super) status: Option<u16>,
}

/// All requests of a folder, or of one file. None at all is a failure: nothing would have been looked at.
pub(super) fn read(dir: &Path) -> Result<Vec<Written>, Failure> {
    let files = if dir.is_dir() { listed(dir)? } else { vec![dir.to_owned()] };
    let mut found = Vec::new();
    for file in files {
        let beside = |name: &str| bytes(&file.with_file_name(name)).map_err(|cause| cannot(name, &cause));
        let text = bytes(&file).map_err(|cause| Failure::file(cannot(&file.display().to_string(), &cause)))?;
        let recorded = files::read(&text, beside)
            .map_err(|unreadable| Failure::file(format!("`{}`, {unreadable}", file.display())))?;
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        found.extend(recorded.into_iter().map(|files::Recorded { request, status }| Written {
            file: name.clone(),
            request,
            status,
        }));
    }
    if found.is_empty() {
        return Err(Failure::file(format!(
            "there are no requests in `{}`; `sendit record` writes them",
            dir.display()
        )));
    }
    Ok(found)
}

fn listed(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(|cause| Failure::file(cannot(&dir.display().to_string(), &cause)))?;
    let is_text = |path: &PathBuf| path.extension().is_some_and(|extension| extension == EXTENSION);
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).filter(is_text).collect();
    files.sort_by_key(|path| order(path));
    Ok(files)
}

/// Numbers first, by what they count; beyond four digits that is not the order of the names.
fn order(path: &Path) -> (u64, String) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    (name[..digits].parse().unwrap_or(u64::MAX), name)
}

/// What a file of the folder holds. A link could lead anywhere, and a pipe have no end.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let found = fs::symlink_metadata(path)?;
    if !found.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    if found.len() > MAX_FILE {
        return Err(io::Error::other("it is larger than 64 MiB"));
    }
    fs::read(path)
}

fn cannot(name: &str, cause: &io::Error) -> String {
    format!("cannot read `{name}`: {}", reason(cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_in_the_order_of_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["10000-GET-c.http", "0007-GET-a.http", "by-hand.http", "0100-GET-b.http", "readme.md"] {
            fs::write(folder.path().join(name), format!("GET /{name}\n")).unwrap();
        }
        let found = read(folder.path()).map_err(|failure| failure.sentence).unwrap();
        let names: Vec<_> = found.iter().map(|written| written.file.as_str()).collect();
        assert_eq!(names, ["0007-GET-a.http", "0100-GET-b.http", "10000-GET-c.http", "by-hand.http"]);
        let alone = read(&folder.path().join("by-hand.http")).map_err(|failure| failure.sentence).unwrap();
        assert_eq!((alone.len(), &alone[0].request.path[..]), (1, &b"/by-hand.http"[..]));
    }

    #[track_caller]
    fn refused(dir: &Path, sentence: &str) {
        assert_eq!(read(dir).err(), Some(Failure::file(sentence)));
    }

    #[test]
    fn what_cannot_be_played() {
        let folder = tempfile::tempdir().unwrap();
        let shown = folder.path().display();
        refused(folder.path(), &format!("there are no requests in `{shown}`; `sendit record` writes them"));
        let gone = folder.path().join("gone");
        refused(&gone, &format!("cannot read `{}`: there is no such file or directory", gone.display()));
        fs::write(folder.path().join("1.http"), "GET /\n\n< ./body.bin\n").unwrap();
        let cause = "cannot read `body.bin`: there is no such file or directory";
        refused(folder.path(), &format!("`{shown}/1.http`, line 3: {cause}"));
        fs::create_dir(folder.path().join("body.bin")).unwrap();
        let cause = "cannot read `body.bin`: it is no regular file";
        refused(folder.path(), &format!("`{shown}/1.http`, line 3: {cause}"));
    }

    #[cfg(unix)]
    #[test]
    fn no_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("secret"), "GET /\n").unwrap();
        std::os::unix::fs::symlink(path("secret"), path("2.http")).unwrap();
        refused(folder.path(), &format!("cannot read `{}`: it is no regular file", path("2.http").display()));
        fs::rename(path("2.http"), path("body.bin")).unwrap();
        fs::write(path("1.http"), "POST /\n\n< ./body.bin\n").unwrap();
        let cause = "cannot read `body.bin`: it is no regular file";
        refused(folder.path(), &format!("`{}`, line 3: {cause}", path("1.http").display()));
    }
}
