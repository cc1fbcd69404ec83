//! A terminal, of which somebody who looks at it has the other end.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::thread;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::program::Trouble;

/// How long something may take to be shown, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was written to it so far.
pub struct Screen(watch::Receiver<String>);

impl Screen {
    /// One that is so many characters wide, and the end that a program writes to.
    ///
    /// # Errors
    /// Where the system has no terminal to give.
    pub fn wide(columns: u16) -> io::Result<(Self, File)> {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let name = ptsname(&ours, Vec::new())?;
        let theirs = OpenOptions::new().read(true).write(true).open(OsStr::from_bytes(name.as_bytes()))?;
        tcsetwinsize(&theirs, Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 })?;
        let (sender, seen) = watch::channel(String::new());
        let mut ours = File::from(ours);
        thread::spawn(move || {
            let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
            // It ends, with an error on Linux, where nobody has the other end any more.
            while let Ok(read @ 1..) = ours.read(&mut piece) {
                bytes.extend_from_slice(&piece[..read]);
                let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
            }
        });
        Ok((Self(seen), theirs))
    }

    /// All that it shows, once `mark` is in a line that is whole.
    ///
    /// # Errors
    /// Where that has not come within 30 s.
    pub async fn shows(&mut self, mark: &str) -> Result<String, Trouble> {
        let is_there = |seen: &String| seen.find(mark).is_some_and(|at| seen[at..].contains('\n'));
        let shown = timeout(PATIENCE, self.0.wait_for(is_there)).await.ok().and_then(Result::ok);
        let shown = shown.map(|seen| seen.clone());
        shown.ok_or_else(|| Trouble::Never {
            program: "a program at a terminal".to_owned(),
            awaited: format!("showed `{mark}`"),
            output: self.0.borrow().clone(),
        })
    }
}

/// A line without its colours.
#[must_use]
pub fn plain(line: &str) -> String {
    let mut pieces = line.trim_end().split('\u{1b}');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |line, piece| line + piece.split_once('m').map_or("", |(_, rest)| rest))
}
