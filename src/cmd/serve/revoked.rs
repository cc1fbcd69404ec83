//! The file that names revoked tokens: read at the start, looked at ever after, and obeyed when it has changed.

use std::fs::File;
use std::io::Read as _;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::auth::Revoked;
use crate::cmd::exit::{Failure, reason};
use crate::server::Server;

/// The most that is read of it: room for ten thousand digests.
const MAX_FILE: u64 = 1024 * 1024;

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How long a look may take before somebody is told.
const DEADLINE: Duration = Duration::from_secs(5);

/// What a warning says.
const UNUSABLE: &str = "the list of revoked tokens cannot be used; the one before stays in force";

/// The text of the file, or why there is none.
type Seen = Result<String, String>;

/// A list in force, and the file that it comes from.
#[derive(Debug)]
pub(crate) struct RevokedFile {
    path: String,
    pub(super) list: Revoked,
    /// What was acted upon.
    taken: Seen,
    /// What was seen last.
    last: Seen,
}

/// What there is to do after a look.
#[derive(Debug, PartialEq, Eq)]
enum Look {
    Nothing,
    /// The list has changed.
    Obey(Revoked),
    /// There is none, and the one before stays in force.
    Complain(String),
}

impl RevokedFile {
    /// Reads it. A server does not start without.
    pub(super) fn open(path: String) -> Result<Self, Failure> {
        let text = read(&path).map_err(|cause| Failure::file(format!("cannot read the list `{path}`: {cause}")))?;
        let list = text.parse().map_err(|cause| Failure::file(format!("the list `{path}` cannot be used: {cause}")))?;
        Ok(Self { path, list, taken: Ok(text.clone()), last: Ok(text) })
    }

    /// Has the server obey the file, for as long as it is not cancelled.
    pub(super) async fn watch(mut self, server: &Server) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let path = self.path.clone();
            let late = || tracing::warn!(cause = "to read it takes long", "{UNUSABLE}");
            let seen = patiently(move || read(&path), late).await;
            match self.look(seen) {
                Look::Nothing => {}
                Look::Obey(list) => server.revoke(list),
                Look::Complain(cause) => {
                    tracing::warn!(cause, "{UNUSABLE}");
                }
            }
        }
    }

    /// What follows from what was seen. It counts once it was the same at two looks, for a file that is being written is
    /// short for a moment, and one that is being replaced may be missing.
    fn look(&mut self, seen: Seen) -> Look {
        let is_steady = seen == self.last;
        self.last = seen;
        if !is_steady || self.last == self.taken {
            return Look::Nothing;
        }
        self.taken = self.last.clone();
        match &self.taken {
            Err(cause) => Look::Complain(cause.clone()),
            Ok(text) => match text.parse() {
                Ok(list) => Look::Obey(list),
                Err(cause) => Look::Complain(format!("{cause}")),
            },
        }
    }
}

/// Looks on a thread of its own: a file may lie where reading takes long, or never ends. That can only be told of, which
/// `late` does, for neither can it be ended nor may the threads become many.
async fn patiently(look: impl FnOnce() -> Seen + Send + 'static, late: impl FnOnce()) -> Seen {
    let mut looking = spawn_blocking(look);
    let seen = if let Ok(seen) = timeout(DEADLINE, &mut looking).await {
        seen
    } else {
        late();
        looking.await
    };
    seen.unwrap_or_else(|cause| Err(cause.to_string()))
}

fn read(path: &str) -> Seen {
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

    fn list(text: &str) -> Revoked {
        text.parse().unwrap()
    }

    #[test]
    fn a_list_counts_once_it_is_steady_and_a_broken_one_never() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revoked");
        std::fs::write(&path, "sub:a\n").unwrap();
        let mut file = RevokedFile::open(path.to_str().unwrap().to_owned()).unwrap();
        assert_eq!(file.list, list("sub:a"));
        let gone = || Err("gone".to_owned());
        let text = |text: &str| Ok(text.to_owned());
        let broken = "line 2 is none of `jti:ID`, `sub:SUBJECT`, `sha256:HEX` and `# a comment`";
        let empty = "it is empty; where nothing is revoked a line with `#` says so";
        for (seen, expected) in [
            (text("sub:a\n"), Look::Nothing),
            // Written in pieces, then whole.
            (text(""), Look::Nothing),
            (text("sub:a\nsu"), Look::Nothing),
            (text("sub:a\nsub:b\n"), Look::Nothing),
            (text("sub:a\nsub:b\n"), Look::Obey(list("sub:a\nsub:b"))),
            (text("sub:a\nsub:b\n"), Look::Nothing),
            // Replaced.
            (gone(), Look::Nothing),
            (text("#\n"), Look::Nothing),
            (text("#\n"), Look::Obey(Revoked::default())),
            // Broken, each time told once.
            (gone(), Look::Nothing),
            (gone(), Look::Complain("gone".to_owned())),
            (gone(), Look::Nothing),
            (text("sub:a\noops\n"), Look::Nothing),
            (text("sub:a\noops\n"), Look::Complain(broken.to_owned())),
            (text("sub:a\noops\n"), Look::Nothing),
            (text(""), Look::Nothing),
            (text(""), Look::Complain(empty.to_owned())),
            (text("#\n"), Look::Nothing),
            (text("#\n"), Look::Obey(Revoked::default())),
        ] {
            assert_eq!(file.look(seen.clone()), expected, "{seen:?}");
        }
    }

    #[tokio::test]
    async fn a_look_that_takes_long_is_told_of_and_waited_for() {
        tokio::time::pause();
        let (answer, waiting) = std::sync::mpsc::channel::<Seen>();
        let late = || answer.send(Ok("sub:a".to_owned())).unwrap();
        // A clock that is paused stands still while a thread is at work.
        let clock = tokio::time::advance(DEADLINE + Duration::from_millis(1));
        let (seen, ()) = tokio::join!(patiently(move || waiting.recv().unwrap(), late), clock);
        assert_eq!(seen, Ok("sub:a".to_owned()));
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
