//! One stream of a connection: ends that are ends, cuts that are errors.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::coop::poll_proceed;

use super::credit::Tuning;
use super::flow::{Flow, Side, cut};
use super::shared::{Shared, wait};
use crate::pieces::Pieces;

/// A byte stream with flow control of its own.
///
/// Reading gives 0 bytes only where the peer has ended its direction in order; a reset, or the loss of the connection,
/// is an error of kind [`io::ErrorKind::ConnectionReset`]. Shutting down ends our direction. Dropping a stream that
/// has not ended in both directions resets it.
pub struct Stream {
    shared: Shared,
    id: u32,
    /// What was taken, and has not been read.
    ahead: Bytes,
    _place: Option<OwnedSemaphorePermit>,
}

impl Stream {
    pub(super) fn new(shared: Shared, id: u32, place: Option<OwnedSemaphorePermit>) -> Self {
        Self { shared, id, ahead: Bytes::new(), _place: place }
    }

    /// Has something done with it; the driver sends what it then has to say.
    fn act<R>(&self, act: impl FnOnce(&mut Flow, &mut Tuning) -> R) -> Option<R> {
        self.shared.act(|streams| streams.with(self.id, act))
    }

    /// How much of `len` bytes may be written now, and then what `piece` makes of that.
    fn poll_written(
        &self,
        cx: &Context<'_>,
        len: usize,
        piece: impl FnOnce(usize) -> Bytes,
    ) -> Poll<io::Result<usize>> {
        let write = |flow: &mut Flow, _: &mut Tuning| {
            if flow.ours != Side::Open {
                return Poll::Ready(Err(cut()));
            }
            let part = flow.room().min(len);
            if part > 0 {
                flow.write(piece(part));
            } else if len > 0 {
                return wait(&mut flow.writer, cx);
            }
            Poll::Ready(Ok(part))
        };
        let written = self.shared.act(|streams| if streams.is_over() { None } else { streams.with(self.id, write) });
        written.unwrap_or_else(|| Poll::Ready(Err(cut())))
    }
}

impl Pieces for Stream {
    fn poll_piece(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let this = self.get_mut();
        if !this.ahead.is_empty() {
            return Poll::Ready(Ok(std::mem::take(&mut this.ahead)));
        }
        // What is read in memory is always there: without a count of steps one who reads much would never yield.
        let step = ready!(poll_proceed(cx));
        let came = this.act(|flow, tuning| {
            if let Some(piece) = flow.read(tuning, || this.shared.now()) {
                return Poll::Ready(Ok(piece));
            }
            match flow.rest() {
                Some(rest) => Poll::Ready(rest),
                None => wait(&mut flow.reader, cx),
            }
        });
        let came = came.unwrap_or_else(|| Poll::Ready(Err(cut())));
        if came.is_ready() {
            step.made_progress();
        }
        came
    }

    fn poll_give(self: Pin<&mut Self>, cx: &mut Context<'_>, piece: &mut Bytes) -> Poll<io::Result<()>> {
        self.poll_written(cx, piece.len(), |part| piece.split_to(part)).map_ok(drop)
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        // Across pieces, or there would be a small one at the end of each that is longer than `buf`.
        while buf.remaining() > 0 {
            match self.as_mut().poll_fill_buf(cx) {
                Poll::Ready(Ok([])) => break,
                Poll::Ready(Ok(rest)) => {
                    let part = rest.len().min(buf.remaining());
                    buf.put_slice(&rest[..part]);
                    self.as_mut().consume(part);
                }
                // Told once what came before has been taken.
                _ if buf.filled().len() > before => break,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncBufRead for Stream {
    fn poll_fill_buf(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        if self.ahead.is_empty() {
            let piece = ready!(self.as_mut().poll_piece(cx))?;
            self.ahead = piece;
        }
        Poll::Ready(Ok(&self.get_mut().ahead))
    }

    fn consume(mut self: Pin<&mut Self>, bytes: usize) {
        self.ahead.advance(bytes);
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_written(cx, bytes.len(), |part| Bytes::copy_from_slice(&bytes[..part]))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // What was written is in the driver's hands, which sends it without being asked.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = self.act(|flow, _| {
            match flow.ours {
                Side::Open => flow.finish(),
                Side::Ended => {}
                Side::Cut => return Err(cut()),
            }
            Ok(())
        });
        Poll::Ready(ended.unwrap_or_else(|| Err(cut())))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        drop(self.shared.act(|streams| streams.give_up(self.id)));
    }
}
