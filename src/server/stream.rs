//! A stream to the target, as the hop uses it. On wire v2 its first byte says how the client's connection to the
//! target came out, and the client is told before all else how long its visitor has waited, where it was.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};

use crate::mux;
use crate::pieces::Pieces;
use crate::wire::v2::{Outcome, Waited};

/// A byte stream to the target of a session. Where the client could not connect, reading it is an error of kind
/// [`io::ErrorKind::ConnectionRefused`] or [`io::ErrorKind::TimedOut`].
pub struct TargetStream {
    stream: mux::Stream,
    /// The outcome has not come yet.
    awaiting: bool,
}

/// What the two ends say to each other on a stream before what visitor and target say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preface {
    /// Nothing.
    None,
    /// The client, how its connection to the target came out.
    Outcome,
    /// That, and the server how long the visitor has waited.
    Both,
}

impl TargetStream {
    /// A stream that has just been opened, for a visitor who has `waited`, where that is to be said.
    pub(super) async fn begin(mut stream: mux::Stream, preface: Preface, waited: Option<Duration>) -> io::Result<Self> {
        if let (Preface::Both, Some(waited)) = (preface, waited) {
            // A stream that is new has room for it.
            stream.write_all(&Waited(waited).to_bytes()).await?;
        }
        Ok(Self { stream, awaiting: preface != Preface::None })
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

impl Pieces for TargetStream {
    fn poll_piece(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let this = self.get_mut();
        if this.awaiting {
            ready!(this.poll_outcome(cx))?;
        }
        Pin::new(&mut this.stream).poll_piece(cx)
    }

    fn poll_give(self: Pin<&mut Self>, cx: &mut Context<'_>, piece: &mut Bytes) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_give(cx, piece)
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
