//! What the engine keeps, what a node knows, and what they say to each other.

use proptest::prelude::*;

use super::super::Tenure;
use super::NODES;

/// What befalls them, each for so many steps.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    Quiet,
    Claim(usize),
    Freeze(usize, u64),
    /// One node, or all of them, and the engine do not reach each other.
    Cut(Option<usize>, u64),
    Emptied,
    /// What takes the engine's place has not heard of what was said last.
    Promoted,
}

pub(super) type Held = (usize, u64);

#[derive(Clone, Copy)]
pub(super) struct Stored {
    pub(super) era: Option<(u64, u64)>,
    pub(super) leases: [u64; NODES],
    pub(super) claim: Option<Held>,
}

pub(super) const EMPTY: Stored = Stored { era: None, leases: [0; NODES], claim: None };

#[derive(Clone, Copy, Debug)]
pub(super) enum Say {
    Register { sent: u64 },
    Registered { sent: u64, gone: bool, run: u64, is_young: bool },
    Write { sent: u64, run: u64, held: Option<u64>, right: bool },
    Written { sent: u64, lost: Option<u64> },
    Claim { sent: u64, over: Option<Held> },
    Granted { sent: u64, fence: u64 },
    Seen { sent: u64, held: Held, is_alive: bool },
    Lives { from: usize, sent: u64 },
    Alive { sent: u64 },
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Node {
    pub(super) tenure: Option<Tenure>,
    pub(super) run: Option<u64>,
    pub(super) writes: Option<u64>,
    pub(super) asked: Option<u64>,
    pub(super) renew_at: u64,
    pub(super) frozen: u64,
    pub(super) held: Option<u64>,
    pub(super) claiming: Option<u64>,
    pub(super) asking: Option<(u64, Held)>,
}

impl Node {
    /// It claims nothing, and writes nothing.
    pub(super) fn is_free(&self) -> bool {
        self.claiming.is_none() && self.asking.is_none() && self.writes.is_none()
    }
}

/// What may befall them.
pub(super) fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        2 => Just(Fate::Quiet),
        6 => (0..NODES).prop_map(Fate::Claim),
        4 => (0..NODES, 1_u64..160).prop_map(|(node, steps)| Fate::Freeze(node, steps)),
        3 => (proptest::option::of(0..NODES), 1_u64..300).prop_map(|(node, steps)| Fate::Cut(node, steps)),
        1 => Just(Fate::Emptied),
        1 => Just(Fate::Promoted),
    ]
}
