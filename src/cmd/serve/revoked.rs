//! The file that names revoked tokens: read at the start, looked at ever after, and obeyed when it has changed.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use tokio::sync::watch;

use super::steady::{Seen, Steady, watch};
use crate::auth::{InvalidRevoked, Revoked};
use crate::cmd::exit::{Failure, reason};
use crate::server::Server;

/// The most that is read of it: room for ten thousand digests.
const MAX_FILE: u64 = 1024 * 1024;

/// What a warning says.
const UNUSABLE: &str = "the list of revoked tokens cannot be used; the one before stays in force";

/// A list in force, and the file that it comes from.
#[derive(Debug)]
pub(crate) struct RevokedFile {
    path: PathBuf,
    pub(super) list: Revoked,
    text: String,
}

impl RevokedFile {
    /// Reads it. A server does not start without.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let at = path.display();
        let text = read(path).map_err(|cause| Failure::file(format!("cannot read the list `{at}`: {cause}")))?;
        let list = text.parse().map_err(|cause| Failure::file(format!("the list `{at}` cannot be used: {cause}")))?;
        Ok(Self { path: path.to_owned(), list, text })
    }

    /// Has the server obey the file, for as long as it is not cancelled.
    pub(super) async fn watch(self, server: &Server, asked: watch::Receiver<()>) {
        let Self { path, text, .. } = self;
        let late = || tracing::warn!(cause = "to read it takes long", "{UNUSABLE}");
        let act = |seen: Seen<String>| match list(seen) {
            Ok(list) => server.revoke(list),
            Err(cause) => tracing::warn!(cause, "{UNUSABLE}"),
        };
        match watch(Steady::new(text), move || read(&path), late, asked, act).await {}
    }
}

/// The list that was seen, or why there is none.
fn list(seen: Seen<String>) -> Result<Revoked, String> {
    seen?.parse().map_err(|cause: InvalidRevoked| cause.to_string())
}

fn read(path: &Path) -> Seen<String> {
    let mut text = String::new();
    match std::fs::metadata(path) {
        // Opening a pipe waits for who writes into it, and a device may never end.
        Ok(found) if !found.is_file() && !found.is_dir() => return Err("it is no regular file".to_owned()),
        _ => {}
    }
    let read = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_string(&mut text));
    match read {
        Err(cause) => Err(reason(&cause)),
        Ok(_) if text.len() as u64 > MAX_FILE => Err("it is larger than 1 MiB".to_owned()),
        Ok(_) => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::exit::Exit;

    #[test]
    fn a_list_counts_once_it_is_steady_and_a_broken_one_never() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revoked");
        std::fs::write(&path, "sub:a\n").unwrap();
        let file = RevokedFile::open(&path).unwrap();
        let parsed = |text: &str| text.parse::<Revoked>().unwrap();
        assert_eq!(file.list, parsed("sub:a"));
        let mut steady = Steady::new(file.text);
        let gone = || Err("gone".to_owned());
        let text = |text: &str| Ok(text.to_owned());
        let obey = |list: &str| Some(Ok(parsed(list)));
        let broken = "line 2 is none of `jti:ID`, `sub:SUBJECT`, `sha256:HEX` and `# a comment`";
        let empty = "it is empty; where nothing is revoked a line with `#` says so";
        for (seen, expected) in [
            (text("sub:a\n"), None),
            // Written in pieces, then whole.
            (text(""), None),
            (text("sub:a\nsu"), None),
            (text("sub:a\nsub:b\n"), None),
            (text("sub:a\nsub:b\n"), obey("sub:a\nsub:b")),
            (text("sub:a\nsub:b\n"), None),
            // Replaced.
            (gone(), None),
            (text("#\n"), None),
            (text("#\n"), obey("#")),
            // Broken, each time told once.
            (gone(), None),
            (gone(), Some(Err("gone".to_owned()))),
            (gone(), None),
            (text("sub:a\noops\n"), None),
            (text("sub:a\noops\n"), Some(Err(broken.to_owned()))),
            (text("sub:a\noops\n"), None),
            (text(""), None),
            (text(""), Some(Err(empty.to_owned()))),
            (text("#\n"), None),
            (text("#\n"), obey("#")),
        ] {
            assert_eq!(steady.look(seen.clone()).map(list), expected, "{seen:?}");
        }
    }

    #[test]
    fn no_server_starts_without_the_list() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let check = |name: &str, content: Option<&[u8]>, sentence: &str| {
            if let Some(content) = content {
                std::fs::write(path(name), content).unwrap();
            }
            let sentence = sentence.replace("LIST", &format!("the list `{}`", path(name)));
            assert_eq!(RevokedFile::open(Path::new(&path(name))).err(), Some(Failure::new(Exit::File, sentence)));
        };
        check("gone", None, "cannot read LIST: there is no such file or directory");
        check("large", Some(&vec![b'#'; 1024 * 1024 + 1]), "cannot read LIST: it is larger than 1 MiB");
        check("binary", Some(b"\xff"), "cannot read LIST: stream did not contain valid UTF-8");
        check(
            "empty",
            Some(b"\n"),
            "LIST cannot be used: it is empty; where nothing is revoked a line with `#` says so",
        );
        let sentence = "LIST cannot be used: line 1 is none of `jti:ID`, `sub:SUBJECT`, `sha256:HEX` and `# a comment`";
        check("other", Some(b"jo\n"), sentence);
    }
}
