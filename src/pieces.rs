//! Byte streams whose bytes are handed on as they are: what has come is given, and what is to go is taken, without a copy
//! wherever that can be.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio_util::io::poll_read_buf;

/// A byte stream that is read and written by the piece.
pub trait Pieces: AsyncRead + AsyncWrite {
    /// The bytes that came next. There are none at the end.
    ///
    /// # Errors
    /// Those of [`AsyncRead::poll_read`].
    fn poll_piece(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>>;

    /// Takes as much off the front of `piece` as there is room for, which is some of it at least. By default it is copied, as
    /// [`AsyncWrite`] wants it.
    ///
    /// # Errors
    /// Those of [`AsyncWrite::poll_write`].
    fn poll_give(self: Pin<&mut Self>, cx: &mut Context<'_>, piece: &mut Bytes) -> Poll<io::Result<()>> {
        let taken = ready!(self.poll_write(cx, piece))?;
        if taken == 0 && !piece.is_empty() {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        piece.advance(taken);
        Poll::Ready(Ok(()))
    }
}

/// What is read at a time: little at first, for most exchanges are small and many streams wait, and twice as much
/// whenever all of it is filled.
const FIRST_ROOM: usize = 8 * 1024;
const MAX_ROOM: usize = 64 * 1024;

/// A byte stream that has no pieces of its own, such as a socket.
#[derive(Debug)]
pub struct Pieced<T> {
    io: T,
    /// What is read into. The pieces are parts of it, so what is left of it is used, if that is half at least.
    room: BytesMut,
    size: usize,
}

impl<T> Pieced<T> {
    /// The same stream.
    pub fn new(io: T) -> Self {
        Self { io, room: BytesMut::new(), size: FIRST_ROOM }
    }

    /// The stream itself.
    pub fn into_inner(self) -> T {
        self.io
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Pieces for Pieced<T> {
    fn poll_piece(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let Self { io, room, size } = self.get_mut();
        if room.capacity() < *size / 2 && !room.try_reclaim(*size) {
            *room = BytesMut::with_capacity(*size);
        }
        ready!(poll_read_buf(Pin::new(io), cx, room))?;
        if room.len() == room.capacity() {
            *size = MAX_ROOM.min(2 * *size);
        }
        Poll::Ready(Ok(room.split().freeze()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Pieced<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Pieced<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

impl Pieces for DuplexStream {
    fn poll_piece(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let mut room = BytesMut::with_capacity(FIRST_ROOM);
        poll_read_buf(self, cx, &mut room).map_ok(|_| room.freeze())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncWriteExt as _;

    use super::*;

    async fn piece(io: &mut (impl Pieces + Unpin)) -> Bytes {
        poll_fn(|cx| Pin::new(&mut *io).poll_piece(cx)).await.unwrap()
    }

    #[tokio::test]
    async fn what_comes_is_handed_on_in_pieces_that_grow() {
        let (mut far, near) = tokio::io::duplex(1024 * 1024);
        let sent: Vec<u8> = (0..400_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        far.write_all(&sent).await.unwrap();
        drop(far);
        let (mut near, mut sizes, mut came) = (Pieced::new(near), Vec::new(), Vec::new());
        loop {
            let piece = piece(&mut near).await;
            if piece.is_empty() {
                break;
            }
            sizes.push(piece.len() / 1024);
            came.extend(piece);
        }
        assert_eq!(came, sent);
        assert_eq!(sizes[..6], [8, 16, 32, 64, 64, 64]);
    }

    #[tokio::test]
    async fn small_pieces_share_what_is_read_into() {
        let (mut far, near) = tokio::io::duplex(1024);
        let mut near = Pieced::new(near);
        let (mut kept, mut rooms) = (Vec::new(), std::collections::HashSet::new());
        for _ in 0..64 {
            far.write_all(&[7; 512]).await.unwrap();
            kept.push(piece(&mut near).await);
            // A room that begins anew does so elsewhere, for all pieces are kept.
            rooms.insert(near.room.as_ptr() as usize / FIRST_ROOM);
        }
        assert!(kept.iter().all(|piece| piece.len() == 512));
        assert!(rooms.len() <= 2 * 64 * 512 / (FIRST_ROOM / 2), "{}", rooms.len());
    }
}
