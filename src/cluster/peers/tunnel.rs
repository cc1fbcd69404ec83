//! A byte stream whose two directions are the bodies of one exchange. Each ends in order by its body's end alone; whatever else
//! befalls it is an error at the other end.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::{Buf as _, Bytes};
use http_body::{Body as HttpBody, Frame};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tokio_util::sync::PollSender;

/// How much goes into a frame.
const PIECE: usize = 16 * 1024;

/// How many of them wait.
const MAX_WAITING: usize = 2;

/// The half that is written: its body is what is sent.
pub(super) fn begin() -> (Body, Outgoing) {
    let (sender, pieces) = mpsc::channel(MAX_WAITING);
    (Body::new(Sent(pieces)), Outgoing(PollSender::new(sender)))
}

/// What is written, on its way into a body. Dropping it cuts the direction.
pub(super) struct Outgoing(PollSender<Piece>);

enum Piece {
    Data(Bytes),
    End,
}

impl Outgoing {
    /// Both directions: `incoming` is what the other end sends.
    pub(super) fn with(self, incoming: Body) -> Tunnel {
        Tunnel { incoming, came: Bytes::new(), outgoing: self.0 }
    }
}

struct Sent(mpsc::Receiver<Piece>);

#[derive(Debug, thiserror::Error)]
#[error("what was sent was cut off")]
struct Cut;

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        Poll::Ready(match ready!(self.get_mut().0.poll_recv(cx)) {
            Some(Piece::Data(data)) => Some(Ok(Frame::data(data))),
            Some(Piece::End) => None,
            None => Some(Err(Cut)),
        })
    }
}

pub(super) struct Tunnel {
    incoming: Body,
    /// What has come and was not read.
    came: Bytes,
    outgoing: PollSender<Piece>,
}

impl AsyncRead for Tunnel {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.came.is_empty() {
            match ready!(Pin::new(&mut this.incoming).poll_frame(cx)) {
                Some(Ok(frame)) => this.came = frame.into_data().unwrap_or_default(),
                Some(Err(cause)) => return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionReset, cause))),
                None => return Poll::Ready(Ok(())),
            }
        }
        let count = this.came.len().min(buf.remaining());
        buf.put_slice(&this.came[..count]);
        this.came.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_room(cx))?;
        let count = bytes.len().min(PIECE);
        this.send(Piece::Data(Bytes::copy_from_slice(&bytes[..count])))?;
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.outgoing.is_closed() {
            ready!(this.poll_room(cx))?;
            this.send(Piece::End)?;
            this.outgoing.close();
        }
        Poll::Ready(Ok(()))
    }
}

impl Tunnel {
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outgoing.poll_reserve(cx).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn send(&mut self, piece: Piece) -> io::Result<()> {
        self.outgoing.send_item(piece).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    fn joined() -> (Tunnel, Tunnel) {
        let ((near, near_out), (far, far_out)) = (begin(), begin());
        (near_out.with(far), far_out.with(near))
    }

    #[tokio::test(start_paused = true)]
    async fn each_direction_ends_by_itself() {
        let (mut near, mut far) = joined();
        let sent: Vec<u8> = (0..100_000_u32).map(|number| number.to_le_bytes()[0]).collect();
        let wrote = async {
            near.write_all(&sent).await.unwrap();
            near.shutdown().await.unwrap();
            let mut answer = String::new();
            near.read_to_string(&mut answer).await.unwrap();
            answer
        };
        let read = async {
            let mut came = Vec::new();
            far.read_to_end(&mut came).await.unwrap();
            far.write_all(b"after the end").await.unwrap();
            far.shutdown().await.unwrap();
            far.shutdown().await.unwrap();
            came
        };
        let (answer, came) = tokio::join!(wrote, read);
        assert_eq!(answer, "after the end");
        assert!(came == sent);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cut_is_no_end() {
        let (mut near, mut far) = joined();
        near.write_all(b"part").await.unwrap();
        drop(near);
        let mut came = Vec::new();
        assert_eq!(far.read_to_end(&mut came).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(came, b"part");
        assert_eq!(far.write(b"x").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
