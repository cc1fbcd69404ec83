//! One stream of a session, as a connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frame::{FIN, Header, Kind, WINDOW};
use super::yamux::Session;

#[expect(clippy::struct_excessive_bools, reason = "each is one thing that a frame says of a stream")]
pub(super) struct Entry {
    pub(super) acknowledged: bool,
    pub(super) ended_by_peer: bool,
    pub(super) reset: bool,
    pub(super) may_send: u32,
    may_receive: u32,
    received: BytesMut,
    ended_by_us: bool,
    /// Nobody holds the stream any more: it stays until the peer has ended it too.
    left: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Default for Entry {
    fn default() -> Self {
        Self {
            acknowledged: false,
            ended_by_peer: false,
            reset: false,
            may_send: WINDOW,
            may_receive: WINDOW,
            received: BytesMut::new(),
            ended_by_us: false,
            left: false,
            reader: None,
            writer: None,
        }
    }
}

impl Entry {
    pub(super) fn wake(&mut self) {
        [self.reader.take(), self.writer.take()].into_iter().flatten().for_each(Waker::wake);
    }

    pub(super) fn is_over(&self) -> bool {
        self.left && (self.reset || (self.ended_by_peer && self.ended_by_us))
    }

    /// Takes data. Where it is more than the window allows the session ends.
    pub(super) fn receive(&mut self, body: &[u8]) -> io::Result<()> {
        let beyond = || io::Error::new(io::ErrorKind::InvalidData, "the peer sends more than the window allows");
        let len = u32::try_from(body.len()).map_err(|_| beyond())?;
        self.may_receive = self.may_receive.checked_sub(len).ok_or_else(beyond)?;
        if !self.left {
            self.received.extend_from_slice(body);
        }
        Ok(())
    }

    /// What the peer is to be allowed, once it is worth a frame.
    fn credit(&mut self) -> Option<u32> {
        let waiting = u32::try_from(self.received.len()).expect("at most a window waits");
        let credit = WINDOW - waiting - self.may_receive;
        (credit >= WINDOW / 2).then(|| {
            self.may_receive += credit;
            credit
        })
    }
}

pub(super) struct Stream {
    session: Session,
    id: u32,
}

impl Stream {
    pub(super) fn new(session: Session, id: u32) -> Self {
        Self { session, id }
    }

    fn header(&self, kind: Kind) -> Header {
        Header { kind, flags: 0, stream: self.id, value: 0 }
    }

    fn finish(&self, left: bool) {
        let mut state = self.session.state();
        let Some(entry) = state.streams.get_mut(&self.id) else { return };
        let already = std::mem::replace(&mut entry.ended_by_us, true);
        entry.left |= left;
        let (over, reset) = (entry.is_over(), entry.reset);
        if over {
            state.streams.remove(&self.id);
        }
        if !already && !reset {
            state.send(Header { flags: FIN, ..self.header(Kind::WindowUpdate) }.frame(&[]));
        }
        drop(state);
        self.session.wake_sender();
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // A Go connection that is closed says no more than that it has ended.
        self.finish(true);
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut state = self.session.state();
        let ended = state.has_ended();
        let entry = state.streams.get_mut(&self.id).expect("a stream that is held has its entry");
        if entry.received.is_empty() {
            if entry.ended_by_peer {
                return Poll::Ready(Ok(()));
            }
            if entry.reset || ended {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            entry.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let part = buf.remaining().min(entry.received.len());
        buf.put_slice(&entry.received[..part]);
        entry.received.advance(part);
        if let Some(credit) = entry.credit() {
            state.send(Header { value: credit, ..self.header(Kind::WindowUpdate) }.frame(&[]));
            drop(state);
            self.session.wake_sender();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.session.state();
        if state.has_ended() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if state.is_full() {
            state.wait_for_room(cx.waker().clone());
            return Poll::Pending;
        }
        let entry = state.streams.get_mut(&self.id).expect("a stream that is held has its entry");
        if entry.reset || entry.ended_by_us {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if entry.may_send == 0 {
            entry.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let value = entry.may_send.min(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        entry.may_send -= value;
        let part = usize::try_from(value).expect("a window fits");
        state.send(Header { value, ..self.header(Kind::Data) }.frame(&bytes[..part]));
        drop(state);
        self.session.wake_sender();
        Poll::Ready(Ok(part))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.finish(false);
        Poll::Ready(Ok(()))
    }
}
