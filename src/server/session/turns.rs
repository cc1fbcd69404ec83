//! When an exchange is begun of a session that has many under way while others have some: a prefix that everybody asks for
//! is in nobody else's way. Whatever is done for an exchange waits for what is done for all that have begun, so those of a
//! flood begin only as others of it are answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::task::yield_now;
use tokio::time::{Instant, timeout};

/// How many exchanges of a session may wait for their answers, beside other sessions, without another being held back.
const FEW: usize = 8;

/// What a turn of all that there is to do takes at least where the server is the bottleneck. Where it takes less nobody has
/// to wait.
const LONG: Duration = Duration::from_micros(250);

/// For how many long turns the next exchange is held back, and any of them at most: it may be the target that takes its
/// time with those before.
const MAX_TURNS: usize = 16;
const LONGEST: Duration = Duration::from_secs(1);

/// What the sessions of a server have in common.
#[derive(Default)]
pub(in crate::server) struct All {
    /// How many exchanges have begun and are not answered.
    asking: AtomicUsize,
    held_back: Notify,
}

/// What of a session has begun and is not answered.
pub(super) struct Turns {
    all: Arc<All>,
    own: AtomicUsize,
    begun: AtomicU64,
    places: Semaphore,
    /// Who is the next to begin without a place.
    door: Semaphore,
}

/// An exchange that waits for its answer, until it is dropped.
pub(super) struct Asking<'a> {
    turns: &'a Turns,
    _place: Option<SemaphorePermit<'a>>,
}

impl All {
    /// Returns once an exchange has been held back since this was called last. Cancelling it forgets nothing.
    pub(in crate::server) async fn held_back(&self) {
        self.held_back.notified().await;
    }
}

impl Turns {
    /// Those of one of these sessions.
    pub(super) fn new(all: Arc<All>) -> Self {
        Self {
            all,
            own: AtomicUsize::new(0),
            begun: AtomicU64::new(0),
            places: Semaphore::new(FEW),
            door: Semaphore::new(1),
        }
    }

    /// How many have begun so far.
    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Begins an exchange: at once where no other session has one under way, or this one few; else when one of its own is
    /// answered, or as soon as there is little to do, or after 16 turns for each that waits already, or after 1 s. Cancelling
    /// it begins nothing.
    pub(super) async fn begin(&self) -> Asking<'_> {
        let place = match self.places.try_acquire() {
            Ok(place) => Some(place),
            Err(_) if self.is_alone() => None,
            // Apart, for it would have its room in every exchange.
            Err(_) => Box::pin(timeout(LONGEST, self.hold_back())).await.ok().flatten(),
        };
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.own.fetch_add(1, Ordering::Relaxed);
        self.all.asking.fetch_add(1, Ordering::Relaxed);
        Asking { turns: self, _place: place }
    }

    fn is_alone(&self) -> bool {
        self.own.load(Ordering::Relaxed) == self.all.asking.load(Ordering::Relaxed)
    }

    async fn hold_back(&self) -> Option<SemaphorePermit<'_>> {
        self.all.held_back.notify_one();
        tokio::select! {
            biased;
            place = self.places.acquire() => place.ok(),
            () = self.overtake() => None,
        }
    }

    async fn overtake(&self) {
        let _next = self.door.acquire().await;
        for _ in 0..MAX_TURNS {
            let begin = Instant::now();
            // Until everything has had its turn that was to have one.
            yield_now().await;
            if self.is_alone() || begin.elapsed() < LONG {
                return;
            }
        }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.turns.own.fetch_sub(1, Ordering::Relaxed);
        self.turns.all.asking.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
