//! What a fault proxy has done, counted.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::{Cut, Kind, Loss};

/// One thing that a fault proxy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// A connection was accepted.
    Connection,
    /// The origin could not be reached for one.
    Unreachable,
    /// A request was seen.
    Request(Kind),
    /// A request in flight was lost, at random.
    Kill(Loss, Cut),
    /// It was time for a loss, but there was nothing to lose.
    NoVictim,
    /// A request was cut at its age.
    TooOld,
    /// A connection was cut at a byte that the plan names.
    CutAtByte(Cut),
    /// A connection was cut within the first bytes of a body.
    HandshakeCut(Cut),
    /// A direction was stopped.
    Stall,
    /// A direction was taken to nowhere.
    BlackHole,
    /// A request was sent twice.
    Duplicate,
    /// The head of an answer was held.
    HeldHead,
    /// A request was passed on whole.
    BufferedRequest,
    /// A request was too large to be passed on whole.
    TooLarge,
    /// An answer was held back, whole or up to the bound.
    BufferedResponse,
    /// A request was answered with 503.
    Refusal,
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection => write!(f, "connections"),
            Self::Unreachable => write!(f, "connections without an origin"),
            Self::Request(kind) => write!(f, "requests: {kind:?}"),
            Self::Kill(loss, cut) => write!(f, "killed: {loss:?} by {cut:?}"),
            Self::NoVictim => write!(f, "nothing to kill"),
            Self::TooOld => write!(f, "cut at an age"),
            Self::CutAtByte(cut) => write!(f, "cut at a byte by {cut:?}"),
            Self::HandshakeCut(cut) => write!(f, "cut in the first bytes by {cut:?}"),
            Self::Stall => write!(f, "stalled"),
            Self::BlackHole => write!(f, "black holes"),
            Self::Duplicate => write!(f, "sent twice"),
            Self::HeldHead => write!(f, "heads held"),
            Self::BufferedRequest => write!(f, "requests held until whole"),
            Self::TooLarge => write!(f, "requests answered with 413"),
            Self::BufferedResponse => write!(f, "answers held back"),
            Self::Refusal => write!(f, "requests answered with 503"),
        }
    }
}

/// How often each thing was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    counts: BTreeMap<Act, u64>,
}

impl Tally {
    /// How often one thing was done.
    #[must_use]
    pub fn of(&self, act: Act) -> u64 {
        self.counts.get(&act).copied().unwrap_or_default()
    }

    /// How many requests were lost at random, a pair counted as one.
    #[must_use]
    pub fn kills(&self) -> u64 {
        self.counts.iter().filter(|(act, _)| matches!(act, Act::Kill(..))).map(|(_, count)| count).sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (act, count) in &self.counts {
            writeln!(f, "{:32} {count:10}", act.to_string())?;
        }
        Ok(())
    }
}

#[derive(Default)]
pub(super) struct Counters {
    // Held to add one or to copy, never across an await.
    counts: Mutex<BTreeMap<Act, u64>>,
}

impl Counters {
    pub(super) fn count(&self, act: Act) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(act).or_default() += 1;
    }

    pub(super) fn tally(&self) -> Tally {
        Tally { counts: self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone() }
    }
}
