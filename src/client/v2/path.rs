//! What was learned of the path to the server: which manner works in each direction, how long a carrier may live, how
//! much it may bring. Outlives a session, for the path does.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::wire::v2::Manner;

/// How long a batch is on a path that takes all; servers take no longer ones.
const MAX_BATCH: usize = 512 * 1024;

/// A batch never brings less: below it the heads would outweigh the data.
const MIN_BATCH: usize = 16 * 1024;

/// A streaming request never ends itself before it has brought this much.
const MIN_STREAM: u64 = 16 * 1024;

/// A carrier never lives shorter by choice.
const MIN_LIFE: Duration = Duration::from_millis(200);

/// Two cuts count as the same limit where they are no further apart than this part of the longer.
const SAME: f64 = 0.2;

/// How many carriers that stream may fail in a row, young, before the direction goes back to batches.
const MAX_FAILURES: u32 = 3;

/// What is known of a path.
pub(in crate::client) struct Path {
    pub(super) down: watch::Sender<Manner>,
    pub(super) up: watch::Sender<Manner>,
    learned: Mutex<Learned>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Learned {
    life: Duration,
    batch: usize,
    /// What something on the way lets through.
    most_batch: usize,
    stream: u64,
    down: Cuts,
    up: Cuts,
}

/// What is remembered of a direction's failures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Cuts {
    age: Option<Duration>,
    sent: u64,
    failures: u32,
}

impl Path {
    /// A path of which nothing is known but the longest that the person lets a carrier live.
    pub(in crate::client) fn new(max_ttl: Duration) -> Self {
        let learned = Learned {
            life: max_ttl,
            batch: MAX_BATCH,
            most_batch: MAX_BATCH,
            stream: u64::MAX,
            down: Cuts::default(),
            up: Cuts::default(),
        };
        Self { down: watch::Sender::new(Manner::Batch), up: watch::Sender::new(Manner::Batch), learned: learned.into() }
    }

    // Held for an update, never across an await.
    fn learned(&self) -> MutexGuard<'_, Learned> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long a streaming carrier may live.
    pub(super) fn life(&self) -> Duration {
        self.learned().life
    }

    /// How many bytes of the log a batch may bring.
    pub(super) fn batch(&self) -> usize {
        self.learned().batch
    }

    /// How many bytes of the log a streaming request may bring.
    pub(super) fn stream(&self) -> u64 {
        self.learned().stream
    }

    /// A request was too large for something on the way.
    pub(super) fn too_large(&self, manner: Manner, sent: u64) {
        let mut learned = self.learned();
        match manner {
            // Some of what was sent never left this machine, so the limit is lower, nobody knows by how much.
            Manner::Stream | Manner::Trial => learned.stream = (learned.stream.min(sent) / 2).max(MIN_STREAM),
            Manner::Batch => {
                learned.batch = (learned.batch / 2).max(MIN_BATCH);
                learned.most_batch = learned.batch;
            }
        }
    }

    /// A batch was cut. The server takes a batch whole or not at all, so on a path that cuts what takes long only smaller
    /// ones ever arrive.
    pub(super) fn batch_cut(&self) {
        let mut learned = self.learned();
        learned.batch = (learned.batch / 2).max(MIN_BATCH);
    }

    /// A batch came through: the next may be larger again.
    pub(super) fn batch_worked(&self) {
        let mut learned = self.learned();
        learned.batch = (learned.batch * 2).min(learned.most_batch);
    }

