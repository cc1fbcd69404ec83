//! Joins a stream to a connection: bytes both ways, ends as ends, cuts as cuts.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};

use super::flow::StreamFlow;
use crate::inspect::{Side, Tap};

/// What is read at a time: little at first, for most exchanges are small and many streams wait, and twice as much
/// whenever all of it is filled. From the target it becomes a frame of the multiplexer, so more means fewer of them.
const FIRST_BUFFER: usize = 8 * 1024;
const MAX_BUFFER: usize = 64 * 1024;

/// How a joined pair ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Both directions have ended, each in its own time.
    Ended,
    /// One side was cut: the other has to be cut as well.
    Cut,
}

/// How one direction ended.
enum Direction {
    Ended,
    /// The side that was written to takes no more, but may still have something to say: a target that has answered
    /// may close without reading the rest of the request.
    Deaf,
}

/// Who takes note of what passes.
pub(super) struct Notes<'a> {
    pub(super) flow: &'a StreamFlow,
    /// What sees copies of all of it.
    pub(super) tap: Option<&'a Tap>,
}

/// Copies both ways until both directions have ended or one side is cut. `first` sees the first bytes from the target.
/// Bounded by nothing but the two sides: a visitor may sit on a breakpoint for hours.
pub(super) async fn join<S, T>(stream: &mut S, target: &mut T, notes: &Notes<'_>, first: impl FnOnce(&[u8])) -> Outcome
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let (mut stream_read, mut stream_write) = split(stream);
    let (mut target_read, mut target_write) = split(target);
    let mut first = Some(first);
    let down = copy(&mut stream_read, &mut target_write, |bytes| notes.down(bytes));
    let up = async {
        let seen = |bytes: &[u8]| {
            notes.up(bytes);
            if let Some(first) = first.take() {
                first(bytes);
            }
        };
        match copy(&mut target_read, &mut stream_write, seen).await.inspect_err(|_| notes.deserted())? {
            Direction::Ended => Ok(()),
            Direction::Deaf => Err(io::Error::from(io::ErrorKind::BrokenPipe)),
        }
    };
    match tokio::try_join!(down, up) {
        Ok(_) => Outcome::Ended,
        Err(_) => Outcome::Cut,
    }
}

impl Notes<'_> {
    fn deserted(&self) {
        if let Some(tap) = self.tap {
            tap.deserted();
        }
    }

    fn down(&self, bytes: &[u8]) {
        match (bytes, self.tap) {
            ([], None) => {}
            ([], Some(tap)) => tap.ended(Side::Visitor),
            (_, tap) => {
                self.flow.down();
                if let Some(tap) = tap {
                    tap.down(bytes);
                }
            }
        }
    }

    fn up(&self, bytes: &[u8]) {
        match (bytes, self.tap) {
            ([], None) => {}
            ([], Some(tap)) => tap.ended(Side::Target),
            (_, tap) => {
                self.flow.up();
                if let Some(tap) = tap {
                    tap.up(bytes);
                }
            }
        }
    }
}

/// Copies one direction. `seen` is shown each piece once as much of it has been passed on as is taken at once, so that nobody
/// waits for it to be looked at, and an empty one where there are no more. An error is one of the side that is read.
async fn copy<R, W>(from: &mut R, to: &mut W, mut seen: impl FnMut(&[u8])) -> io::Result<Direction>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut buffer = vec![0; FIRST_BUFFER];
    loop {
        let read = from.read(&mut buffer).await?;
        let piece = &buffer[..read];
        if read == 0 {
            seen(piece);
            return Ok(if to.shutdown().await.is_ok() { Direction::Ended } else { Direction::Deaf });
        }
        let at_once = poll_fn(|cx| Poll::Ready(Pin::new(&mut *to).poll_write(cx, piece))).await;
        seen(piece);
        let written = async {
            let taken = if let Poll::Ready(taken) = at_once { taken? } else { 0 };
            to.write_all(&piece[taken..]).await?;
            to.flush().await
        };
        if written.await.is_err() {
            return Ok(Direction::Deaf);
        }
        if read == buffer.len() && read < MAX_BUFFER {
            buffer.resize(2 * read, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::io::{DuplexStream, duplex};

    use super::super::flow::Flow;
    use super::*;

    struct Pair {
        visitor: DuplexStream,
        target: DuplexStream,
        outcome: tokio::task::JoinHandle<Outcome>,
    }

    fn pair() -> Pair {
        let (visitor, mut stream) = duplex(1_000);
        let (target, mut connection) = duplex(1_000);
        let outcome = tokio_util::task::TaskTracker::new().spawn(async move {
            let notes = Notes { flow: &Flow::default().stream(), tap: None };
            join(&mut stream, &mut connection, &notes, |_| ()).await
        });
        Pair { visitor, target, outcome }
    }

    #[tokio::test]
    async fn each_direction_ends_in_its_own_time() {
        let mut pair = pair();
        pair.visitor.write_all(b"request").await.unwrap();
        pair.visitor.shutdown().await.unwrap();
        let mut text = String::new();
        pair.target.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "request");
        pair.target.write_all(b"answer").await.unwrap();
        pair.target.shutdown().await.unwrap();
        pair.visitor.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "requestanswer");
        assert_eq!(pair.outcome.await.unwrap(), Outcome::Ended);
    }

    #[tokio::test]
    async fn a_target_that_answers_and_closes_is_heard() {
        let mut pair = pair();
        pair.target.write_all(b"413").await.unwrap();
        drop(pair.target);
        // The rest of the request finds nobody.
        pair.visitor.write_all(&[0; 500]).await.unwrap();
        let mut text = [0; 3];
        pair.visitor.read_exact(&mut text).await.unwrap();
        assert_eq!(&text, b"413");
        drop(pair.visitor);
        assert_eq!(pair.outcome.await.unwrap(), Outcome::Ended);
    }

    /// What has come through to a side that has room for so much, when each piece is shown.
    async fn check_shown(room: usize, expected: &[&str]) {
        let (mut near, mut far) = duplex(room);
        let mut come = Vec::new();
        let mut look = |_: &[u8]| {
            let mut text = [0; 100];
            let read = far.read(&mut text).now_or_never().map_or(0, |read| read.unwrap());
            come.push(String::from_utf8(text[..read].to_vec()).unwrap());
        };
        let mut parts = b"one ".chain(&b"two"[..]);
        copy(&mut parts, &mut near, &mut look).await.unwrap();
        assert_eq!(come, expected);
    }

    #[tokio::test]
    async fn nobody_waits_for_what_passes_to_be_looked_at() {
        check_shown(100, &["one ", "two", ""]).await;
        check_shown(3, &["one", " tw", "o"]).await;
    }

    #[tokio::test]
    async fn a_visitor_that_takes_no_more_is_a_cut() {
        let mut pair = pair();
        drop(pair.visitor);
        let _ = pair.target.write_all(&[0; 5_000]).await;
        assert_eq!(pair.outcome.await.unwrap(), Outcome::Cut);
    }
}
