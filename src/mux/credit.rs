//! How much a peer may send on a stream before it is read: a window of 256 KiB, four times as much where the peer uses half of it
//! up within two round trips, for then it is the window that holds it back. Pure: the time is an argument.

use std::time::Duration;

/// What every stream's window begins with, in both directions. (yamux specification, "Flow Control")
pub(super) const FIRST: u32 = 256 * 1024;

/// A peer is told that it may send more when it has used up half of a window, and of a large one when it is this much: what it
/// has not been told of it cannot send, so of a path that is held full by 16 MiB half would stay empty.
const STEP: u32 = 1024 * 1024;

/// By how much the windows of all streams together may outgrow their first.
const MAX_GROWTH: u32 = 16 * 1024 * 1024;

/// How old a measured round trip is at most, where it matters.
const BELIEVED: Duration = Duration::from_secs(10);

/// What the windows of a connection grow by.
#[derive(Debug)]
pub(super) struct Tuning {
    /// By how much they may still grow.
    growth: u32,
    trip: Option<Duration>,
    /// When that was measured.
    measured: Option<Duration>,
    /// The ping that is on its way, and since when.
    pinged: Option<Duration>,
    number: u32,
    /// It is to be sent.
    is_due: bool,
}

impl Tuning {
    pub(super) fn new() -> Self {
        Self { growth: MAX_GROWTH, trip: None, measured: None, pinged: None, number: 0, is_due: true }
    }

    /// Whether a round trip is to be measured.
    pub(super) fn is_due(&self) -> bool {
        self.is_due
    }

    /// The number of a ping that has to go out now, to measure a round trip.
    pub(super) fn next_ping(&mut self, now: Duration) -> Option<u32> {
        let is_due = std::mem::take(&mut self.is_due);
        is_due.then(|| {
            self.pinged = Some(now);
            self.number
        })
    }

    /// A ping that measures has come back.
    pub(super) fn ponged(&mut self, number: u32, now: Duration) {
        if number == self.number
            && let Some(pinged) = self.pinged.take()
        {
            self.number = (self.number + 1) & 0xffff;
            self.trip = Some(now.saturating_sub(pinged));
            self.measured = Some(now);
        }
    }

    /// Has a round trip measured, where the last is long ago.
    fn look(&mut self, now: Duration) {
        let is_old = self.measured.is_none_or(|measured| now.saturating_sub(measured) > BELIEVED);
        self.is_due |= is_old && self.pinged.is_none();
    }
}

/// What a peer may send on one stream.
#[derive(Debug)]
pub(super) struct Credit {
    /// How much may have come, or be on its way, and not been read.
    size: u32,
    /// How much of that is still to be sent.
    left: u32,
    /// How much of it was read since the time was taken.
    used: u32,
    since: Duration,
}

impl Credit {
    pub(super) fn new(now: Duration) -> Self {
        Self { size: FIRST, left: FIRST, used: 0, since: now }
    }

    /// So much comes. False where that is more than was allowed.
    #[must_use]
    pub(super) fn spend(&mut self, length: u32) -> bool {
        let left = self.left.checked_sub(length);
        self.left = left.unwrap_or(0);
        left.is_some()
    }

    /// Whether so much has been read, with `unread` bytes left, that the peer is to be told.
    pub(super) fn is_due(&self, unread: usize) -> bool {
        self.read(unread) >= (self.size / 2).min(STEP)
    }

    fn read(&self, unread: usize) -> u32 {
        (self.size - self.left).saturating_sub(u32::try_from(unread).unwrap_or(u32::MAX))
    }

    /// How much more the peer may send, where it is to be told.
    pub(super) fn tell(&mut self, unread: usize, tuning: &mut Tuning, now: Duration) -> u32 {
        let read = self.read(unread);
        self.used += read;
        if self.used >= self.size / 2 {
            self.grow(tuning, now);
        }
        let more = self.read(unread);
        self.left += more;
        more
    }

    /// Half of the window was used up.
    fn grow(&mut self, tuning: &mut Tuning, now: Duration) {
        tuning.look(now);
        let took = now.saturating_sub(self.since);
        if tuning.trip.is_some_and(|trip| took < trip * 2) {
            let grown = (3 * self.size).min(tuning.growth);
            self.size += grown;
            tuning.growth -= grown;
        }
        (self.used, self.since) = (0, now);
    }

