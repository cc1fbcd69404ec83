//! What a server that stops leaves to the one that is started in its place: which tunnels stood. It lies in the folder that
//! systemd keeps while it starts a service again, and counts once.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::cmd::env::{self, Env};
use crate::cmd::exit::reason;
use crate::cmd::{atomic, clock, file};
use crate::server::{Server, Standing};

/// How old it may be, in seconds: clients that have waited for longer find their own way.
const FRESH: u64 = 60;

/// Where it lies, if anywhere.
pub(super) struct Handover(Option<PathBuf>);

impl Handover {
    /// Nothing is left, and nothing taken.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// In the first of the folders that systemd has made for the service.
    pub(super) fn of(env: &Env) -> Self {
        let folders = env.value(env::RUNTIME_DIRECTORY).unwrap_or_default();
        let folder = folders.split(':').next().filter(|folder| !folder.is_empty());
        Self(folder.map(|folder| PathBuf::from(folder).join("tunnels")))
    }

    /// Has the server expect what the one before it has left.
    pub(super) fn take(&self, server: &Server) {
        let Some(path) = self.0.as_ref().filter(|path| path.exists()) else { return };
        match file::read(path) {
            Ok(text) => server.expect(parse(&String::from_utf8_lossy(&text), clock::unix_now())),
            Err(cause) => tracing::warn!(cause, "what the server before has left cannot be read"),
        }
        if let Err(cause) = fs::remove_file(path) {
            tracing::warn!(cause = reason(&cause), "what the server before has left cannot be removed");
        }
    }

    /// Leaves what stood at the server.
    pub(super) fn leave(&self, server: &Server) {
        let Some(path) = &self.0 else { return };
        if let Err(cause) = atomic::write(path, text(&server.standing(), clock::unix_now()).as_bytes()) {
            tracing::warn!(cause = reason(&cause), "nothing can be left to the next server");
        }
    }
}

/// The time, and a line for each tunnel: its prefix, and for how many milliseconds its visitors wait for its client.
fn text(standing: &[Standing], now: u64) -> String {
    let lines = standing.iter().map(|Standing { prefix, hold }| format!("{prefix} {}\n", hold.as_millis()));
    std::iter::once(format!("{now}\n")).chain(lines).collect()
}

/// The tunnels that such a text names; none where it is too old, or something else.
fn parse(text: &str, now: u64) -> Vec<Standing> {
    let mut lines = text.lines();
    let written = lines.next().and_then(|line| line.parse().ok());
    if written.is_none_or(|written| now.abs_diff(written) > FRESH) {
        return Vec::new();
    }
    let standing = |line: &str| {
        let (prefix, hold) = line.split_once(' ')?;
        Some(Standing { prefix: prefix.parse().ok()?, hold: Duration::from_millis(hold.parse().ok()?) })
    };
    lines.filter_map(standing).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn standing(prefix: &str, hold: u64) -> Standing {
        Standing { prefix: prefix.parse().unwrap(), hold: Duration::from_millis(hold) }
    }

    #[track_caller]
    fn check(text: &str, now: u64, expected: &[Standing]) {
        assert_eq!(parse(text, now), expected, "{text:?} at {now}");
    }

    #[test]
    fn what_is_left_counts_while_it_is_fresh() {
        let left = [standing("my-app", 10_000), standing("other", 0)];
        let text = text(&left, 1_000);
        assert_eq!(text, "1000\nmy-app 10000\nother 0\n");
        check(&text, 1_000, &left);
        check(&text, 1_060, &left);
        check(&text, 1_061, &[]);
        // The clock was set.
        check(&text, 939, &[]);
        check("", 0, &[]);
        check("my-app 10000\n", 0, &[]);
        check("0\nmy-app 1\nMY 1\nno-hold\nalso -1\nlast 2", 0, &[standing("my-app", 1), standing("last", 2)]);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text: String, now: u64) {
            parse(&text, now);
        }
    }
}
