//! A visitor's connection that can be reset instead of closed.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::transport::Transport;
use crate::proxy::Breaker;

/// How much is read at once to see what the visitor speaks: most heads are shorter.
const AHEAD: usize = 4 * 1024;

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
        let mut came = Vec::new();
        while came.len() < preface.len() && preface.starts_with(&came) {
            if poll_fn(|cx| self.poll_more(cx, &mut came)).await? == 0 {
                break;
            }
        }
        self.ahead = came.into();
        Ok(self.ahead.starts_with(preface))
    }

    /// Takes what has come, which nobody waits for with room of its own: most connections of a crowd are silent.
    fn poll_more(&mut self, cx: &mut Context<'_>, came: &mut Vec<u8>) -> Poll<io::Result<usize>> {
        let mut room = [MaybeUninit::uninit(); AHEAD];
        let mut room = ReadBuf::uninit(&mut room);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut room))?;
        came.extend_from_slice(room.filled());
        Poll::Ready(Ok(room.filled().len()))
    }

    /// What was read so, and is still to be read.
    pub(super) fn ahead(&self) -> &[u8] {
        &self.ahead
    }

    /// The same connection once more, for another thread to take it over.
    pub(super) fn duplicate(&self) -> io::Result<std::net::TcpStream> {
        SockRef::from(self.stream.socket()).try_clone().map(Into::into)
    }

    /// Goes on by what was duplicated, which is moved by the runtime that this is called on.
    pub(super) fn adopt(&mut self, duplicate: std::net::TcpStream) -> io::Result<()> {
        *self.stream.socket_mut() = TcpStream::from_std(duplicate)?;
        Ok(())
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
