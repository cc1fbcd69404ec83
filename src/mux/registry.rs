//! What is known of each live stream beyond what the crate tells: which directions have ended in order, and whether
//! it was given up. Pure; shared between the streams and the tap.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One stream's life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Life {
    /// The peer ended its direction, and all of it has been handed over.
    finished_by_peer: bool,
    /// Our end of the stream's last frame has gone out.
    finished_by_us: bool,
    /// Dropped after our half-close, before the peer's.
    abandoned: bool,
}

/// The lives of a connection's streams. At most as many as the crate admits, for only a stream's beginning, which
/// the crate checks as well, makes an entry.
#[derive(Clone, Debug, Default)]
pub(super) struct Registry(Arc<Mutex<HashMap<u32, Life>>>);

impl Registry {
    // Held for a map operation at a time, never across an await.
    fn lives(&self) -> MutexGuard<'_, HashMap<u32, Life>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self, stream: u32) {
        self.lives().entry(stream).or_default();
    }

    pub(super) fn finished_by_peer(&self, stream: u32) {
        if let Some(life) = self.lives().get_mut(&stream) {
            life.finished_by_peer = true;
        }
    }

    /// Our direction has ended on the wire. True where the stream was given up, so that a reset has to follow.
    pub(super) fn finished_by_us(&self, stream: u32) -> bool {
        let mut lives = self.lives();
        let Some(life) = lives.get_mut(&stream) else { return false };
        life.finished_by_us = true;
        let reset = life.abandoned;
        if reset {
            lives.remove(&stream);
        }
        reset
    }

    /// Whether the peer ended its direction in order.
    pub(super) fn has_ended(&self, stream: u32) -> bool {
        self.lives().get(&stream).is_some_and(|life| life.finished_by_peer)
    }

    /// The stream is dropped; `half_closed` says whether we had ended our direction. True where a reset has to be
    /// sent now.
    pub(super) fn drop_stream(&self, stream: u32, half_closed: bool) -> bool {
        let mut lives = self.lives();
        let Some(life) = lives.get_mut(&stream) else { return false };
        // The crate itself resets a stream that is dropped open, and ends one that the peer has ended.
        if !half_closed || life.finished_by_peer {
            lives.remove(&stream);
            return false;
        }
        if life.finished_by_us {
            lives.remove(&stream);
            return true;
        }
        // Its last bytes are still on the way out: the reset must not overtake them.
        life.abandoned = true;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Step = fn(&Registry) -> bool;

    /// What happens to a stream, in order, and whether a reset has to follow each step.
    #[track_caller]
    fn check(steps: &[(Step, bool)]) {
        let registry = Registry::default();
        registry.begin(2);
        for (number, (step, reset)) in steps.iter().enumerate() {
            assert_eq!(step(&registry), *reset, "step {number}");
        }
        assert!(registry.lives().is_empty(), "nothing is kept of a stream that is over");
    }

    const DROP_OPEN: Step = |lives| lives.drop_stream(2, false);
    const DROP_HALF_CLOSED: Step = |lives| lives.drop_stream(2, true);
    const WE_END: Step = |lives| lives.finished_by_us(2);
    const PEER_ENDS: Step = |lives| {
        lives.finished_by_peer(2);
        assert!(lives.has_ended(2) || lives.lives().is_empty());
        false
    };

    #[test]
    fn resets_follow_what_was_given_up() {
        check(&[(DROP_OPEN, false), (PEER_ENDS, false)]);
        check(&[(PEER_ENDS, false), (DROP_OPEN, false)]);
        check(&[(PEER_ENDS, false), (WE_END, false), (DROP_HALF_CLOSED, false)]);
        check(&[(WE_END, false), (DROP_HALF_CLOSED, true)]);
        check(&[(DROP_HALF_CLOSED, false), (WE_END, true)]);
        check(&[(DROP_HALF_CLOSED, false), (PEER_ENDS, false), (WE_END, true)]);
    }
}
