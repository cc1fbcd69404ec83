//! What an exchange comes to.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The bytes that an exchange brings each way, of bodies and of what follows an upgrade, and whether it is brought to
/// its end.
#[derive(Debug, Default)]
pub struct Meter {
    up: AtomicU64,
    down: AtomicU64,
    whole: AtomicBool,
}

impl Meter {
    /// Counts bytes of the visitor's.
    pub fn add_up(&self, bytes: usize) {
        self.up.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Counts bytes of the target's.
    pub fn add_down(&self, bytes: usize) {
        self.down.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Notes that the exchange has been brought to its end.
    pub fn end(&self) {
        self.whole.store(true, Ordering::Relaxed);
    }

    /// The bytes of the visitor's so far.
    #[must_use]
    pub fn up(&self) -> u64 {
        self.up.load(Ordering::Relaxed)
    }

    /// The bytes of the target's so far.
    #[must_use]
    pub fn down(&self) -> u64 {
        self.down.load(Ordering::Relaxed)
    }

    /// Whether it has been brought to its end.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole.load(Ordering::Relaxed)
    }
}
