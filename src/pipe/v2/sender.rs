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
use super::state::{End, Piece};

/// How long a carrier is silent at most: half of what the most impatient of common intermediaries allow.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// How long what has been read is kept untold where there is nothing else to say.
const TELL_AFTER: Duration = Duration::from_millis(100);

/// What a carrier is to send.
pub(super) struct Range {
    /// It goes on for as long as none with a higher turn is there.
    pub(super) turn: u64,
    pub(super) cursor: u64,
    pub(super) end: u64,
    /// A ping of its own, for a carrier that is only a trial.
    pub(super) ping: Option<u64>,
}

/// The body of an HTTP message that carries the log from an offset on.
pub struct SendBody {
    shared: Arc<Shared>,
    range: Range,
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
    pub(super) fn new(shared: Arc<Shared>, range: Range) -> Self {
        let timer = Box::pin(sleep(KEEP_ALIVE));
        Self { shared, range, phase: Phase::Begin, rest: Bytes::new(), timer, telling: false }
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
            if let Some(number) = self.range.ping {
                Record::Ping(number).encode(&mut head);
            }
            self.phase = Phase::Middle;
        }
        let trial = self.range.ping.is_some();
        let used_up = !trial && self.range.cursor >= self.range.end;
        if used_up || inner.turn > self.range.turn || inner.state.end.is_some() {
            let piece = inner.state.next_piece(&mut self.range.cursor, 0, head);
            let mut head = piece.map_or_else(BytesMut::new, |piece| piece.head.into());
            Record::Last(self.range.cursor).encode(&mut head);
            self.phase = Phase::Said;
            return Poll::Ready(Some(Ok(head.freeze())));
        }
        if due && self.telling {
            inner.state.tell(&mut head);
        } else if due && !trial {
            Record::Ping(inner.state.next_ping()).encode(&mut head);
        }
        let left = usize::try_from(self.range.end - self.range.cursor).unwrap_or(usize::MAX);
        let piece = if trial && head.is_empty() {
            None
        } else if trial {
            Some(Piece { head: head.freeze(), data: Bytes::new() })
        } else {
            inner.state.next_piece(&mut self.range.cursor, left, head)
        };
        if let Some(piece) = piece {
            drop(inner);
            self.rest = piece.data;
            self.set_timer(false);
            return Poll::Ready(Some(Ok(piece.head)));
        }
        inner.watch(cx);
        let untold = !trial && inner.state.may_tell();
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