    /// The stream is over.
    pub(super) fn give_back(&mut self, tuning: &mut Tuning) {
        tuning.growth += self.size - FIRST;
        self.size = FIRST;
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const TRIP: Duration = Duration::from_millis(50);

    fn measured() -> Tuning {
        let mut tuning = Tuning::new();
        assert_eq!(tuning.next_ping(Duration::ZERO), Some(0), "at once");
        tuning.ponged(0, TRIP);
        tuning
    }

    /// A window used up in `rounds` of so long each, and what it is then.
    fn used(tuning: &mut Tuning, rounds: usize, round: Duration) -> Credit {
        let (mut now, mut credit) = (TRIP, Credit::new(TRIP));
        for _ in 0..rounds {
            now += round;
            assert!(credit.spend(credit.left));
            assert!(credit.is_due(0));
            credit.tell(0, tuning, now);
        }
        credit
    }

    #[test]
    fn a_window_grows_where_it_is_what_holds_the_peer_back() {
        let mut tuning = measured();
        assert_eq!(used(&mut tuning, 2, TRIP).size, 16 * FIRST);
        assert_eq!(used(&mut tuning, 3, 2 * TRIP).size, FIRST);
        assert_eq!(used(&mut Tuning::new(), 3, TRIP).size, FIRST, "nothing has been measured");
    }

    #[test]
    fn windows_share_what_they_may_grow_by() {
        let mut tuning = measured();
        let mut large = used(&mut tuning, 20, TRIP);
        assert_eq!(large.size, FIRST + MAX_GROWTH);
        assert_eq!(used(&mut tuning, 2, TRIP).size, FIRST);
        large.give_back(&mut tuning);
        assert_eq!(used(&mut tuning, 1, TRIP).size, 4 * FIRST);
    }

    #[test]
    fn a_trip_is_measured_again_where_it_matters() {
        let mut tuning = measured();
        used(&mut tuning, 1, BELIEVED);
        assert_eq!(tuning.next_ping(TRIP + BELIEVED), None);
        let later = TRIP + 2 * BELIEVED;
        used(&mut tuning, 1, 2 * BELIEVED);
        assert_eq!(tuning.next_ping(later), Some(1));
        used(&mut tuning, 1, 2 * BELIEVED);
        assert_eq!(tuning.next_ping(later), None, "it is on its way");
        tuning.ponged(7, later);
        tuning.ponged(1, later + 3 * TRIP);
        assert_eq!(tuning.trip, Some(3 * TRIP));
    }

    /// Of a window as large as the path needs, and a step, no sender that is told in time has to wait.
    #[test]
    fn a_large_window_is_told_in_steps() {
        let mut tuning = measured();
        let mut credit = used(&mut tuning, 20, TRIP);
        assert!(credit.spend(STEP - 1) && !credit.is_due(0));
        assert!(credit.spend(1) && credit.is_due(0) && !credit.is_due(1));
        let before = credit.size;
        assert_eq!((credit.tell(0, &mut tuning, Duration::MAX), credit.size), (STEP, before));
    }

    proptest! {
        /// Whatever comes and is read, what is unread and may come is never more than the window.
        #[test]
        fn no_more_comes_than_a_window(steps in vec((0_u32..100_000, 0_u32..100_000, 0_u64..200), 1..200)) {
            let (mut tuning, mut credit, mut unread, mut now) = (measured(), Credit::new(TRIP), 0_u32, TRIP);
            for (comes, reads, millis) in steps {
                now += Duration::from_millis(millis);
                let comes = comes.min(credit.left);
                prop_assert!(credit.spend(comes));
                unread += comes;
                unread -= reads.min(unread);
                if credit.is_due(unread as usize) {
                    prop_assert!(credit.tell(unread as usize, &mut tuning, now) > 0);
                }
                prop_assert!(credit.left + unread <= credit.size);
                prop_assert!(unread > credit.size / 2 || credit.left >= credit.size / 2 - unread, "the peer can go on");
            }
            let left = credit.left;
            prop_assert!(!credit.spend(left + 1));
        }
    }
}
