//! Joins a stream to a connection: bytes both ways, ends as ends, cuts as cuts.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::flow::StreamFlow;
use crate::inspect::{Side, Tap};
use crate::pieces::{Pieced, Pieces};

/// How a joined pair ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Both directions have ended, each in its own time.
    Ended,
    /// One side was cut: the other has to be cut as well.
    Cut,
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
    S: Pieces + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut target = Pieced::new(target);
    let (mut down, mut up) = (Way::default(), Way::default());
    let mut first = Some(first);
    let mut seen = |bytes: &[u8]| {
        notes.up(bytes);
        if let Some(first) = first.take() {
            first(bytes);
        }
    };
    poll_fn(|cx| {
        let went = down.poll(cx, stream, &mut target, &mut |bytes| notes.down(bytes));
        let came = up.poll(cx, &mut target, stream, &mut seen);
        if matches!(came, Poll::Ready(Err(_))) {
            notes.deserted();
        }
        match (went, came) {
            // Who answers may close without reading the rest of the request; who does not hear the answer is gone.
            (Poll::Ready(Err(_)), _) | (_, Poll::Ready(Err(_) | Ok(End::Deaf))) => Poll::Ready(Outcome::Cut),
            (Poll::Ready(Ok(_)), Poll::Ready(Ok(End::Heard))) => Poll::Ready(Outcome::Ended),
            _ => Poll::Pending,
        }
    })
    .await
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

/// How one direction ended.
#[derive(Clone, Copy)]
enum End {
    Heard,
    /// The side that was written to takes no more, but may still have something to say.
    Deaf,
}

/// What one direction is about.
#[derive(Default)]
enum Stage {
    #[default]
    Reads,
    /// What was read has not all been taken.
    Writes(Bytes),
    Flushes,
    ShutsDown,
    Over(End),
}

/// One direction.
#[derive(Default)]
struct Way(Stage);

impl Way {
    /// Copies until there is nothing more. `seen` is shown each piece once as much of it has been passed on as is taken at once,
    /// so that nobody waits for it to be looked at, and an empty one where there are no more. An error is one of the side that
    /// is read.
    fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
        seen: &mut impl FnMut(&[u8]),
    ) -> Poll<io::Result<End>>
    where
        R: Pieces + Unpin,
        W: Pieces + Unpin,
    {
        loop {
            self.0 = match &mut self.0 {
                Stage::Reads => {
                    let piece = ready!(Pin::new(&mut *from).poll_piece(cx))?;
                    let mut rest = piece.clone();
                    let given =
                        if piece.is_empty() { Poll::Pending } else { Pin::new(&mut *to).poll_give(cx, &mut rest) };
                    seen(&piece);
                    match given {
                        Poll::Ready(Err(_)) => Stage::Over(End::Deaf),
                        _ if piece.is_empty() => Stage::ShutsDown,
                        _ => Stage::Writes(rest),
                    }
                }
                Stage::Writes(rest) if rest.is_empty() => Stage::Flushes,
                Stage::Writes(rest) => match ready!(Pin::new(&mut *to).poll_give(cx, rest)) {
                    Ok(()) => continue,
                    Err(_) => Stage::Over(End::Deaf),
                },
                Stage::Flushes => match ready!(Pin::new(&mut *to).poll_flush(cx)) {
                    Ok(()) => Stage::Reads,
                    Err(_) => Stage::Over(End::Deaf),
                },
                Stage::ShutsDown => match ready!(Pin::new(&mut *to).poll_shutdown(cx)) {
                    Ok(()) => Stage::Over(End::Heard),
                    Err(_) => Stage::Over(End::Deaf),
                },
                Stage::Over(end) => return Poll::Ready(Ok(*end)),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex, sink};

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
        let mut parts = Pieced::new(tokio::io::join(b"one ".chain(&b"two"[..]), sink()));
        let mut way = Way::default();
        poll_fn(|cx| way.poll(cx, &mut parts, &mut near, &mut look)).await.unwrap();
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
