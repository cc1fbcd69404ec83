//! What was learned of the path to the server: which manner works in each direction, how long a carrier may live, how
//! much it may bring. Outlives a session, for the path does.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::limit::Limit;
use crate::wire::v2::Manner;

/// How long a batch is on a path that takes all; servers take no longer ones.
const MAX_BATCH: usize = 512 * 1024;

/// A batch never brings less: below it the heads would outweigh the data.
pub(super) const MIN_BATCH: usize = 16 * 1024;

/// A streaming request never ends itself before it has brought this much.
const MIN_STREAM: u64 = 16 * 1024;

/// A carrier never lives shorter by choice.
const MIN_LIFE: Duration = Duration::from_millis(200);

/// What of a life that was cut short is safe, in tenths; and of a length, where some of what was sent never left this
/// machine, so that the limit is lower, and nobody knows by how much.
const SAFE_LIFE: u64 = 8;
const SAFE_LENGTH: u64 = 5;

/// How many carriers that stream may fail in a row, young, before the direction goes back to batches.
const MAX_FAILURES: u32 = 3;

/// What is known of a path.
pub(in crate::client) struct Path {
    pub(super) down: watch::Sender<Manner>,
    pub(super) up: watch::Sender<Manner>,
    learned: Mutex<Learned>,
}

struct Learned {
    batch: usize,
    /// What something on the way lets through.
    most_batch: usize,
    down: Streams,
    up: Streams,
}

/// What is known of a direction's streams.
struct Streams {
    /// In milliseconds.
    life: Limit,
    /// In bytes of the log.
    length: Limit,
    failures: u32,
}

impl Streams {
    fn new(max_ttl: Duration) -> Self {
        Self {
            life: Limit::new(millis(MIN_LIFE), millis(max_ttl), SAFE_LIFE),
            length: Limit::new(MIN_STREAM, u64::MAX, SAFE_LENGTH),
            failures: 0,
        }
    }
}

