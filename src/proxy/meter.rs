//! What an exchange comes to, and what all of a session or of a server do.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Bytes each way, of bodies and of what follows an upgrade.
#[derive(Debug, Default)]
pub struct Traffic {
    up: AtomicU64,
    down: AtomicU64,
}

impl Traffic {
    /// The bytes of visitors so far.
    #[must_use]
    pub fn up(&self) -> u64 {
        self.up.load(Ordering::Relaxed)
    }

    /// The bytes of targets so far.
    #[must_use]
    pub fn down(&self) -> u64 {
        self.down.load(Ordering::Relaxed)
    }
}

/// The bytes that an exchange brings each way, and whether it is brought to its end.
#[derive(Debug, Default)]
pub struct Meter {
    own: Traffic,
    of_all: Arc<Traffic>,
    of_session: OnceLock<Arc<Traffic>>,
    whole: AtomicBool,
}

impl Meter {
    /// One whose bytes are counted in `of_all` too, as they pass: an exchange may last for days.
    #[must_use]
    pub fn within(of_all: Arc<Traffic>) -> Self {
        Self { of_all, ..Self::default() }
    }

    /// Has what passes from now on counted for a session too. Only the first counts: an exchange is passed on once.
    pub fn goes_to(&self, of_session: &Arc<Traffic>) {
        let _ = self.of_session.set(Arc::clone(of_session));
    }

    /// Counts bytes of the visitor's.
    pub fn add_up(&self, bytes: usize) {
        self.add(bytes, |traffic| &traffic.up);
    }

    /// Counts bytes of the target's.
    pub fn add_down(&self, bytes: usize) {
        self.add(bytes, |traffic| &traffic.down);
    }

    fn add(&self, bytes: usize, way: fn(&Traffic) -> &AtomicU64) {
        for traffic in [&self.own, &*self.of_all].into_iter().chain(self.of_session.get().map(Arc::as_ref)) {
            way(traffic).fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }

    /// Notes that the exchange has been brought to its end.
    pub fn end(&self) {
        self.whole.store(true, Ordering::Relaxed);
    }

    /// The bytes so far.
    #[must_use]
    pub fn traffic(&self) -> &Traffic {
        &self.own
    }

    /// Whether it has been brought to its end.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole.load(Ordering::Relaxed)
    }
}
