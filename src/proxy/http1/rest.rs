//! What follows an answer's head, as the visitor takes it, and what becomes of the stream behind it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::task::coop::poll_proceed;

use super::super::spend;
use super::framing::{Framing, Part};
use super::kept::Kept;
use super::switched::Switched;
use crate::pieces::Pieces;

/// A piece with less is waited with for what is there behind it, so many times.
const SMALL: usize = 4 * 1024;
const MAX_GATHERED: usize = 64;

/// Of what one turn takes in a part is worth so many bytes, for there may be thousands of one byte in a piece; its own bytes,
/// which are only handed on, count for as much less.
const WORTH: usize = 1024;
const CHEAPER: usize = 16;

/// A body that is read where it is asked for. Dropping it before its end cuts the stream.
pub(crate) struct Rest<S: Pieces + Send + Unpin + 'static> {
    framing: Framing,
    /// What has come of it.
    ahead: Bytes,
    /// None once the body is over, or cannot be had.
    stream: Option<S>,
    /// Why it cannot be had, which is not told yet.
    failed: Option<io::Error>,
    /// Where the stream goes then, if it may be used again.
    kept: Option<Arc<Kept<S>>>,
}

impl<S: Pieces + Send + Unpin + 'static> Rest<S> {
    pub(super) fn new(framing: Framing, ahead: Bytes, stream: S, kept: Option<Arc<Kept<S>>>) -> Self {
        let mut rest = Self { framing, ahead, stream: Some(stream), failed: None, kept };
        rest.settle();
        rest
    }

    /// What follows a 101, which is no body.
    pub(crate) fn switched(self) -> Option<Switched<S>> {
        let Self { ahead, stream, .. } = self;
        stream.map(|stream| Switched { ahead, stream })
    }

    /// Gives the stream away where the body is over.
    fn settle(&mut self) {
        if !self.framing.is_over() {
            return;
        }
        let Some(mut stream) = self.stream.take() else { return };
        match self.kept.take() {
            // What nobody has asked for belongs to no exchange.
            Some(kept) if self.ahead.is_empty() => kept.put(stream),
            _ => end(&mut stream),
        }
        self.ahead = Bytes::new();
    }

    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Part>> {
        loop {
            let part = self.framing.next(&mut self.ahead).map_err(|_| io::ErrorKind::InvalidData)?;
            if part != Part::Missing {
                return Poll::Ready(Ok(part));
            }
            self.ahead = ready!(self.poll_ahead(cx))?;
            if self.ahead.is_empty() {
                self.kept = None;
                self.framing.end().map_err(|_| io::ErrorKind::UnexpectedEof)?;
            }
        }
    }

    /// What comes next. Small pieces that are there come together, for each would cost the visitor a chunk, and all below as
    /// much as a large one.
    fn poll_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let Some(stream) = &mut self.stream else { return Poll::Ready(Err(io::ErrorKind::NotConnected.into())) };
        let mut piece = ready!(Pin::new(&mut *stream).poll_piece(cx))?;
        let is_all = |len: usize| self.framing.left().is_some_and(|left| len as u64 >= left);
        for _ in 1..MAX_GATHERED {
            if piece.is_empty() || piece.len() >= SMALL || is_all(piece.len()) {
                break;
            }
            // The end is still there when it is asked for again, and so is a failure.
            let Poll::Ready(Ok(more)) = Pin::new(&mut *stream).poll_piece(cx) else { break };
            if more.is_empty() {
                break;
            }
            piece = [piece, more].concat().into();
        }
        Poll::Ready(Ok(piece))
    }
}

/// Ends a stream in order that nobody needs any more. What takes it is in memory, and has room as a rule.
pub(super) fn end<S: AsyncWrite + Unpin>(stream: &mut S) {
    let _ = stream.shutdown().now_or_never();
}

