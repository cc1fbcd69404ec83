//! The folder of recordings: exchanges go in under numbers that are free, and nothing in it is written over.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::cmd::atomic;
use crate::cmd::exit::{Failure, reason};
use crate::inspect::export::files::{self, Files, Unwritable};
use crate::inspect::{Exchange, Id};

/// A folder, as it was found.
pub(super) struct Shelf {
    dir: PathBuf,
    /// The numbers in it, each with what follows it in a file's name.
    found: Vec<(Id, String)>,
}

/// What became of an exchange.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Put {
    Written,
    /// It was there already.
    There,
    LeftOut(Unwritable),
}

impl Shelf {
    /// The folder with what is in it. It need not be there yet.
    pub(super) fn of(dir: PathBuf) -> Result<Self, Failure> {
        if dir.exists() && !dir.is_dir() {
            return Err(Failure::file(format!("`{}` is no folder; name one for the recordings", dir.display())));
        }
        let names = match fs::read_dir(&dir).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
            Ok(entries) => entries.into_iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect(),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(cause) => {
                return Err(Failure::file(format!("cannot read the folder `{}`: {}", dir.display(), reason(&cause))));
            }
        };
        Ok(Self { dir, found: names.iter().filter_map(|name| numbered(name)).collect() })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes an exchange whose number is the client's, unless the very same was found here.
    pub(super) fn put(&self, mut exchange: Exchange) -> Result<Put, Failure> {
        let highest = self.found.iter().map(|(number, _)| *number).max().unwrap_or(0);
        exchange.id = highest.saturating_add(exchange.id);
        let files = match files::write(&exchange) {
            Ok(files) => files,
            Err(why) => return Ok(Put::LeftOut(why)),
        };
        let rest = numbered(&files.name).map(|(_, rest)| rest);
        for (number, _) in self.found.iter().filter(|(_, found)| rest.as_ref() == Some(found)) {
            exchange.id = *number;
            if files::write(&exchange).is_ok_and(|files| self.holds(&files)) {
                return Ok(Put::There);
            }
        }
        self.write(&files).map(|()| Put::Written)
    }

    fn holds(&self, files: &Files) -> bool {
        all(files).all(|(name, bytes)| fs::read(self.dir.join(name)).is_ok_and(|there| there == *bytes))
    }

    fn write(&self, files: &Files) -> Result<(), Failure> {
        fs::create_dir_all(&self.dir).map_err(|cause| {
            Failure::file(format!("cannot make the folder `{}`: {}", self.dir.display(), reason(&cause)))
        })?;
        for (name, bytes) in all(files) {
            let path = self.dir.join(name);
            atomic::create(&path, bytes)
                .map_err(|cause| Failure::file(format!("cannot write `{}`: {}", path.display(), reason(&cause))))?;
        }
        Ok(())
    }
}

/// Names and contents, the text last, so that what it names is there.
fn all(files: &Files) -> impl Iterator<Item = (&String, &Vec<u8>)> {
    let text = std::iter::once((&files.name, &files.text));
    files.beside.iter().map(|(name, bytes)| (name, bytes)).chain(text)
}

/// The number that a recording's name begins with, and what follows.
fn numbered(name: &str) -> Option<(Id, String)> {
    let (digits, rest) = name.split_once('-')?;
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
    Some((number, rest.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::inspect::{Body, Message, State, Timing};

    fn exchange(id: Id, body: &[u8]) -> Exchange {
        let head = format!("POST /hook HTTP/1.1\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
        let body = Body { kept: body.to_vec(), size: body.len() as u64 };
        Exchange {
            id,
            started: Duration::ZERO,
            request: Message { head, body, trailers: Vec::new() },
            response: None,
            said: Vec::new(),
            unkept: 0,
            state: State::Cut,
            timing: Timing::default(),
            resumed: false,
            replay_of: None,
            tunnel: None,
        }
    }

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn numbers_go_on_where_another_run_ended() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("hooks");
        let shelf = Shelf::of(dir.clone()).unwrap();
        assert_eq!(shelf.put(exchange(3, b"a")), Ok(Put::Written));
        assert_eq!(shelf.put(exchange(7, b"\0")), Ok(Put::Written));
        let first = ["0003-POST-hook.http", "0007-POST-hook.http", "0007-POST-hook.request.bin"];
        assert_eq!(names(&dir), first);
        // The same exchanges once more, and those of another client.
        let shelf = Shelf::of(dir.clone()).unwrap();
        assert_eq!(shelf.put(exchange(3, b"a")), Ok(Put::There));
        assert_eq!(shelf.put(exchange(1, b"\0")), Ok(Put::There));
        assert_eq!(shelf.put(exchange(1, b"b")), Ok(Put::Written));
        assert_eq!(shelf.put(exchange(2, b"b")), Ok(Put::Written));
        assert_eq!(names(&dir), [&first[..], &["0008-POST-hook.http", "0009-POST-hook.http"]].concat());
    }

    #[test]
    fn nothing_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let sentence = format!("`{}` is no folder; name one for the recordings", file.display());
        assert_eq!(Shelf::of(file.clone()).err(), Some(Failure::file(sentence)));
        fs::remove_file(file).unwrap();
        let shelf = Shelf::of(folder.path().to_owned()).unwrap();
        let path = folder.path().join("0001-POST-hook.http");
        fs::write(&path, "another's").unwrap();
        let sentence = format!("cannot write `{}`: it is there already", path.display());
        assert_eq!(shelf.put(exchange(1, b"a")), Err(Failure::file(sentence)));
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), names(folder.path()).len()), ("another's", 1));
    }
}
