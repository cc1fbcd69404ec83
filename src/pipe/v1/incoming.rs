//! The body that is read: a carrier's bytes from the peer.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use tokio::sync::oneshot;

use super::handshake::SYN;

/// A carrier's body, to be read to its end.
pub struct Incoming {
    body: UnsyncBoxBody<Bytes, io::Error>,
    /// Read from the body, not yet handed on.
    ahead: Bytes,
    /// Tells by being dropped that the body is no longer read.
    _done: Option<oneshot::Sender<()>>,
}

impl Incoming {
    /// Reads `body`.
    pub fn new<B>(body: B) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let body = body.map_err(|error| io::Error::new(io::ErrorKind::ConnectionReset, error.into()));
        Self { body: body.boxed_unsync(), ahead: Bytes::new(), _done: None }
    }

    /// Reads `body`, and says when that is over, be it at the body's end or before.
    pub fn with_end<B>(body: B) -> (Self, oneshot::Receiver<()>)
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (done, ended) = oneshot::channel();
        (Self { _done: Some(done), ..Self::new(body) }, ended)
    }

    /// Whether it has failed or ended before anybody has read it. Reads ahead what a peer says before it is answered,
    /// for only who reads learns of an end; cancels nothing, waits for nothing.
    pub fn is_lost(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        while self.ahead.len() <= SYN.len() {
            let ahead = std::mem::take(&mut self.ahead);
            match self.poll_chunk(&mut cx) {
                Poll::Ready(Ok(Some(chunk))) => self.ahead = [ahead, chunk].concat().into(),
                Poll::Ready(Ok(None) | Err(_)) => return true,
                Poll::Pending => {
                    self.ahead = ahead;
                    return false;
                }
            }
        }
        // It says more than it may: the handshake will refuse it.
        false
    }

    /// The bytes that come next, `None` at the body's end.
    pub(super) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        if !self.ahead.is_empty() {
            return Poll::Ready(Ok(Some(std::mem::take(&mut self.ahead))));
        }
        loop {
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)) else { return Poll::Ready(Ok(None)) };
            // Trailers mean nothing here, and an empty chunk is no end.
            if let Ok(data) = frame?.into_data()
                && !data.is_empty()
            {
                return Poll::Ready(Ok(Some(data)));
            }
        }
    }

    /// Gives back bytes that were read too far.
    pub(super) fn put_back(&mut self, bytes: Bytes) {
        self.ahead = bytes;
    }
}
