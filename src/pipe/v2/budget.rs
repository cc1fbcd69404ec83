//! What all pipes of a process together may keep. Pure: numbers that are added up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a direction may keep however little is left: what a window has shrunk to, and what waits beside it.
const FLOOR: usize = 256 * 1024;

/// One direction may keep this part of what is left. So the more pipes keep, the less each of them may, and something is
/// left for the next one, however many are stalled.
const PART: usize = 4;

/// How much many pipes may keep together of what has been sent and not acknowledged, or has come early. Clones are the
/// same budget.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    total: usize,
    used: AtomicUsize,
}

/// What one direction keeps. It is given back by drop.
#[derive(Debug)]
pub(super) struct Share {
    pool: Arc<Pool>,
    held: usize,
}

impl Default for Budget {
    /// Without an end: what a pipe may keep by itself is all that bounds it.
    fn default() -> Self {
        Self::new(usize::MAX)
    }
}

impl Budget {
    /// Of so many bytes. Each direction of a pipe may have 256 KiB whatever the others have, so they may come to that
    /// much more.
    #[must_use]
    pub fn new(total: usize) -> Self {
        Self(Arc::new(Pool { total, used: AtomicUsize::new(0) }))
    }

    /// How many bytes are kept now.
    #[must_use]
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }

    pub(super) fn share(&self) -> Share {
        Share { pool: Arc::clone(&self.0), held: 0 }
    }
}

impl Share {
    /// Takes `wanted` bytes, or as many of them as there are to be had.
    pub(super) fn take(&mut self, wanted: usize) -> usize {
        let granted = |used: usize| {
            let most = (self.pool.total.saturating_sub(used) / PART).max(FLOOR);
            wanted.min(most.saturating_sub(self.held))
        };
        let add = |used: usize| Some(used + granted(used));
        let used = self.pool.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).unwrap_or_else(|used| used);
        let granted = granted(used);
        self.held += granted;
        granted
    }

    /// Gives back some of what was taken.
    pub(super) fn give(&mut self, bytes: usize) {
        let bytes = bytes.min(self.held);
        self.held -= bytes;
        self.pool.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give(self.held);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each of so many stalled directions comes to hold, one after the other, and again until nothing moves.
    #[track_caller]
    fn check(total: usize, number: usize, least: usize, most: usize) {
        let budget = Budget::new(total);
        let mut shares: Vec<Share> = (0..number).map(|_| budget.share()).collect();
        while shares.iter_mut().map(|share| share.take(64 * 1024)).sum::<usize>() > 0 {}
        let held = || shares.iter().map(|share| share.held);
        assert_eq!(held().sum::<usize>(), budget.used());
        assert!(budget.used() <= total.max(number * FLOOR));
        assert!(held().min().unwrap() >= least && held().max().unwrap() <= most, "{:?}", held().collect::<Vec<_>>());
        drop(shares);
        assert_eq!(budget.used(), 0);
    }

    const MIB: usize = 1024 * 1024;

    #[test]
    fn the_more_there_are_the_less_each_has_and_none_has_nothing() {
        check(256 * MIB, 1, 51 * MIB, 52 * MIB);
        check(256 * MIB, 12, 15 * MIB, 17 * MIB);
        check(256 * MIB, 100, 2 * MIB, 3 * MIB);
        check(256 * MIB, 2_000, FLOOR, FLOOR + 64 * 1024);
        check(0, 10, FLOOR, FLOOR);
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let budget = Budget::new(FLOOR);
        let mut share = budget.share();
        assert_eq!((share.take(usize::MAX), share.take(1)), (FLOOR, 0));
        share.give(10);
        assert_eq!((share.take(100), budget.used()), (10, FLOOR));
    }
}