    /// A streaming carrier was cut at this age, after so many bytes. Cut at the same age twice, carriers live shorter
    /// from then on; else, cut after as many bytes twice, they bring less; cut young again and again, the direction
    /// goes back to batches.
    pub(super) fn cut(&self, down: bool, age: Duration, sent: u64) {
        let failed = {
            let mut learned = self.learned();
            let life = learned.life;
            let cuts = if down { &mut learned.down } else { &mut learned.up };
            let same = cuts.age.is_some_and(|before| before.abs_diff(age) <= before.max(age).mul_f64(SAME));
            let least = cuts.sent.min(sent);
            let as_many = least >= MIN_STREAM && cuts.sent.abs_diff(sent) <= cuts.sent.max(sent) / 5;
            cuts.age = Some(age);
            cuts.sent = sent;
            cuts.failures = if age < MIN_LIFE { cuts.failures + 1 } else { 0 };
            let failed = cuts.failures >= MAX_FAILURES;
            if failed {
                cuts.failures = 0;
            } else if same && age >= MIN_LIFE && age < life {
                learned.life = age.mul_f64(0.8).max(MIN_LIFE);
            } else if as_many {
                learned.stream = (learned.stream.min(sent) / 2).max(MIN_STREAM);
            }
            failed
        };
        if failed {
            let direction = if down { &self.down } else { &self.up };
            direction.send_replace(Manner::Batch);
        }
    }

    /// A streaming carrier ended in order.
    pub(super) fn worked(&self, down: bool) {
        let mut learned = self.learned();
        if down { learned.down.failures = 0 } else { learned.up.failures = 0 }
    }

    /// What the tunnel does now, for people.
    pub(super) fn describe(&self) -> String {
        let word = |manner: Manner| if manner == Manner::Stream { "streams" } else { "batches" };
        format!("wire v2: {} down, {} up", word(*self.down.borrow()), word(*self.up.borrow()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> Path {
        Path::new(Duration::from_secs(10))
    }

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_cut_at_the_same_age_twice_is_a_limit() {
        let path = path();
        path.cut(true, millis(1_000), 0);
        assert_eq!(path.life(), millis(10_000), "once is chance");
        path.cut(true, millis(5_000), 0);
        assert_eq!(path.life(), millis(10_000), "at another age too");
        path.cut(true, millis(5_100), 0);
        assert_eq!(path.life(), millis(4_080));
        path.cut(true, millis(9_000), 0);
        path.cut(true, millis(9_000), 0);
        assert_eq!(path.life(), millis(4_080), "a later cut is no reason to live longer");
    }

    #[test]
    fn streams_that_die_young_give_way_to_batches() {
        let path = path();
        path.down.send_replace(Manner::Stream);
        path.up.send_replace(Manner::Stream);
        path.cut(true, millis(10), 0);
        path.cut(true, millis(10), 0);
        path.worked(true);
        path.cut(true, millis(10), 0);
        path.cut(true, millis(10), 0);
        assert_eq!(*path.down.borrow(), Manner::Stream);
        path.cut(true, millis(10), 0);
        assert_eq!((*path.down.borrow(), *path.up.borrow()), (Manner::Batch, Manner::Stream));
        assert_eq!(path.life(), millis(10_000), "a bad moment is no limit");
        assert_eq!(path.describe(), "wire v2: batches down, streams up");
    }

    #[test]
    fn a_batch_that_is_cut_makes_the_next_smaller_until_one_comes_through() {
        let path = path();
        path.too_large(Manner::Batch, 0);
        for _ in 0..10 {
            path.batch_cut();
        }
        assert_eq!(path.batch(), MIN_BATCH);
        path.batch_worked();
        assert_eq!(path.batch(), 2 * MIN_BATCH);
        for _ in 0..10 {
            path.batch_worked();
        }
        assert_eq!(path.batch(), MAX_BATCH / 2, "what is too large stays so");
    }

    #[test]
    fn what_is_too_large_is_made_smaller() {
        let path = path();
        path.too_large(Manner::Batch, 0);
        assert_eq!(path.batch(), 256 * 1024);
        for _ in 0..10 {
            path.too_large(Manner::Batch, 0);
        }
        assert_eq!(path.batch(), MIN_BATCH);
        path.too_large(Manner::Stream, 1_000_000);
        assert_eq!(path.stream(), 500_000);
        path.cut(false, millis(1_000), 300_000);
        assert_eq!(path.stream(), 500_000, "once is chance");
        path.cut(false, millis(3_000), 310_000);
        assert_eq!(path.stream(), 155_000);
        for _ in 0..10 {
            path.too_large(Manner::Stream, 64);
        }
        assert_eq!(path.stream(), MIN_STREAM);
    }
}
