//! How often something happens: counted by pieces of time, of which the fullest is the peak.

use std::time::Duration;

/// Counts by pieces of time that are equally long.
#[derive(Clone, Debug)]
pub(super) struct Rate {
    piece: Duration,
    counts: Vec<u64>,
}

impl Rate {
    /// Nothing yet, by pieces of that length.
    pub(super) fn by(piece: Duration) -> Self {
        Self { piece, counts: Vec::new() }
    }

    /// It has happened so often at that time.
    pub(super) fn note(&mut self, at: Duration, often: u64) {
        let piece = usize::try_from(at.as_nanos() / self.piece.as_nanos()).unwrap_or(usize::MAX);
        if self.counts.len() <= piece {
            self.counts.resize(piece + 1, 0);
        }
        self.counts[piece] += often;
    }

    /// How often in all.
    #[cfg(test)]
    pub(super) fn sum(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How often in a second, at its fullest piece.
    pub(super) fn peak(&self) -> f64 {
        self.counts.iter().max().map_or(0.0, |most| *most as f64 / self.piece.as_secs_f64())
    }
}
