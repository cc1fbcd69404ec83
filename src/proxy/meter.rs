//! What an exchange comes to, and what all of a session or of a server do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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

/// What one exchange comes to: the bytes that it brings each way, and whether it is brought to its end.
#[derive(Debug, Default)]
pub struct Sum {
    traffic: Traffic,
    whole: AtomicBool,
}

impl Sum {
    /// The bytes so far.
    #[must_use]
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// Whether it has been brought to its end.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole.load(Ordering::Relaxed)
    }
}

/// Counts an exchange's bytes wherever somebody wants to know, as they pass: it may last for days. Clones count the same.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    of_all: Arc<Traffic>,
    of_session: Option<Arc<Traffic>>,
    own: Option<Arc<Sum>>,
}

impl Meter {
    /// One whose bytes are counted in `of_all`, and in `own` where what the exchange itself comes to is wanted.
    #[must_use]
    pub fn new(of_all: Arc<Traffic>, own: Option<Arc<Sum>>) -> Self {
        Self { of_all, of_session: None, own }
    }

    /// Has what passes from now on counted for a session too.
    pub fn goes_to(&mut self, of_session: &Arc<Traffic>) {
        self.of_session = Some(Arc::clone(of_session));
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
        let own = self.own.as_ref().map(|own| &own.traffic);
        for traffic in [&*self.of_all].into_iter().chain(self.of_session.as_deref()).chain(own) {
            way(traffic).fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }

    /// Notes that the exchange has been brought to its end.
    pub fn end(&self) {
        if let Some(own) = &self.own {
            own.whole.store(true, Ordering::Relaxed);
        }
    }
}
