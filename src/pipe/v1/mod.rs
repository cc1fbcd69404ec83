//! The pipe of wire v1: one pair of carriers at a time, swapped for a fresh pair by a handshake that loses no byte.
//!
//! On each new pair each end sends `SYN\n`, awaits `SYN\n`, sends `SYNACK\n`, awaits `SYNACK\n`. Then it writes to the
//! new pair alone and ends its old body; it reads the old body to its end and only then the new one.
//!
//! ```
//! use sendit::pipe::v1;
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (mut ours, our_swapper) = v1::pipe();
//! let (mut theirs, their_swapper) = v1::pipe();
//! for text in ["one", "two"] {
//!     // The body that one end sends is the body that the other reads. Over a network each is an HTTP request's.
//!     let (down, down_body) = v1::carrier();
//!     let (up, up_body) = v1::carrier();
//!     tokio::try_join!(
//!         our_swapper.swap(v1::Incoming::new(up_body), down),
//!         their_swapper.swap(v1::Incoming::new(down_body), up),
//!     )?;
//!     ours.write_all(text.as_bytes()).await?;
//!     let mut read = [0; 3];
//!     theirs.read_exact(&mut read).await?;
//!     assert_eq!(&read, text.as_bytes());
//! }
//! # Ok(())
//! # }
//! ```

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod handshake;
mod incoming;
mod outgoing;
mod shared;
mod swap;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub use incoming::Incoming;
pub use outgoing::{Outgoing, OutgoingBody, Progress, carrier};
pub use swap::{Raising, SwapError, Swapper};

use crate::pieces::Pieces;
use shared::Shared;

/// A byte stream whose carriers can be swapped while it is used.
///
/// It has no bytes before its first pair of carriers stands. The loss of a carrier is an error of kind
/// [`io::ErrorKind::ConnectionReset`], from then on and in both directions: on this wire nothing can be sent twice.
/// Reading gives 0 bytes where the peer has ended its body in order and no swap is under way. Shutting down ends the
/// body that is sent; dropping the pipe cuts it.
pub struct Pipe {
    shared: Arc<Shared>,
    reading: Option<Incoming>,
}

/// A pipe without carriers, and what brings it some.
#[must_use]
pub fn pipe() -> (Pipe, Swapper) {
    let shared = Arc::new(Shared::default());
    (Pipe { shared: Arc::clone(&shared), reading: None }, Swapper::new(shared))
}

impl AsyncRead for Pipe {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let this = self.get_mut();
        let mut piece = ready!(Pin::new(&mut *this).poll_piece(cx))?;
        buf.put_slice(&piece.split_to(piece.len().min(buf.remaining())));
        if let Some(reading) = this.reading.as_mut().filter(|_| !piece.is_empty()) {
            reading.put_back(piece);
        }
        Poll::Ready(Ok(()))
    }
}

impl Pieces for Pipe {
    fn poll_piece(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let this = self.get_mut();
        loop {
            let Some(reading) = &mut this.reading else {
                match this.shared.next_reader(cx)? {
                    Poll::Ready(Some(next)) => this.reading = Some(next),
                    Poll::Ready(None) => return Poll::Ready(Ok(Bytes::new())),
                    Poll::Pending => return Poll::Pending,
                }
                continue;
            };
            match reading.poll_chunk(cx) {
                Poll::Ready(Ok(Some(piece))) => {
                    this.shared.note_activity();
                    return Poll::Ready(Ok(piece));
                }
                Poll::Ready(Ok(None)) => this.reading = None,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(this.shared.fail(&error.to_string()))),
                Poll::Pending => return this.shared.wait_to_read(cx),
            }
        }
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.shared.poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A carrier takes all that has been written as soon as it can send it; there is nothing to push.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shared.end();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.shared.fail("the pipe was dropped");
    }
}

#[cfg(test)]
mod tests;
