//! A terminal, of which a test has the other end.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::thread;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::world::PATIENCE;

/// What was written to it so far.
pub(super) struct Screen(watch::Receiver<String>);

impl Screen {
    /// One that is so many characters wide, and the end that a program writes to.
    pub(super) fn wide(columns: u16) -> (Self, File) {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("there are terminals");
        grantpt(&ours).and_then(|()| unlockpt(&ours)).expect("it is ours");
        let name = ptsname(&ours, Vec::new()).expect("it has a name");
        let theirs = OpenOptions::new().read(true).write(true).open(OsStr::from_bytes(name.as_bytes()));
        let theirs = theirs.expect("it can be opened");
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&theirs, size).expect("it has a size");
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
        (Self(seen), theirs)
    }

    /// All that it shows, once `mark` is in a line that is whole.
    #[track_caller]
    pub(super) fn shows(&mut self, mark: &str) -> impl Future<Output = String> {
        let caller = std::panic::Location::caller();
        let seen = &mut self.0;
        async move {
            let is_there = |seen: &String| seen.find(mark).is_some_and(|at| seen[at..].contains('\n'));
            let shown = timeout(PATIENCE, seen.wait_for(is_there)).await.ok().and_then(Result::ok);
            let shown = shown.map(|seen| seen.clone());
            shown.unwrap_or_else(|| panic!("{caller}: `{mark}` was never shown, but {:?}", *seen.borrow()))
        }
    }
}

/// A line without its colours.
pub(super) fn plain(line: &str) -> String {
    let mut pieces = line.trim_end().split('\u{1b}');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |line, piece| line + piece.split_once('m').map_or("", |(_, rest)| rest))
}
