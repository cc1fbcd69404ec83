//! How many visitors have waited for a session's client. Knows not for how long.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::metrics::Metrics;
use crate::wire::v2;

/// The visitors of a session, counted from its beginning on.
pub(in crate::server) struct Waits {
    waited: AtomicU64,
    in_vain: AtomicU64,
    metrics: Arc<Metrics>,
}

/// A visitor that waits. In vain, unless it is said that the client has come.
pub(in crate::server) struct Wait<'a> {
    waits: &'a Waits,
    in_vain: bool,
}

impl Waits {
    /// Nobody so far. Whoever waits is counted in `metrics` too.
    pub(in crate::server) fn new(metrics: Arc<Metrics>) -> Self {
        Self { waited: AtomicU64::new(0), in_vain: AtomicU64::new(0), metrics }
    }

    /// One more waits.
    pub(in crate::server) fn begin(&self) -> Wait<'_> {
        self.waited.fetch_add(1, Ordering::Relaxed);
        self.metrics.held.count();
        Wait { waits: self, in_vain: true }
    }

    /// What there is to say to the client; nothing where nobody has waited.
    pub(super) fn told(&self) -> Option<v2::Waits> {
        let number = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let waits = v2::Waits { waited: number(&self.waited), in_vain: number(&self.in_vain) };
        (waits.waited > 0).then_some(waits)
    }
}

impl Wait<'_> {
    /// The client has come.
    pub(in crate::server) fn end(mut self) {
        self.in_vain = false;
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if self.in_vain {
            self.waits.in_vain.fetch_add(1, Ordering::Relaxed);
            self.waits.metrics.held_in_vain.count();
        }
    }
}
