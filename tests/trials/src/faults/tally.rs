//! What a fault proxy has done, counted.

use std::collections::BTreeMap;
use std::fmt;

use tokio::sync::watch;

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
    /// A request that was kept back was passed on whole.
    Passed(Kind),
    /// A request in flight was lost, at random.
    Kill(Loss, Cut),
    /// It was time for a loss, but there was nothing to lose.
    NoVictim,
    /// A request was cut at its age.
    TooOld,
    /// A connection was cut at a byte that the plan names.
    CutAtByte(Cut),
    /// A connection was cut in a head or within the first bytes of its body.
    HandshakeCut(Cut),
    /// A direction was stopped.
    Stall,
    /// A direction was taken to nowhere.
    BlackHole,
    /// A request was sent twice.
    Duplicate,
    /// A request was passed on late.
    Late,
    /// Another of its kind was passed on before one that was late.
    Overtaken,
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
            Self::Passed(kind) => write!(f, "kept back, then passed on: {kind:?}"),
            Self::Kill(loss, cut) => write!(f, "killed: {loss:?} by {cut:?}"),
            Self::NoVictim => write!(f, "nothing to kill"),
            Self::TooOld => write!(f, "cut at an age"),
            Self::CutAtByte(cut) => write!(f, "cut at a byte by {cut:?}"),
            Self::HandshakeCut(cut) => write!(f, "cut in the first bytes by {cut:?}"),
            Self::Stall => write!(f, "stalled"),
            Self::BlackHole => write!(f, "black holes"),
            Self::Duplicate => write!(f, "sent twice"),
            Self::Late => write!(f, "passed on late"),
            Self::Overtaken => write!(f, "overtaken by another"),
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
    tally: watch::Sender<Tally>,
}

impl Counters {
    pub(super) fn count(&self, act: Act) {
        self.tally.send_modify(|tally| *tally.counts.entry(act).or_default() += 1);
    }

    pub(super) fn tally(&self) -> Tally {
        self.tally.borrow().clone()
    }

    pub(super) async fn until(&self, enough: impl Fn(&Tally) -> bool) {
        // The sender is a field of ours: it is not dropped meanwhile.
        let _ = self.tally.subscribe().wait_for(|tally| enough(tally)).await;
    }
}
