//! A visitor's connection that can be reset instead of closed.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use super::transport::Transport;
use crate::proxy::Breaker;

/// A connection that is reset by drop where its breaker has tripped, below TLS where it has that. A mere close would end
/// an answer without a length as if it were whole.
pub(super) struct Severable {
    stream: Transport,
    breaker: Breaker,
    /// What was read to see what the visitor speaks, and is still to be read.
    ahead: Bytes,
}

impl Severable {
    pub(super) fn new(stream: Transport, breaker: Breaker) -> Self {
        Self { stream, breaker, ahead: Bytes::new() }
    }

    /// Whether what comes begins with `preface`; all of it is still to be read. Waits for as much of it as there is
    /// doubt about, so the caller sets the deadline. Cancelling it loses what has come.
    pub(super) async fn begins_with(&mut self, preface: &[u8]) -> io::Result<bool> {
        let mut came = Vec::with_capacity(preface.len());
        while came.len() < preface.len() && preface.starts_with(&came) {
            let rest = preface.len() - came.len();
            if (&mut self.stream).take(rest as u64).read_buf(&mut came).await? == 0 {
                break;
            }
        }
        self.ahead = came.into();
        Ok(self.ahead == preface)
    }

    /// The error that the connection has met without anybody reading or writing.
    pub(super) fn error(&self) -> Option<io::Error> {
        self.stream.socket().take_error().unwrap_or_else(Some)
    }
}

impl Drop for Severable {
    fn drop(&mut self) {
        if self.breaker.has_tripped() {
            // Where it fails the connection is gone already.
            let _ = self.stream.socket().set_zero_linger();
        }
    }
}

impl AsyncRead for Severable {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.ahead.is_empty() {
            let count = this.ahead.len().min(buf.remaining());
            buf.put_slice(&this.ahead.split_to(count));
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut this.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Severable {
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
        let this = self.get_mut();
        // Shutting down says "end"; a reset must not say that first.
        if this.breaker.has_tripped() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut this.stream).poll_shutdown(cx)
    }
}
