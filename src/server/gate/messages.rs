//! The gate as it is read without the HTTP library: a head at a time, of requests that end with it.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, ReadBuf};

use super::{Breakable, Gate};

/// How much is read at once: most heads are shorter.
const ROOM: usize = 8 * 1024;

/// What comes next on a visitor's connection.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::server) enum Next {
    /// A request without a body.
    Request(Bytes),
    /// What only the library reads. It still has all of it to read.
    Other,
    /// Nothing: the visitor has left, or was waited for for long enough.
    End,
}

impl<S: AsyncRead + Breakable + Unpin> Gate<S> {
    /// Waits for what comes next, while no exchange is under way.
    pub(in crate::server) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Next>> {
        loop {
            if self.due == 0 {
                self.decide(cx)?;
            }
            if self.refused || self.due > 0 && !self.has_request() {
                return Poll::Ready(Ok(Next::Other));
            }
            if self.due > 0 {
                let head = self.held.split_to(std::mem::take(&mut self.due)).freeze();
                // An empty line before it is no head.
                if head.len() > 2 {
                    return Poll::Ready(Ok(Next::Request(head)));
                }
                continue;
            }
            if self.ended.is_some() {
                return self.poll_end(cx).map_ok(|()| Next::End);
            }
            match self.poll_more(cx) {
                Poll::Ready(more) => more?,
                Poll::Pending => return self.poll_patience(cx).map_ok(|()| Next::End),
            }
        }
    }

    /// Waits until a visitor has left who is owed an answer. One who has asked for more is not looked at before it has that.
    pub(in crate::server) fn poll_left(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.held.is_empty() || self.scan.has_part(&self.held) {
            if self.ended.is_some() {
                return self.poll_end(cx);
            }
            ready!(self.poll_more(cx))?;
        }
        Poll::Pending
    }

    /// Takes back a head that the library is to read after all.
    pub(in crate::server) fn take_back(&mut self, head: &[u8]) {
        let behind = std::mem::replace(&mut self.held, BytesMut::from(head));
        self.held.extend_from_slice(&behind);
        self.due = head.len();
    }

    /// Whether what may pass is a message that ends with its head.
    fn has_request(&self) -> bool {
        self.scan.is_between() && !self.scan.is_undecided()
    }

    /// Takes in what has come. Nothing is kept to be read into: most connections are silent.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut room = [MaybeUninit::uninit(); ROOM];
        let mut room = ReadBuf::uninit(&mut room);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut room))?;
        match room.filled() {
            [] => self.note_end(),
            came => self.held.extend_from_slice(came),
        }
        Poll::Ready(Ok(()))
    }
}
