//! One stream of a connection: ends that are ends, cuts that are errors.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{AsyncWrite as _, Stream as _};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::coop::poll_proceed;
use yamux::Packet;

use super::registry::Registry;
use super::tap::Resets;

/// A byte stream with flow control of its own.
///
/// Reading gives 0 bytes only where the peer has ended its direction in order; a reset, or the loss of the connection,
/// is an error of kind [`io::ErrorKind::ConnectionReset`]. Shutting down ends our direction. Dropping a stream that
/// has not ended in both directions resets it.
pub struct Stream {
    inner: yamux::Stream,
    /// A frame's bytes, and how many of them have been read. Taken as they are, for the crate's own reading fills
    /// buffers that would have to be zeroed before.
    ahead: Option<(Packet, usize)>,
    id: u32,
    registry: Registry,
    resets: Resets,
    /// We have ended our direction.
    half_closed: bool,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Stream {
    pub(super) fn new(
        inner: yamux::Stream,
        registry: Registry,
        resets: Resets,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Self {
        let id = inner.id().val();
        Self { inner, ahead: None, id, registry, resets, half_closed: false, _permit: permit }
    }
}

impl Stream {
    /// What has come next, as it came: the bytes of a frame. There are none at the end.
    ///
    /// # Errors
    /// Those of reading.
    pub fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        if ready!(Pin::new(&mut *self).poll_fill_buf(cx))?.is_empty() {
            return Poll::Ready(Ok(Bytes::new()));
        }
        let piece = self.ahead.take().map(|(packet, read)| Bytes::from_owner(packet).slice(read..));
        Poll::Ready(Ok(piece.unwrap_or_default()))
    }
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "the stream was cut")
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        // Across frames, or there would be a small piece at the end of each that is longer than `buf`.
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
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        // What is read in memory is always there: without a count of steps one who reads much would never yield.
        let step = ready!(poll_proceed(cx));
        if this.ahead.is_none() {
            match ready!(Pin::new(&mut this.inner).poll_next(cx)) {
                Some(packet) => this.ahead = Some((packet.map_err(|_| cut())?, 0)),
                None if this.registry.has_ended(this.id) => return Poll::Ready(Ok(&[])),
                None => return Poll::Ready(Err(cut())),
            }
        }
        step.made_progress();
        Poll::Ready(Ok(this.ahead.as_ref().map_or(&[], |(packet, read)| &packet.as_ref()[*read..])))
    }

    fn consume(self: Pin<&mut Self>, bytes: usize) {
        let this = self.get_mut();
        if let Some((packet, read)) = &mut this.ahead {
            *read += bytes;
            if *read == packet.as_ref().len() {
                this.ahead = None;
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, bytes).map_err(|_| cut())
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // What was written is in the driver's hands, which sends it without being asked.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.inner).poll_close(cx)).map_err(|_| cut())?;
        this.half_closed = true;
        Poll::Ready(Ok(()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.registry.drop_stream(self.id, self.half_closed) {
            self.resets.push(self.id);
        }
    }
}
