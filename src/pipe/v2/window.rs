//! How much of a direction may be on its way, that is, sent and not acknowledged: half as much again as the path holds,
//! which is its bandwidth times its delay. Pure: the time is an argument.
//!
//! One round after the other is measured: from a byte that is sent to its acknowledgement. What was acknowledged
//! meanwhile is what the path brings in that time, and the shortest of such times is its delay without a queue. So a
//! window too small to fill the path doubles in each round, and one that stands in a queue shrinks until that is half a
//! delay long: small requests beside a large one wait no longer than that.

use std::time::Duration;

#[cfg(test)]
mod tests;

/// How large a window may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// What it begins with.
    pub(super) first: u64,
    /// What it shrinks to.
    pub(super) least: u64,
    /// What it grows to.
    pub(super) most: u64,
}

impl Limits {
    /// Of a pipe. It begins with what is enough for most exchanges and little for a peer that reads nothing, shrinks to
    /// twice what is read before it is told, so that acknowledgements keep flowing, and grows to what every receiver has to
    /// allow: 1.3 Gbit/s at 100 ms of delay.
    pub(super) const PIPE: Self = Self { first: 512 * 1024, least: 128 * 1024, most: 16 * 1024 * 1024 };
}

/// A shorter delay counts as this long: below it, it is not the path that bounds but who is scheduled when, and a queue
/// of this length is nothing that anybody notices.
const NOTICEABLE: Duration = Duration::from_millis(10);

/// A round that takes this many times the delay has stood in a queue.
const QUEUE: f64 = 1.25;

/// For how long a delay is believed that is not seen again: a path may have become longer, which a queue would hide.
const BELIEVED: Duration = Duration::from_secs(10);

/// In how many rounds in a row a window may shrink before the delay is measured anew: a queue would be gone by then.
const MAX_SHRUNK: u32 = 3;

/// A byte on its way, whose acknowledgement ends the round.
#[derive(Clone, Copy, Debug)]
struct Round {
    /// Its offset.
    byte: u64,
    began: Duration,
    /// What had been acknowledged then.
    acked: u64,
    /// There was as much to be sent as the window allowed, before as well: what comes of the round shows the path, and
    /// not the program above.
    full: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    /// The window follows what is measured.
    Follow,
    /// It is so small that a queue runs dry, so that the delay can be seen.
    Drain,
    /// It has run dry, and the round under way shows the delay.
    Look,
}

/// One direction's window.
#[derive(Clone, Debug)]
pub(super) struct Window {
    limits: Limits,
    size: u64,
    course: Course,
    round: Option<Round>,
    /// The last round ended with more to be sent than was on its way.
    full: bool,
    /// The shortest round, and when one was seen that took little longer.
    delay: Option<(Duration, Duration)>,
    /// In how many rounds in a row the window has shrunk.
    shrunk: u32,
    /// When something was last acknowledged.
    moved: Duration,
}

impl Window {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            size: limits.first,
            course: Course::Follow,
            round: None,
            full: false,
            delay: None,
            shrunk: 0,
            moved: Duration::ZERO,
        }
    }

    /// How much may be sent and not acknowledged.
    pub(super) fn size(&self) -> u64 {
        match self.course {
            Course::Follow => self.size,
            // Half of what the path holds, if the window has followed it so far.
            Course::Drain | Course::Look => (self.size / 4).max(self.limits.least),
        }
    }

    /// How much may wait to be sent. All of it is queue, so it is little: enough that a carrier always finds some, and
    /// on a path that holds much, that a batch can be full.
    pub(super) fn unsent(&self) -> u64 {
        (self.size / 4).clamp(self.limits.least / 2, self.limits.most / 32)
    }

    /// The byte at `byte` is sent, for the first time; the log has been acknowledged up to `acked`.
    pub(super) fn sent(&mut self, byte: u64, acked: u64, now: Duration) {
        if self.round.is_some() {
            return;
        }
        if now.saturating_sub(self.moved) > BELIEVED {
            // Nobody knows what has become of the path.
            *self = Self { moved: now, ..Self::new(self.limits) };
        }
        self.round = Some(Round { byte, began: now, acked, full: self.full });
    }

    /// The log has been acknowledged up to `acked`. It had been sent up to `sent`, and written up to `end`.
    pub(super) fn acked(&mut self, acked: u64, sent: u64, end: u64, now: Duration) {
        self.moved = now;
        let Some(round) = self.round.take_if(|round| round.byte < acked) else { return };
        let took = now.saturating_sub(round.began);
        // What follows on a pause, or on a narrower window, is no measure of the path.
        self.full = acked < sent && sent < end && self.course == Course::Follow;
        match self.course {
            Course::Follow => self.follow(acked - round.acked, took, round.full && self.full, now),
            // All that was on its way when the window was narrowed has arrived.
            Course::Drain => self.course = Course::Look,
            Course::Look => {
                self.delay = Some((took, now));
                (self.course, self.shrunk) = (Course::Follow, 0);
            }
        }
    }

    fn follow(&mut self, brought: u64, took: Duration, full: bool, now: Duration) {
        let (delay, seen) = self.delay.unwrap_or((took, now));
        let queued = took.max(NOTICEABLE) > delay.max(NOTICEABLE).mul_f64(QUEUE);
        let (delay, seen) = (delay.min(took), if queued { seen } else { now });
        self.delay = Some((delay, seen));
        let holds = held(brought, took, delay.max(NOTICEABLE));
        // Twice as much while there is no queue to be seen; then half as much again, so that the path never runs dry.
        let target = if queued { holds.saturating_mul(3) / 2 } else { holds.saturating_mul(2) };
        let measured = full || queued && brought >= self.size / 2;
        if target > self.size {
            self.size = target.min(self.size * 2).min(self.limits.most);
            self.shrunk = 0;
        } else if measured {
            // A round can be slow because the machine was: half is lost by that at most, and regained in the next.
            let size = target.max(self.size / 2).max(self.limits.least);
            self.shrunk = if size < self.size { self.shrunk + 1 } else { 0 };
            self.size = size;
        }
        if measured && (self.shrunk >= MAX_SHRUNK || now.saturating_sub(seen) > BELIEVED) {
            self.course = Course::Drain;
        }
    }
}

/// What a path holds in `delay` that has `brought` so much in the time that a round `took`.
fn held(brought: u64, took: Duration, delay: Duration) -> u64 {
    let held = u128::from(brought) * delay.as_nanos() / took.as_nanos().max(1);
    u64::try_from(held).unwrap_or(u64::MAX)
}
