//! A message while it is heard: a WebSocket's, or an event. It is kept up to a bound.

use super::exchange::{Body, Kind};

/// The most of a message that is kept.
pub(super) const MAX_MESSAGE: usize = 64 * 1024;

/// A message, as much of it as has come.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) kind: Kind,
    pub(super) deflated: bool,
    pub(super) body: Body,
}

impl Heard {
    /// Adds a piece, and says where in what is kept it begins.
    pub(super) fn keep(&mut self, piece: &[u8]) -> usize {
        let kept = &mut self.body.kept;
        let from = kept.len();
        let part = piece.len().min(MAX_MESSAGE - from);
        // Most are whole in one piece; what comes in many is not copied for each.
        if from > 0 {
            kept.reserve(part);
        } else {
            kept.reserve_exact(part);
        }
        kept.extend_from_slice(&piece[..part]);
        self.body.size += piece.len() as u64;
        from
    }
}
