//! The file that names revoked tokens: read at the start, and obeyed when it has changed.

use super::watched::{Seen, Watched};
use crate::auth::Revoked;
use crate::cmd::exit::Failure;
use crate::cmd::file;
use crate::cmd::signals::Hangups;
use crate::server::Server;

/// What a warning says.
const UNUSABLE: &str = "the list of revoked tokens cannot be used; the one before stays in force";

/// A list in force, and the file that it comes from.
#[derive(Debug)]
pub(crate) struct RevokedFile {
    path: String,
    text: String,
    pub(super) list: Revoked,
}

impl RevokedFile {
    /// Reads it. A server does not start without.
    pub(super) fn open(path: String) -> Result<Self, Failure> {
        let text = text(&path).map_err(|cause| Failure::file(format!("cannot read the list `{path}`: {cause}")))?;
        let list = text.parse().map_err(|cause| Failure::file(format!("the list `{path}` cannot be used: {cause}")))?;
        Ok(Self { path, text, list })
    }

    /// Has the server obey the file, for as long as it is not cancelled.
    pub(super) async fn watch(self, hangups: Hangups, server: &Server) {
        let late = || tracing::warn!(cause = "to read it takes long", "{UNUSABLE}");
        let path = self.path;
        let obey = |seen: &Seen<String>| match understood(seen) {
            Ok(list) => server.revoke(list),
            Err(cause) => tracing::warn!(cause, "{UNUSABLE}"),
        };
        Watched::new(self.text).follow(hangups, move || text(&path), late, obey).await;
    }
}

fn understood(seen: &Seen<String>) -> Result<Revoked, String> {
    seen.clone()?.parse().map_err(|cause| format!("{cause}"))
}

fn text(path: &str) -> Seen<String> {
    String::from_utf8(file::read(path)?).map_err(|_| "it is no text in UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::exit::Exit;

    #[test]
    fn what_is_no_list_changes_nothing() {
        let broken = "line 2 is none of `jti:ID`, `sub:SUBJECT`, `sha256:HEX` and `# a comment`";
        let empty = "it is empty; where nothing is revoked a line with `#` says so";
        for (seen, expected) in [
            (Ok("sub:a\nsub:b\n"), Ok("sub:a\nsub:b")),
            (Ok("#\n"), Ok("# none")),
            (Err("gone"), Err("gone")),
            (Ok("sub:a\noops\n"), Err(broken)),
            (Ok(""), Err(empty)),
        ] {
            let expected = expected.map(|list| list.parse().unwrap()).map_err(str::to_owned);
            assert_eq!(understood(&seen.map(str::to_owned).map_err(str::to_owned)), expected, "{seen:?}");
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
            assert_eq!(RevokedFile::open(path(name)).err(), Some(Failure::new(Exit::File, sentence)));
        };
        check("gone", None, "cannot read LIST: there is no such file or directory");
        check("large", Some(&vec![b'#'; 1024 * 1024 + 1]), "cannot read LIST: it is larger than 1 MiB");
        check("binary", Some(b"\xff"), "cannot read LIST: it is no text in UTF-8");
        check(
            "empty",
            Some(b"\n"),
            "LIST cannot be used: it is empty; where nothing is revoked a line with `#` says so",
        );
        let sentence = "LIST cannot be used: line 1 is none of `jti:ID`, `sub:SUBJECT`, `sha256:HEX` and `# a comment`";
        check("other", Some(b"jo\n"), sentence);
    }
}