/// A direction, from the client's point of view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Down,
    Up,
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Path {
    /// A path of which nothing is known but the longest that the person lets a carrier live.
    pub(in crate::client) fn new(max_ttl: Duration) -> Self {
        let (down, up) = (Streams::new(max_ttl), Streams::new(max_ttl));
        let learned = Learned { batch: MAX_BATCH, most_batch: MAX_BATCH, down, up };
        Self { down: watch::Sender::new(Manner::Batch), up: watch::Sender::new(Manner::Batch), learned: learned.into() }
    }

    // Held for an update, never across an await.
    fn learned(&self) -> MutexGuard<'_, Learned> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long a streaming carrier may live.
    pub(super) fn life(&self, direction: Direction) -> Duration {
        Duration::from_millis(self.learned().streams(direction).life.now())
    }

    /// How many bytes of the log a batch may bring.
    pub(super) fn batch(&self) -> usize {
        self.learned().batch
    }

    /// How many bytes of the log a streaming request may bring.
    pub(super) fn stream(&self) -> u64 {
        self.learned().up.length.now()
    }

    /// A batch was too large for something on the way.
    pub(super) fn batch_too_large(&self) {
        let mut learned = self.learned();
        learned.batch = (learned.batch / 2).max(MIN_BATCH);
        learned.most_batch = learned.batch;
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

    /// A streaming request was, after so many bytes. Where it was as short as one may be, batches are better.
    pub(super) fn stream_too_large(&self, sent: u64) {
        let length = &mut self.learned().up.length;
        if length.now() <= MIN_STREAM {
            self.up.send_replace(Manner::Batch);
        }
        length.exceeded(sent);
    }

    /// A streaming carrier was cut at this age, after so many bytes. Cut at the same age again and again, carriers live
    /// shorter from then on; else, cut after as many bytes, they bring less; cut young again and again, the direction
    /// goes back to batches.
    pub(super) fn cut(&self, direction: Direction, age: Duration, sent: u64) {
        let failed = {
            let mut learned = self.learned();
            let streams = learned.streams(direction);
            streams.failures = if age < MIN_LIFE { streams.failures + 1 } else { 0 };
            let limited = streams.life.cut(millis(age)) || streams.length.cut(sent);
            if limited {
                let (life, length) = (streams.life.now(), streams.length.now());
                tracing::debug!(?direction, ?age, sent, life, length, "carriers are cut at the same point");
            }
            let failed = streams.failures >= MAX_FAILURES;
            if failed {
                streams.failures = 0;
            }
            failed
        };
        if failed {
            let manner = match direction {
                Direction::Down => &self.down,
                Direction::Up => &self.up,
            };
            manner.send_replace(Manner::Batch);
        }
    }

    /// A streaming carrier ended in order, at this age, after so many bytes.
    pub(super) fn worked(&self, direction: Direction, age: Duration, sent: u64) {
        let mut learned = self.learned();
        let streams = learned.streams(direction);
        streams.failures = 0;
        streams.life.passed(millis(age));
        streams.length.passed(sent);
    }

    /// Nothing is answered: what passes everywhere goes first.
    pub(super) fn go_back_to_batches(&self) {
        for manner in [&self.down, &self.up] {
            manner.send_if_modified(|manner| std::mem::replace(manner, Manner::Batch) != Manner::Batch);
        }
    }

    /// What the tunnel does now, for people.
    pub(super) fn describe(&self) -> String {
        let word = |manner: Manner| if manner == Manner::Stream { "streams" } else { "batches" };
        format!("wire v2: {} down, {} up", word(*self.down.borrow()), word(*self.up.borrow()))
    }
}

impl Learned {
    fn streams(&mut self, direction: Direction) -> &mut Streams {
        match direction {
            Direction::Down => &mut self.down,
            Direction::Up => &mut self.up,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Direction::{Down, Up};
    use super::*;

    fn path() -> Path {
        Path::new(Duration::from_secs(10))
    }

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn cuts_at_the_same_age_are_a_limit_of_that_direction() {
        let path = path();
        for _ in 0..3 {
            assert_eq!(path.life(Down), ms(10_000), "chance");
            path.cut(Down, ms(5_000), 0);
        }
        assert_eq!((path.life(Down), path.life(Up)), (ms(4_000), ms(10_000)));
        // One that lives as long as it may, a few times, shows that it may live longer.
        for _ in 0..100 {
            path.worked(Down, path.life(Down), 0);
        }
        assert_eq!(path.life(Down), ms(10_000));
    }

    #[test]
    fn a_life_that_a_person_wants_short_is_short() {
        let path = Path::new(ms(50));
        path.cut(Up, ms(40), 0);
        path.worked(Up, ms(50), 0);
        assert_eq!(path.life(Up), ms(50));
    }

    #[test]
    fn streams_that_die_young_give_way_to_batches() {
        let path = path();
        path.down.send_replace(Manner::Stream);
        path.up.send_replace(Manner::Stream);
        path.cut(Down, ms(10), 0);
        path.cut(Down, ms(10), 0);
        path.worked(Down, ms(10_000), 0);
        path.cut(Down, ms(10), 0);
        path.cut(Down, ms(10), 0);
        assert_eq!(*path.down.borrow(), Manner::Stream);
        path.cut(Down, ms(10), 0);
        assert_eq!((*path.down.borrow(), *path.up.borrow()), (Manner::Batch, Manner::Stream));
        assert_eq!(path.life(Down), ms(10_000), "a bad moment is no limit");
        assert_eq!(path.describe(), "wire v2: batches down, streams up");
    }

    #[test]
    fn a_batch_that_is_cut_makes_the_next_smaller_until_one_comes_through() {
        let path = path();
        path.batch_too_large();
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
        path.batch_too_large();
        assert_eq!(path.batch(), 256 * 1024);
        for _ in 0..10 {
            path.batch_too_large();
        }
        assert_eq!(path.batch(), MIN_BATCH);
        path.stream_too_large(1_000_000);
        assert_eq!(path.stream(), 500_000);
        for age in [1_000, 3_000, 5_000] {
            assert_eq!(path.stream(), 500_000, "chance");
            path.cut(Up, ms(age), 300_000);
        }
        assert_eq!(path.stream(), 150_000);
        path.up.send_replace(Manner::Stream);
        path.stream_too_large(64);
        assert_eq!((path.stream(), *path.up.borrow()), (MIN_STREAM, Manner::Stream));
        path.stream_too_large(64);
        assert_eq!((path.stream(), *path.up.borrow()), (MIN_STREAM, Manner::Batch));
    }
}
