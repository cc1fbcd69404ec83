//! What is counted of the directory, for the metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// How often something has happened since the start.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How often, until now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What has happened.
#[derive(Debug, Default)]
pub struct Counts {
    /// Prefixes that were looked for.
    pub lookups: Count,
    /// Those of them that were known.
    pub cache_hits: Count,
    /// Claims that were given.
    pub claims: Count,
    /// Those that were not.
    pub refused: Count,
    /// Renewals of the lease.
    pub renewals: Count,
    /// Those that came to nothing.
    pub failed_renewals: Count,
    /// Leases of ours that the engine no longer knew.
    pub leases_lost: Count,
    /// Claims of ours that another has by a higher fence.
    pub claims_lost: Count,
}
