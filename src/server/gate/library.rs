//! The gate as the HTTP library reads and writes it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Breakable, Gate};
use crate::server::accept::MAX_HEAD;

impl<S: AsyncRead + Breakable + Unpin> AsyncRead for Gate<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        loop {
            if this.due > 0 {
                let count = this.due.min(buf.remaining());
                buf.put_slice(&this.held[..count]);
                this.held.advance(count);
                this.due -= count;
            }
            if buf.filled().len() > before || buf.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            this.decide(cx)?;
            if this.due > 0 {
                continue;
            }
            if this.refused || this.held.len() >= MAX_HEAD {
                return Poll::Pending;
            }
            if this.ended.is_some() {
                return this.poll_end(cx);
            }
            if this.scan.is_open() {
                return Pin::new(&mut this.stream).poll_read(cx, buf);
            }
            match this.poll_fill(cx, buf) {
                Poll::Ready(filled) => filled?,
                Poll::Pending => return this.poll_patience(cx),
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Breakable + Unpin> AsyncWrite for Gate<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.written(written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.written(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        if this.refused || this.scan.is_within() {
            ready!(this.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }
}