impl<S: Pieces + Send + Unpin + 'static> Body for Rest<S> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        if let Some(error) = this.failed.take() {
            return Poll::Ready(Some(Err(error)));
        }
        ready!(poll_proceed(cx)).made_progress();
        let part = ready!(this.poll_part(cx));
        this.settle();
        Poll::Ready(match part {
            Ok(Part::Data(data)) => {
                spend(WORTH + data.len() / CHEAPER, cx);
                Some(Ok(Frame::data(data)))
            }
            Ok(Part::Trailers(trailers)) => Some(Ok(Frame::trailers(trailers))),
            Ok(Part::Missing | Part::End) => None,
            Err(error) => {
                // Nor is what came with it read on.
                (this.stream, this.ahead) = (None, Bytes::new());
                // At once it would take all with it that was given before, and has not been sent.
                this.failed = Some(error);
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.framing.is_over()
    }

    fn size_hint(&self) -> SizeHint {
        self.framing.left().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use http::Method;
    use http_body_util::BodyExt as _;
    use tokio_util::task::TaskTracker;

    use super::super::ask::ask;
    use super::super::fuzzing::{Target, Then};
    use super::*;
    use crate::proxy::Tracked;

    /// The body of an answer that a target gives in these pieces.
    async fn body<'a>(pieces: impl Iterator<Item = &'a [u8]>, then: Then) -> Rest<Target> {
        let (stream, kept) = (Target::new(pieces, then), Kept::new(Tracked(TaskTracker::new())));
        let Ok((answer, _)) = ask(stream, &Method::GET, b"", kept).await else { panic!("there is no answer") };
        answer.into_body()
    }

    /// Who asks on behind an error is told of one again, whatever else is there.
    #[tokio::test]
    async fn a_body_that_cannot_be_had_never_looks_whole() {
        let chunked = "Transfer-Encoding: chunked\r\n\r\n";
        for (said, then) in [
            (format!("{chunked}5 6\r\n\r\n0\r\n\r\n"), Then::Stays),
            (format!("{chunked}0\r\nSum: 1\n\r\n\r\n"), Then::Stays),
            (format!("{chunked}0\r\nSum 1\r\n\r\n\r\n"), Then::Stays),
            (format!("{chunked}0\r\n{}\r\n", "a: b\r\n".repeat(4_000)), Then::Stays),
            (format!("{chunked}1\r\n"), Then::Leaves),
            (format!("{chunked}0\r\n"), Then::Leaves),
            ("Content-Length: 1\r\n\r\n".to_owned(), Then::Leaves),
            ("Content-Length: 1\r\n\r\n".to_owned(), Then::Fails(io::ErrorKind::ConnectionReset)),
            ("A: b\r\n\r\n".to_owned(), Then::Fails(io::ErrorKind::ConnectionReset)),
        ] {
            let said = format!("HTTP/1.1 200 OK\r\n{said}");
            for step in [1, said.len()] {
                let mut body = body(said.as_bytes().chunks(step), then).await;
                for _ in 0..5 {
                    assert!(matches!(body.frame().await, Some(Err(_))), "{said:?} by {step}");
                    assert!(!body.is_end_stream(), "{said:?} by {step}");
                }
            }
        }
    }

    /// Whoever sends it has a turn to do so: an error may take with it what was not sent.
    #[tokio::test]
    async fn what_came_before_a_failure_goes_out_first() {
        let said = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello";
        let mut body = body([&said[..]].into_iter(), Then::Leaves).await;
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "hello");
        assert!(body.frame().now_or_never().is_none(), "not yet");
        assert!(matches!(body.frame().now_or_never(), Some(Some(Err(_)))));
    }

    /// Each would cost the visitor a chunk.
    #[tokio::test]
    async fn small_pieces_come_together() {
        let bytes = [b'x'; 10 * MAX_GATHERED];
        let mut body = body([&b"HTTP/1.1 200 OK\r\n\r\n"[..]].into_iter().chain(bytes.chunks(1)), Then::Stays).await;
        for _ in 0..10 {
            let data = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert_eq!(data.len(), MAX_GATHERED);
        }
        assert!(body.frame().now_or_never().is_none(), "it is not over");
    }

    /// However many there are of one byte.
    #[tokio::test]
    async fn others_have_their_turn_between_chunks() {
        let chunks = "1\r\nx\r\n".repeat(10_000);
        let said = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n");
        for step in [1, 6, 64 * 1024] {
            let mut body = body(said.as_bytes().chunks(step), Then::Leaves).await;
            let (mut turns, mut came) = (0, 0);
            poll_fn(|cx| {
                turns += 1;
                while let Some(frame) = ready!(Pin::new(&mut body).poll_frame(cx)) {
                    came += frame.unwrap().into_data().unwrap().len();
                }
                Poll::Ready(())
            })
            .await;
            assert_eq!(came, 10_000);
            // The runtime has 128 steps for a turn, and a part takes eight.
            assert!(turns >= came / 16, "{turns} by {step}");
        }
    }
}
