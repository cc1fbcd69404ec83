//! The byte stream above the carriers.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::log::Outbound;
use super::reading::Change;
use super::shared::{Shared, error};
use super::state::{End, Look};
use crate::pieces::Pieces;

/// A byte stream that lives longer than its carriers.
///
/// Reading and writing wait while there is no carrier; the program that owns the pipe decides for how long, and ends
/// it by [`Carriers::end`](super::Carriers::end). Reading gives 0 bytes where the peer has closed the pipe in order; a pipe that has failed
/// is an error of kind [`io::ErrorKind::ConnectionReset`].
///
/// # A byte that passes although its carrier is cut
///
/// ```
/// use sendit::pipe::v2::{Budget, pipe};
/// use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let budget = Budget::new(1024 * 1024);
/// let ((mut here, from_here), (mut there, from_there)) = (pipe(&budget), pipe(&budget));
/// here.write_all(b"x").await?;
///
/// // Half of the first carrier arrives, and the other half never will.
/// let cut = from_here.batch(from_there.wanted(), 1024)?;
/// let mut receiver = from_there.receive(cut.from);
/// receiver.take(cut.bytes.slice(..cut.bytes.len() / 2))?;
/// assert!(!receiver.is_complete());
///
/// // The next one begins with what is wanted still.
/// let next = from_here.batch(from_there.wanted(), 1024)?;
/// let mut receiver = from_there.receive(next.from);
/// receiver.take(next.bytes)?;
/// assert!(receiver.is_complete());
/// assert_eq!(there.read_u8().await?, b'x');
///
/// // A carrier the other way says so, and the byte need not be kept any longer.
/// assert_eq!((from_here.written(), from_here.acked()), (1, 0));
/// let answer = from_there.batch(from_here.wanted(), 1024)?;
/// from_here.receive(answer.from).take(answer.bytes)?;
/// assert_eq!(from_here.acked(), 1);
/// # Ok(())
/// # }
/// ```
pub struct Pipe {
    shared: Arc<Shared>,
    /// Taken from the log, not yet handed on.
    ahead: Bytes,
}

impl Pipe {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, ahead: Bytes::new() }
    }

    /// Has the log take some of `len` bytes.
    fn poll_written(
        &self,
        cx: &Context<'_>,
        len: usize,
        write: impl FnOnce(&mut Outbound) -> usize,
    ) -> Poll<io::Result<usize>> {
        let mut inner = self.shared.lock();
        if let Some(end) = &inner.state.end {
            return Poll::Ready(Err(error(end)));
        }
        let written = write(&mut inner.state.out);
        if written == 0 && len > 0 {
            inner.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Shared::wake(inner, Change { owes: true, ..Change::default() });
        Poll::Ready(Ok(written))
    }
}

impl AsyncRead for Pipe {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let mut piece = ready!(Pin::new(&mut *this).poll_piece(cx))?;
        buf.put_slice(&piece.split_to(piece.len().min(buf.remaining())));
        this.ahead = piece;
        Poll::Ready(Ok(()))
    }
}

impl Pieces for Pipe {
    fn poll_piece(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let this = self.get_mut();
        if !this.ahead.is_empty() {
            return Poll::Ready(Ok(std::mem::take(&mut this.ahead)));
        }
        let mut inner = this.shared.lock();
        let all_told = inner.state.all_told();
        if let Some(piece) = inner.state.inn.read(usize::MAX) {
            // A sender sets its clock by the first byte that is untold, and needs no clock once there are many.
            let look = inner.look();
            let owes = all_told && look == Look::Never || inner.state.must_tell(look);
            Shared::wake(inner, Change { owes, ..Change::default() });
            return Poll::Ready(Ok(piece));
        }
        match &inner.state.end {
            Some(End::Closed { .. }) => return Poll::Ready(Ok(Bytes::new())),
            Some(end) => return Poll::Ready(Err(error(end))),
            None => {}
        }
        inner.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    fn poll_give(self: Pin<&mut Self>, cx: &mut Context<'_>, piece: &mut Bytes) -> Poll<io::Result<()>> {
        let len = piece.len();
        self.get_mut().poll_written(cx, len, |out| out.give(piece)).map_ok(drop)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().poll_written(cx, bytes.len(), |out| out.write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A carrier takes all that has been written as soon as it can send it; there is nothing to push.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.shared.end(End::Failed("the pipe was dropped".to_owned()));
    }
}
