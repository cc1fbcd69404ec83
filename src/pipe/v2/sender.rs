//! The body of a streaming carrier: takes from the log, and from what is owed, all that is there, as it comes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use tokio::time::Instant;

use super::alarm::Alarm;
use super::reading::Change;
use super::record::{Record, encode_pad};
use super::shared::Shared;
use super::state::{End, Piece, Place};

/// How long a carrier is silent at most: half of what the most impatient of common intermediaries allow.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// How long what has been read is kept untold where there is nothing else to say.
const TELL_AFTER: Duration = Duration::from_millis(100);

/// How many pings a trial sends: what holds small pieces back lets the first ones pass with the head.
pub(super) const TRIAL_PINGS: u32 = 3;

/// What the last of them stands behind: more than the buffer of a proxy that sends on full buffers and keeps the rest,
/// and less than those 16 KiB that Apache awaits of each request.
const TRIAL_PAD: usize = 5 * 1024;

/// How long a trial waits before each of them.
const TRIAL_STEP: Duration = Duration::from_millis(30);

/// How long a trial takes where nothing is held back.
pub const TRIAL_PAUSE: Duration = TRIAL_STEP.saturating_mul(TRIAL_PINGS);

/// What a carrier is to send.
pub(super) struct Range {
    /// It goes on for as long as none with a higher turn is there.
    pub(super) turn: u64,
    pub(super) place: Place,
    pub(super) end: u64,
    /// The pings that are left to be sent, for a carrier that is only a trial.
    pub(super) trial: Option<Pings>,
}

/// Pings of a trial, by their numbers.
pub(super) struct Pings {
    next: u64,
    pub(super) last: u64,
}

impl Pings {
    pub(super) fn new(mut number: impl FnMut() -> u64) -> Self {
        let next = number();
        let last = (1..TRIAL_PINGS).map(|_| number()).last().unwrap_or(next);
        Self { next, last }
    }
}

/// The body of an HTTP message that carries the log from an offset on.
pub struct SendBody {
    shared: Arc<Shared>,
    from: u64,
    range: Range,
    phase: Phase,
    /// Data whose header has been sent.
    rest: Bytes,
    alarm: Alarm,
    /// It is what has been read that is due then. This clock goes on for as long as anything moves, so that nobody needs
    /// to set it for each byte.
    telling: bool,
    /// Something was sent since the clock was set.
    moved: bool,
    /// How many changes of the pipe there had been when there was nothing more to say.
    idle_at: Option<u64>,
    sent: Arc<AtomicU64>,
}

/// How many bytes of the log a carrier has been given to send.
#[derive(Clone, Debug)]
pub struct Sent(Arc<AtomicU64>);

impl Sent {
    /// The number.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Begin,
    Middle,
    Said,
}

impl SendBody {
    pub(super) fn new(shared: Arc<Shared>, range: Range) -> Self {
        let from = range.place.cursor;
        Self {
            shared,
            from,
            range,
            phase: Phase::Begin,
            rest: Bytes::new(),
            alarm: Alarm::after(KEEP_ALIVE),
            telling: false,
            moved: false,
            idle_at: None,
            sent: Arc::default(),
        }
    }

    /// The offset that it begins at.
    #[must_use]
    pub fn from(&self) -> u64 {
        self.from
    }

    /// What tells later how much of the log went into the carrier.
    #[must_use]
    pub fn sent(&self) -> Sent {
        Sent(Arc::clone(&self.sent))
    }

    fn set_alarm(&mut self, after: Duration) {
        self.alarm.set(Instant::now() + after);
    }

    /// Whether it had nothing to say, and nothing has changed since: the HTTP library asks twice. If so, the task is woken
    /// when something does.
    fn is_idle(&self, cx: &Context<'_>) -> bool {
        let mut inner = self.shared.lock();
        let is_idle = self.idle_at == Some(inner.changes);
        if is_idle {
            inner.watch(cx);
        }
        is_idle
    }

    /// What this carrier says next.
    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.rest))));
        }
        if self.phase == Phase::Said {
            return Poll::Ready(None);
        }
        let due = self.alarm.poll(cx).is_ready();
        if !due && self.is_idle(cx) {
            return Poll::Pending;
        }
        let mut inner = self.shared.lock_now();
        if let Some(End::Failed(cause)) = &inner.state.end {
            return Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::ConnectionReset, cause.clone()))));
        }
        let mut head = BytesMut::new();
        if self.phase == Phase::Begin {
            inner.state.attach(&mut self.range.place, &mut head);
            self.phase = Phase::Middle;
        }
        let trial = self.range.trial.is_some();
        let used_up = !trial && self.range.place.cursor >= self.range.end;
        if used_up || inner.turn > self.range.turn || inner.state.end.is_some() {
            let piece = inner.state.next_piece(&mut self.range.place, 0, head);
            let mut head = piece.map_or_else(BytesMut::new, |piece| piece.head.into());
            Record::Last(self.range.place.cursor).encode(&mut head);
            self.phase = Phase::Said;
            return Poll::Ready(Some(Ok(head.freeze())));
        }
        let look = due && self.telling;
        if look {
            inner.state.tell(&mut self.range.place, &mut head);
        } else if due && let Some(pings) = &mut self.range.trial {
            if pings.next <= pings.last {
                if pings.next == pings.last {
                    encode_pad(TRIAL_PAD, &mut head);
                }
                Record::Ping(pings.next).encode(&mut head);
                pings.next += 1;
            }
        } else if due {
            inner.state.ping(&mut head);
        }
        let left = usize::try_from(self.range.end - self.range.place.cursor).unwrap_or(usize::MAX);
        let piece = if trial && head.is_empty() {
            None
        } else if trial {
            Some(Piece { head: head.freeze(), data: Bytes::new() })
        } else {
            let from = self.range.place.cursor;
            let piece = inner.state.next_piece(&mut self.range.place, left, head);
            self.sent.fetch_add(self.range.place.cursor - from, Ordering::Relaxed);
            inner.sent = self.range.place.cursor;
            piece
        };
        if let Some(piece) = piece {
            // What is sent makes room for what is to be.
            Shared::wake(inner, Change { writable: true, ..Change::default() });
            self.rest = piece.data;
            self.moved = true;
            if trial {
                self.set_alarm(TRIAL_STEP);
            } else if !self.telling {
                self.set_alarm(KEEP_ALIVE);
            } else if look {
                self.set_alarm(TELL_AFTER);
            }
            return Poll::Ready(Some(Ok(piece.head)));
        }
        inner.watch(cx);
        self.idle_at = Some(inner.changes);
        let untold = !trial && inner.state.may_tell(self.range.place.told);
        let begins = untold && !self.telling;
        if begins || look {
            // Nothing is untold where the clock has run down.
            self.telling = begins || std::mem::take(&mut self.moved);
            inner.clock = self.telling.then_some(self.range.turn);
            drop(inner);
            self.set_alarm(if self.telling { TELL_AFTER } else { KEEP_ALIVE });
            // So that it wakes us.
            let _ = self.alarm.poll(cx);
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
