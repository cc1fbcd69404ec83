//! Long trials of a tunnel's two ends between a load and a fault proxy, with books at each end: kills, renewals, and a
//! day of both that is squeezed into minutes. Judges nothing but what it is asked to.

mod day;

mod stage;

mod vitals;

#[cfg(test)]
mod tests;

pub use day::{Day, day};
pub use stage::{Books, Stage};
pub use vitals::{Holds, Vitals, growth};

use std::time::Duration;

use crate::faults::{Act, Cut, Kills, Kind, Loss, Plan, Tally};

/// The time between two losses that the promises name.
pub const EVERY: std::ops::RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(2);

/// How many requests are cut in their head, or their first bytes, besides.
const HANDSHAKE_CUTS: f64 = 0.01;

/// Everything that the promises say may be lost, at any point.
#[must_use]
pub fn losses(every: std::ops::RangeInclusive<Duration>) -> Plan {
    let what = vec![Loss::Read, Loss::Write, Loss::Both, Loss::Any];
    let kills = Kills { what, how: vec![Cut::Fin, Cut::Rst], every };
    Plan { kills: Some(kills), handshake_cuts: HANDSHAKE_CUTS, ..Plan::default() }
}

/// What lets no stream through, so that only batches are left.
#[must_use]
pub fn no_streams(plan: Plan) -> Plan {
    // More than a batch may be; and an answer that is longer is passed on as it comes, which batches are not.
    const BOUND: usize = 1024 * 1024;
    Plan { only: vec![Kind::Read, Kind::Write], buffer_request: Some(BOUND), buffer_response: Some(BOUND), ..plan }
}

/// How many carriers there were in the direction that had fewer.
#[must_use]
pub fn carriers(tally: &Tally) -> u64 {
    tally.of(Act::Request(Kind::Read)).min(tally.of(Act::Request(Kind::Write)))
}
