//! What is on its way to a visitor of one answer: all that is ready goes out together, and nothing is waited for.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::iter::once;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::BoxError;
use bytes::{Buf as _, Bytes};
use http::Response;
use http_body::Body;
use tokio::io::AsyncWrite;

use super::head;

/// How many pieces go out together, and how many bytes are enough for that.
const MAX_PIECES: usize = 16;
const ENOUGH: usize = 64 * 1024;

/// A piece with no more is copied behind the head: that costs less than to write the two as such.
const SMALL: usize = 1024;

/// How much of the room for heads is kept between two answers.
const MAX_KEPT: usize = 2 * 1024;

#[derive(Default)]
pub(super) struct Outgoing {
    /// The head, or what came later and is small.
    head: Vec<u8>,
    /// How much of that is written.
    written: usize,
    /// What goes out behind it.
    pieces: VecDeque<Bytes>,
    /// How much that is.
    waiting: usize,
    /// How much of the body is still to come.
    left: u64,
    has_ended: bool,
}

impl Outgoing {
    /// Takes the head of an answer, the one before which is written, if it is one that can be written here.
    pub(super) fn begin(&mut self, answer: &Response<impl Body>) -> bool {
        let Some(length) = answer.body().size_hint().exact() else { return false };
        self.head.clear();
        self.head.shrink_to(MAX_KEPT);
        (self.written, self.left, self.has_ended) = (0, length, answer.body().is_end_stream());
        head::write(answer, length, &mut self.head)
    }

    /// Writes all of the answer.
    ///
    /// # Errors
    /// Where its body fails, or has another length than was said, or the connection breaks.
    pub(super) fn poll_send<B>(
        &mut self,
        body: &mut B,
        mut to: Pin<&mut impl AsyncWrite>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        loop {
            let filled = self.poll_fill(body, cx)?;
            if self.is_written() {
                // Below TLS some may still wait.
                ready!(to.as_mut().poll_flush(cx))?;
                return filled.map(Ok);
            }
            ready!(self.poll_write(to.as_mut(), cx))?;
        }
    }

    /// Takes what there is of the body, until that is enough, or it has ended.
    fn poll_fill<B>(&mut self, body: &mut B, cx: &mut Context<'_>) -> Poll<io::Result<()>>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        while !self.has_ended && self.pieces.len() < MAX_PIECES && self.waiting < ENOUGH {
            match ready!(Pin::new(&mut *body).poll_frame(cx)).transpose().map_err(io::Error::other)? {
                Some(frame) => {
                    // Trailers have no place behind what is as long as it says.
                    self.push(frame.into_data().unwrap_or_default())?;
                    self.has_ended = body.is_end_stream();
                }
                None => self.has_ended = true,
            }
        }
        if self.has_ended && self.left > 0 {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        Poll::Ready(Ok(()))
    }

    fn push(&mut self, piece: Bytes) -> io::Result<()> {
        let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(length).ok_or(io::ErrorKind::InvalidData)?;
        if self.is_written() {
            self.head.clear();
            self.written = 0;
        }
        if self.pieces.is_empty() && piece.len() <= SMALL && self.head.len() <= MAX_KEPT {
            self.head.extend_from_slice(&piece);
        } else {
            self.waiting += piece.len();
            self.pieces.push_back(piece);
        }
        Ok(())
    }

    fn is_written(&self) -> bool {
        self.written == self.head.len() && self.pieces.is_empty()
    }

    fn poll_write(&mut self, to: Pin<&mut impl AsyncWrite>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let head = &self.head[self.written..];
        let count = if self.pieces.is_empty() {
            ready!(to.poll_write(cx, head))?
        } else {
            let mut slices = [IoSlice::new(&[]); MAX_PIECES + 1];
            let parts = once(head).chain(self.pieces.iter().map(|piece| &piece[..]));
            slices.iter_mut().zip(parts).for_each(|(slice, part)| *slice = IoSlice::new(part));
            ready!(to.poll_write_vectored(cx, &slices[..=self.pieces.len()]))?
        };
        if count == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.advance(count);
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, count: usize) {
        let of_head = count.min(self.head.len() - self.written);
        self.written += of_head;
        let mut rest = count - of_head;
        self.waiting -= rest;
        while let Some(piece) = self.pieces.front_mut() {
            if rest < piece.len() {
                piece.advance(rest);
                break;
            }
            rest -= piece.len();
            self.pieces.pop_front();
        }
    }
}
