//! The clock that heads of HTTP/2 are read by. Of frames it knows where they end, and which are of a head.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::PREFACE;
use crate::proxy::spend;
use crate::server::accept::HEAD_DEADLINE;

/// What stands before each frame's payload. (RFC 9113, section 4.1)
const FRAME_HEAD: usize = 9;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// A connection whose visitor has 10 s for its first head, from the beginning of the connection on, and for each further
/// one; nor may any other frame take longer, but for those of a body. Where one does, reading fails.
pub(super) struct Heads<S> {
    stream: S,
    frames: Frames,
    /// When the first head, or what has begun since, has to be whole. Made where it is waited for, which is seldom.
    until: Option<Pin<Box<Sleep>>>,
}

impl<S> Heads<S> {
    /// A connection of which nothing was read, its first head due at `deadline`.
    pub(super) fn new(stream: S, deadline: Instant) -> Self {
        Self { stream, frames: Frames::new(), until: Some(Box::pin(sleep_until(deadline))) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Heads<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut this.stream).poll_read(cx, buf) {
            let came = &buf.filled()[before..];
            if this.frames.pass(came) {
                this.until = None;
            }
            spend(came.len(), cx);
            return Poll::Ready(read);
        }
        if this.frames.is_between() {
            return Poll::Pending;
        }
        ready!(this.until.get_or_insert_with(|| Box::pin(sleep(HEAD_DEADLINE))).as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "a head was not whole in time")))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heads<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// Where in what a visitor sends one is. A pure value.
struct Frames {
    /// What is still to come of the preface, or of a frame's payload.
    left: usize,
    /// What has come of the next frame's own head.
    came: usize,
    own: [u8; FRAME_HEAD],
    /// The type of the frame before that; none before the first.
    kind: Option<u8>,
    /// The next frame goes on with a head.
    goes_on: bool,
    /// A head was whole.
    has_begun: bool,
}

impl Frames {
    fn new() -> Self {
        Self { left: PREFACE.len(), came: 0, own: [0; FRAME_HEAD], kind: None, goes_on: false, has_begun: false }
    }

    /// Whether nothing is owed now but, perhaps, more of a body.
    fn is_between(&self) -> bool {
        let is_of_a_body = self.kind == Some(DATA);
        self.has_begun && !self.goes_on && self.came == 0 && (self.left == 0 || is_of_a_body)
    }

    /// Goes on over `bytes`. Whether there was a moment among them at which nothing was owed.
    fn pass(&mut self, mut bytes: &[u8]) -> bool {
        let mut was_between = false;
        while !bytes.is_empty() {
            let count = bytes.len().min(if self.left > 0 { self.left } else { FRAME_HEAD - self.came });
            let (piece, rest) = bytes.split_at(count);
            if self.left > 0 {
                self.left -= count;
            } else {
                self.own[self.came..self.came + count].copy_from_slice(piece);
                self.came += count;
                self.begin();
            }
            let is_head = matches!(self.kind, Some(HEADERS | CONTINUATION));
            self.has_begun |= is_head && !self.goes_on && self.left == 0 && self.came == 0;
            was_between |= self.is_between();
            bytes = rest;
        }
        was_between
    }

    /// Begins with a frame's payload, where the frame's own head is whole.
    fn begin(&mut self) {
        if self.came < FRAME_HEAD {
            return;
        }
        let [a, b, c, kind, flags, ..] = self.own;
        self.left = u32::from_be_bytes([0, a, b, c]) as usize;
        (self.came, self.kind) = (0, Some(kind));
        if matches!(kind, HEADERS | CONTINUATION) {
            self.goes_on = flags & END_HEADERS == 0;
        }
    }
}

#[cfg(test)]
mod tests;
