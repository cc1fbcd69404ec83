//! A stream to the target, as the hop uses it. On wire v2 its first byte says how the client's connection to the
//! target came out.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::mux;
use crate::wire::v2::Outcome;

/// A byte stream to the target of a session. Where the client could not connect, reading it is an error of kind
/// [`io::ErrorKind::ConnectionRefused`] or [`io::ErrorKind::TimedOut`].
pub struct TargetStream {
    stream: mux::Stream,
    /// The outcome has not come yet.
    awaiting: bool,
}

impl TargetStream {
    /// A stream whose client says how it came out.
    pub(super) fn told(stream: mux::Stream) -> Self {
        Self { stream, awaiting: true }
    }

    /// A stream whose client does not.
    pub(super) fn untold(stream: mux::Stream) -> Self {
        Self { stream, awaiting: false }
    }

    /// Takes the outcome off the stream. The request is on its way meanwhile: nobody waits for it but the answer.
    fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut byte = [0];
        let mut buf = ReadBuf::new(&mut byte);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buf))?;
        let Some(byte) = buf.filled().first() else { return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())) };
        self.awaiting = false;
        Poll::Ready(match Outcome::from_byte(*byte) {
            Outcome::Joined => Ok(()),
            Outcome::TimedOut => Err(io::ErrorKind::TimedOut.into()),
            Outcome::Refused => Err(io::ErrorKind::ConnectionRefused.into()),
        })
    }
}

impl AsyncRead for TargetStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.awaiting {
            ready!(this.poll_outcome(cx))?;
        }
        Pin::new(&mut this.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for TargetStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
