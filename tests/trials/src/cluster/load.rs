//! What comes of loads, beside what is promised of them.

use crate::floods::{Figures, Measure};
use crate::load::{self, Receipts};

/// How much is asked at a time, of what size, and what all choices are made from.
#[derive(Clone, Copy, Debug)]
pub struct Loads {
    /// Exchanges at a time.
    pub at_once: u64,
    /// The largest body, as a power of two.
    pub largest: u32,
    /// What all choices are made from.
    pub seed: u64,
}

impl Loads {
    /// The mix of one phase; each has other choices.
    pub(super) fn mix(self, phase: u64) -> load::Mix {
        let Self { at_once, largest, seed } = self;
        load::Mix { at_once, seed: seed.wrapping_add(phase << 32), first_id: 0, largest }
    }
}

/// Adds what came of a load of which nothing may fail.
pub fn judge(figures: &mut Figures, what: &str, load: &load::Figures) {
    tell(figures, what, load);
    figures.bound(Measure::Count, format!("{what}: failed"), count(load.failed), "", 0.0);
}

/// Adds what came of a load, all but how much of it failed.
pub(super) fn tell(figures: &mut Figures, what: &str, load: &load::Figures) {
    figures.tell(format!("{what}: exchanges"), count(load.exchanges), "");
    for (cause, times) in &load.causes {
        figures.tell(format!("  failed: {cause}"), count(*times), "");
    }
    for complaint in &load.complaints {
        figures.tell(format!("  {complaint}"), 1.0, "");
    }
    figures.bound(Measure::Count, format!("{what}: wrong bytes or silent ends"), count(load.wrong), "", 0.0);
    figures.bound(Measure::Count, format!("{what}: hung for 60 s"), count(load.hung), "", 0.0);
    for percent in [50, 99] {
        let within = load.small_within(percent).as_secs_f64() * 1e3;
        figures.tell(format!("{what}: p{percent} of at most 64 KiB"), within, "ms");
    }
}

/// Adds what the target has seen.
pub(super) fn receive(figures: &mut Figures, receipts: &Receipts) {
    figures.bound(Measure::Count, "the target: wrong bytes or silent ends", count(receipts.wrong), "", 0.0);
    let twice = receipts.twice - receipts.twice_safe;
    figures.bound(Measure::Count, "the target: delivered more than once", count(twice), "", 0.0);
    figures.tell("the target: the same by a safe method", count(receipts.twice_safe), "");
    for complaint in &receipts.complaints {
        figures.tell(format!("  {complaint}"), 1.0, "");
    }
}

/// Exact: counts of trials are far below 2 to the power of 53.
#[expect(clippy::cast_precision_loss, reason = "counts of trials are far below 2 to the power of 53")]
pub(super) fn count(number: u64) -> f64 {
    number as f64
}
