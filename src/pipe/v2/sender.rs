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
use super::shared::{Inner, Shared};
use super::state::{End, Look, Piece, Place, State, TELL_AT};

/// How long a carrier is silent at most: half of what the most impatient of common intermediaries allow.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// How long what has been read is kept untold where there is nothing else to say.
const TELL_AFTER: Duration = Duration::from_millis(100);

/// How long a carrier rests that has told much, which is as briefly as the clock can tell. A path that brings less in that
/// time is told each bit as ever, and one that brings more has a window for 10 ms of it.
const REST: Duration = Duration::from_millis(1);

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

impl Range {
    /// Whether all is brought, or another is to bring it.
    fn is_over(&self, inner: &Inner) -> bool {
        let used_up = self.trial.is_none() && self.place.cursor >= self.end;
        used_up || inner.turn > self.turn || inner.state.end.is_some()
    }

    /// What is said because the clock has run down.
    fn say_due(&mut self, state: &mut State, head: &mut BytesMut) {
        match (&mut self.trial, self.place.look) {
            (Some(pings), _) => pings.say_next(head),
            (None, Look::Never) => state.ping(head),
            (None, Look::Later) => state.tell(&mut self.place, head),
            // It has rested. What is little can wait.
            (None, Look::Soon) => self.place.look = Look::Later,
        }
    }

    /// What it says next.
    fn next_piece(&mut self, state: &mut State, head: BytesMut) -> Option<Piece> {
        if self.trial.is_some() {
            return (!head.is_empty()).then(|| Piece { head: head.freeze(), data: Bytes::new() });
        }
        let left = usize::try_from(self.end - self.place.cursor).unwrap_or(usize::MAX);
        state.next_piece(&mut self.place, left, head)
    }

    /// In what time the clock is to run down next, now that something was said; `None` where it goes on as it is. `told` is
    /// what had been told before.
    fn set_clock(&mut self, told: u64, due: bool) -> Option<Duration> {
        if self.trial.is_some() {
            return Some(TRIAL_STEP);
        }
        let much = self.place.told - told >= TELL_AT;
        if much {
            self.place.look = Look::Soon;
        }
        (much || due || self.place.look == Look::Never).then(|| time_of(self.place.look))
    }
}

/// In what time a carrier looks that does so then, or else says that it lives.
fn time_of(look: Look) -> Duration {
    match look {
        Look::Never => KEEP_ALIVE,
        Look::Later => TELL_AFTER,
        Look::Soon => REST,
    }
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

    fn say_next(&mut self, head: &mut BytesMut) {
        if self.next <= self.last {
            if self.next == self.last {
                encode_pad(TRIAL_PAD, head);
            }
            Record::Ping(self.next).encode(head);
            self.next += 1;
        }
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
    /// Goes on, where it is to look at what has been read, for as long as anything moves: nobody needs to set it for each byte.
    alarm: Alarm,
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
        if self.range.is_over(&inner) {
            let place = &mut self.range.place;
            // It goes along, whoever is to look for it.
            inner.state.tell(place, &mut head);
            let piece = inner.state.next_piece(place, 0, head);
            let mut head = piece.map_or_else(BytesMut::new, |piece| piece.head.into());
            Record::Last(place.cursor).encode(&mut head);
            self.phase = Phase::Said;
            return Poll::Ready(Some(Ok(head.freeze())));
        }
        let before = self.range.place;
        if due {
            self.range.say_due(&mut inner.state, &mut head);
        }
        let is_trial = self.range.trial.is_some();
        let piece = self.range.next_piece(&mut inner.state, head);
        if !is_trial {
            self.sent.fetch_add(self.range.place.cursor - before.cursor, Ordering::Relaxed);
            inner.sent = self.range.place.cursor;
        }
        if let Some(piece) = piece {
            let clock = self.range.set_clock(before.told, due);
            if clock.is_some() && !is_trial {
                inner.looks = (self.range.turn, self.range.place.look);
            }
            // What is sent makes room for what is to be.
            Shared::wake(inner, Change { writable: true, ..Change::default() });
            self.rest = piece.data;
            self.moved = true;
            if let Some(after) = clock {
                self.set_alarm(after);
            }
            return Poll::Ready(Some(Ok(piece.head)));
        }
        inner.watch(cx);
        self.idle_at = Some(inner.changes);
        let untold = !is_trial && inner.state.may_tell(self.range.place.told);
        let is_set_anew = if before.look == Look::Never { untold } else { due };
        if is_set_anew {
            let goes_on = untold || std::mem::take(&mut self.moved);
            self.range.place.look = if goes_on { Look::Later } else { Look::Never };
            inner.looks = (self.range.turn, self.range.place.look);
            drop(inner);
            self.set_alarm(time_of(self.range.place.look));
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
