//! What came of a load.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use super::Exchange;

/// Complaints that are kept word by word; more would say the same.
const MAX_COMPLAINTS: usize = 20;

/// How an exchange came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Each byte arrived, once, in order, and then the end.
    Whole,
    /// The visitor was told that it failed.
    Failed(String),
    /// The visitor got other bytes, or fewer with an end as if they were all.
    Wrong(String),
    /// Nothing told the visitor anything for 60 s.
    Hung,
}

/// What came of a load.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Exchanges that were begun and not cut by the end of the load.
    pub exchanges: u64,
    /// Those that failed loudly.
    pub failed: u64,
    /// Those that were wrong without saying so.
    pub wrong: u64,
    /// Those that hung.
    pub hung: u64,
    /// Why they failed, and how often.
    pub causes: BTreeMap<String, u64>,
    /// What was wrong, the first 20.
    pub complaints: Vec<String>,
    /// When those that failed had begun.
    begun: Vec<Instant>,
    /// How long each that came out whole took, in microseconds: four bytes each.
    took: Vec<u32>,
    /// The same of those that are small, whose time says how long the tunnel keeps still rather than how much it brings.
    small: Vec<u32>,
}

impl Figures {
    pub(super) fn add(&mut self, exchange: &Exchange, outcome: Outcome, begin: Instant) {
        self.exchanges += 1;
        let took = u32::try_from(begin.elapsed().as_micros()).unwrap_or(u32::MAX);
        match outcome {
            Outcome::Whole => {
                self.took.push(took);
                if exchange.is_small() {
                    self.small.push(took);
                }
            }
            Outcome::Hung => self.hung += 1,
            Outcome::Failed(cause) => {
                self.failed += 1;
                self.begun.push(begin);
                *self.causes.entry(cause).or_default() += 1;
            }
            Outcome::Wrong(complaint) => {
                self.wrong += 1;
                if self.complaints.len() < MAX_COMPLAINTS {
                    self.complaints.push(format!("exchange {}: the visitor got {complaint}", exchange.id));
                }
            }
        }
    }

    /// How many failed of those that were begun after a moment.
    #[must_use]
    pub fn failed_since(&self, moment: Instant) -> usize {
        self.begun.iter().filter(|begun| **begun > moment).count()
    }

    /// The time within which so many percent of the whole exchanges were done.
    #[must_use]
    pub fn within(&self, percent: usize) -> Duration {
        within(&self.took, percent)
    }

    /// The same of those that bring at most 64 KiB each way.
    #[must_use]
    pub fn small_within(&self, percent: usize) -> Duration {
        within(&self.small, percent)
    }
}

fn within(took: &[u32], percent: usize) -> Duration {
    let mut took = took.to_vec();
    took.sort_unstable();
    let at = took.len() * percent / 100;
    Duration::from_micros(took.get(at.min(took.len().saturating_sub(1))).copied().unwrap_or_default().into())
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:32} {:10}", "exchanges", self.exchanges)?;
        writeln!(f, "{:32} {:10}", "failed, and said so", self.failed)?;
        writeln!(f, "{:32} {:10}", "wrong bytes or silent ends", self.wrong)?;
        writeln!(f, "{:32} {:10}", "hung for 60 s", self.hung)?;
        for percent in [50, 99] {
            writeln!(f, "p{percent:<31} {:7.1} ms", self.within(percent).as_secs_f64() * 1000.0)?;
            let small = self.small_within(percent).as_secs_f64() * 1000.0;
            writeln!(f, "p{percent} {:28} {small:7.1} ms", "of at most 64 KiB")?;
        }
        for (cause, count) in &self.causes {
            writeln!(f, "  failed: {cause:40.40} {count:10}")?;
        }
        for complaint in &self.complaints {
            writeln!(f, "  {complaint}")?;
        }
        Ok(())
    }
}
