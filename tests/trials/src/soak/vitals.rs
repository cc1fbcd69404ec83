//! What the two ends hold on to: memory, descriptors, threads.

use std::fmt;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Stage;
use crate::program::{LOOK, Program};

/// What the two ends hold at one moment; nothing where the system does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vitals {
    /// The public end.
    pub server: Holds,
    /// The private end.
    pub client: Holds,
}

/// What a process holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holds {
    /// Resident memory in KiB.
    pub memory: u64,
    /// Open descriptors.
    pub descriptors: usize,
    /// Threads.
    pub threads: usize,
}

impl Vitals {
    /// What they hold now.
    #[must_use]
    pub fn of(stage: &Stage) -> Self {
        Self { server: Holds::of(&stage.server.program), client: Holds::of(&stage.client) }
    }

    /// The most of each that they hold while nothing is asked of them, watched for `time`.
    pub async fn at_rest(stage: &Stage, time: Duration) -> Self {
        let (mut most, end) = (Self::of(stage), Instant::now() + time);
        while Instant::now() < end {
            sleep(LOOK).await;
            let now = Self::of(stage);
            most = Self { server: most.server.most(now.server), client: most.client.most(now.client) };
        }
        most
    }

    /// Waits until neither end holds more descriptors or threads than `before`, for `patience`; what they hold then.
    pub async fn back_to(before: Self, stage: &Stage, patience: Duration) -> Self {
        let end = Instant::now() + patience;
        loop {
            let now = Self::of(stage);
            if now.holds_no_more_than(before) || Instant::now() > end {
                return now;
            }
            sleep(LOOK).await;
        }
    }

    /// Whether neither end holds more descriptors or threads than `before`.
    #[must_use]
    pub fn holds_no_more_than(self, before: Self) -> bool {
        let no_more =
            |now: Holds, before: Holds| now.descriptors <= before.descriptors && now.threads <= before.threads;
        no_more(self.server, before.server) && no_more(self.client, before.client)
    }
}

impl Holds {
    fn of(program: &Program) -> Self {
        let (descriptors, threads) = program.holds().unwrap_or_default();
        Self { memory: program.memory().unwrap_or_default(), descriptors, threads }
    }

    fn most(self, other: Self) -> Self {
        Self {
            memory: self.memory.max(other.memory),
            descriptors: self.descriptors.max(other.descriptors),
            threads: self.threads.max(other.threads),
        }
    }
}

impl fmt::Display for Vitals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (end, Holds { memory, descriptors, threads }) in [("server", self.server), ("client", self.client)] {
            writeln!(f, "{end:8} {memory:8} KiB {descriptors:6} descriptors {threads:4} threads")?;
        }
        Ok(())
    }
}

/// By how much a figure grows from the first of its samples to the last, as the straight line through them has it.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "KiB of memory and numbers of samples are far below 2 to the power of 52"
)]
pub fn growth(samples: &[u64]) -> f64 {
    let count = samples.len() as f64;
    let mean_at = (count - 1.0) / 2.0;
    let mean = samples.iter().map(|sample| *sample as f64).sum::<f64>() / count;
    let (mut with, mut spread) = (0.0, 0.0);
    for (at, sample) in samples.iter().enumerate() {
        let off = at as f64 - mean_at;
        with += off * (*sample as f64 - mean);
        spread += off * off;
    }
    if spread == 0.0 { 0.0 } else { with / spread * (count - 1.0) }
}
