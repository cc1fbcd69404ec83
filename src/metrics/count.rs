//! Numbers that only grow. To count is an addition without a lock, wherever it is done.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Label;

/// How many times something has happened.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts one more.
    pub fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many there have been.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that is set, and stays until it is set again; 0 at first.
#[derive(Debug, Default)]
pub struct Setting(AtomicU64);

impl Setting {
    /// Sets it.
    pub fn set(&self, number: u64) {
        self.0.store(number, Ordering::Relaxed);
    }

    /// What it was set to.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A counter for each value of a label.
#[derive(Debug)]
pub struct Counters<L> {
    of: Box<[Counter]>,
    label: PhantomData<L>,
}

impl<L: Label> Default for Counters<L> {
    fn default() -> Self {
        Self { of: L::VALUES.iter().map(|_| Counter::default()).collect(), label: PhantomData }
    }
}

impl<L: Label> Counters<L> {
    /// Counts one more with this value.
    pub fn count(&self, value: L) {
        self.of[value.place()].count();
    }

    /// How many there have been of each value, in the order of [`Label::VALUES`].
    #[must_use]
    pub fn get(&self) -> Vec<u64> {
        self.of.iter().map(Counter::get).collect()
    }
}

/// The bounds of a histogram's buckets, in microseconds: from an answer out of a cache on the same machine to somebody who
/// sits on a breakpoint. What is open for longer, such as a WebSocket, is beyond them all.
pub(super) const BOUNDS: [u64; 16] = [
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    30_000_000,
    60_000_000,
    300_000_000,
];

/// How long things have taken.
#[derive(Debug, Default)]
pub struct Histogram {
    /// How many took as long as a bound and longer than the one before; the last of them took longer than any bound.
    buckets: [Counter; BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl Histogram {
    /// Counts one more that took so long.
    pub fn count(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.buckets[BOUNDS.partition_point(|bound| *bound < micros)].count();
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// How many took as long as each bound at most, and in the end how many there have been.
    pub(super) fn up_to_each(&self) -> Vec<u64> {
        let mut sum = 0;
        let add = |counter: &Counter| {
            sum += counter.get();
            sum
        };
        self.buckets.iter().map(add).collect()
    }

    /// How long all of them took together, in microseconds.
    pub(super) fn micros(&self) -> u64 {
        self.micros.load(Ordering::Relaxed)
    }
}
