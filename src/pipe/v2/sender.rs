//! The body of a streaming carrier: takes from the log, and from what is owed, all that is there, as it comes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use tokio::time::{Instant, Sleep, sleep};

use super::record::Record;
use super::shared::Shared;
use super::state::End;

/// How long a carrier is silent at most: half of what the most impatient of common intermediaries allow.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// How long what has been read is kept untold where there is nothing else to say.
const TELL_AFTER: Duration = Duration::from_millis(100);

/// The body of an HTTP message that carries the log from an offset on.
pub struct SendBody {
    shared: Arc<Shared>,
    turn: u64,
    cursor: u64,
    /// Whether the log may be sent, or only what shows whether anything comes through.
    data: bool,
    phase: Phase,
    /// Data whose header has been sent.
    rest: Bytes,
    timer: Pin<Box<Sleep>>,
    /// What the timer is set for.
    telling: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Begin,
    Middle,
    Said,
}

impl SendBody {
    pub(super) fn new(shared: Arc<Shared>, turn: u64, cursor: u64, data: bool) -> Self {
        let timer = Box::pin(sleep(KEEP_ALIVE));
        Self { shared, turn, cursor, data, phase: Phase::Begin, rest: Bytes::new(), timer, telling: false }
    }

    fn set_timer(&mut self, telling: bool) {
        self.telling = telling;
        let after = if telling { TELL_AFTER } else { KEEP_ALIVE };
        self.timer.as_mut().reset(Instant::now() + after);
    }

    /// What this carrier says next.
    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.rest))));
        }
        if self.phase == Phase::Said {
            return Poll::Ready(None);
        }
        let due = self.timer.as_mut().poll(cx).is_ready();
        let mut inner = self.shared.lock();
        if let Some(End::Failed(cause)) = &inner.state.end {
            return Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::ConnectionReset, cause.clone()))));
        }
        let mut head = BytesMut::new();
        if self.phase == Phase::Begin {
            inner.state.attach(&mut head);
            self.phase = Phase::Middle;
        }
        let over = inner.turn > self.turn || inner.state.end.is_some();
        if over {
            let piece = inner.state.next_piece(&mut self.cursor, 0, head);
            let mut head = piece.map_or_else(BytesMut::new, |piece| piece.head.into());
            Record::Last(self.cursor).encode(&mut head);
            self.phase = Phase::Said;
            return Poll::Ready(Some(Ok(head.freeze())));
        }
        if due && self.telling {
            // `next_piece` tells whatever is untold once it says anything at all.
            Record::Pong(0).encode(&mut head);
        } else if due {
            Record::Ping(0).encode(&mut head);
        }
        let most = if self.data { usize::MAX } else { 0 };
        if let Some(piece) = inner.state.next_piece(&mut self.cursor, most, head) {
            drop(inner);
            self.rest = piece.data;
            self.set_timer(false);
            return Poll::Ready(Some(Ok(piece.head)));
        }
        if !inner.watchers.iter().any(|watcher| watcher.will_wake(cx.waker())) {
            inner.watchers.push(cx.waker().clone());
        }
        let untold = inner.state.may_tell();
        drop(inner);
        if untold && !self.telling {
            self.set_timer(true);
            // Polled so that it wakes us.
            let _ = self.timer.as_mut().poll(cx);
        }
        Poll::Pending
    }
}

impl Body for SendBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.get_mut().next(cx).map_ok(Frame::data)
    }
}
