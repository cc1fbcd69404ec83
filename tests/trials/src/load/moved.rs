//! A connection that notes whether anything moves on it, to tell what hangs from what is slow.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;

/// Grows with every piece that moves.
#[derive(Clone, Default)]
pub(super) struct Moved(Arc<AtomicU64>);

impl Moved {
    fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits for `task` for as long as something moves at least once in `patience`; `None` where nothing does.
    pub(super) async fn while_moving<F: Future>(&self, patience: Duration, task: F) -> Option<F::Output> {
        let mut task = std::pin::pin!(task);
        loop {
            let before = self.0.load(Ordering::Relaxed);
            if let Ok(done) = timeout(patience, task.as_mut()).await {
                return Some(done);
            }
            if self.0.load(Ordering::Relaxed) == before {
                return None;
            }
        }
    }
}

/// The connection.
pub(super) struct Watched<S> {
    pub(super) stream: S,
    pub(super) moved: Moved,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        if read.is_ready() {
            this.moved.count();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        if written.is_ready() {
            this.moved.count();
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
