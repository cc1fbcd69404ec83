//! Byte streams whose bytes are taken as they came.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, DuplexStream, ReadBuf};

/// What is read at a time where a stream has no pieces of its own.
const PIECE: usize = 8 * 1024;

/// A byte stream that gives what has come without a copy, where it can.
pub trait Pieces: AsyncRead {
    /// The bytes that came next. There are none at the end.
    ///
    /// # Errors
    /// Those of [`AsyncRead::poll_read`].
    fn poll_piece(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let mut room = BytesMut::zeroed(PIECE);
        let mut buf = ReadBuf::new(&mut room);
        ready!(self.poll_read(cx, &mut buf))?;
        let came = buf.filled().len();
        room.truncate(came);
        Poll::Ready(Ok(room.freeze()))
    }
}

impl Pieces for DuplexStream {}
