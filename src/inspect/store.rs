//! The newest exchanges, as many as there is room for, and who is told of them. Knows not where they come from.

mod records;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;

use super::exchange::{Exchange, Id};

pub(super) use records::{Part, Records};

/// How many changes a follower may be behind before it misses some.
const BEHIND: usize = 1024;

/// How many exchanges are taken from the store at a time while somebody looks through them.
const AT_A_TIME: usize = 64;

/// The newest exchanges of a client.
///
/// Its lock is held for steps that are bounded by a piece of what passes, whatever is done with what it gives: an
/// exchange is shared, and copied only where it goes on while somebody looks at it.
#[derive(Debug)]
pub struct Store {
    // Never across an await.
    records: Mutex<Records>,
    changes: broadcast::Sender<Change>,
}

/// What happened to an exchange, or to all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is there, and so is the head of its request.
    Began(Id),
    /// The head of its answer is there; or it is no longer understood.
    Answered(Id),
    /// There is a message more.
    Said(Id),
    /// It is over.
    Ended(Id),
    /// All were forgotten.
    Cleared,
}

/// What came of all exchanges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many there were.
    pub seen: u64,
    /// How many are kept.
    pub kept: usize,
    /// How many had to make room for others.
    pub evicted: u64,
    /// The bytes of requests' bodies.
    pub down: u64,
    /// The bytes of answers' bodies.
    pub up: u64,
    /// How many bytes may be kept.
    pub room: usize,
    /// How many are.
    pub used: usize,
}

impl Store {
    /// An empty one, with room for so many bytes.
    pub(super) fn new(room: usize) -> Self {
        let (changes, _) = broadcast::channel(BEHIND);
        Self { records: Mutex::new(Records::new(room)), changes }
    }

    pub(super) fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tell(&self, change: Change) {
        // Where nobody follows, nobody has to be told.
        let _ = self.changes.send(change);
    }

    /// The exchange of this number, as it is now. None where there was none or it is kept no more.
    #[must_use]
    pub fn get(&self, id: Id) -> Option<Arc<Exchange>> {
        self.records().get(id).cloned()
    }

    /// What `see` makes of exchanges, the newest first, until it has made so many; of those older than `before`, if
    /// that is given. It may take its time: nobody waits for it.
    pub fn newest<T>(&self, count: usize, before: Option<Id>, mut see: impl FnMut(&Exchange) -> Option<T>) -> Vec<T> {
        let mut found = Vec::new();
        let mut before = before.unwrap_or(Id::MAX);
        while found.len() < count {
            let some = self.records().newest(AT_A_TIME, before);
            let Some(last) = some.last() else { break };
            before = last.id;
            found.extend(some.iter().filter_map(|exchange| see(exchange)).take(count - found.len()));
        }
        found
    }

    /// Forgets all exchanges. Those under way are not seen to their end.
    pub fn clear(&self) {
        self.records().clear();
        self.tell(Change::Cleared);
    }

    /// What came of all exchanges.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.records().totals()
    }

    /// What happens from now on. Who is more than 1 024 changes behind is told how many it missed.
    #[must_use]
    pub fn follow(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }
}

#[cfg(test)]
mod tests;
