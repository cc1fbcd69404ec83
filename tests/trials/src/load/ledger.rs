//! What the target has seen: how often each exchange, and whether its bytes were right.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Exchange;

/// Complaints that are kept word by word; more would say the same.
const MAX_COMPLAINTS: usize = 20;

/// The target's own books.
#[derive(Default)]
pub struct Ledger {
    // Held for an entry or a copy, never across an await.
    receipts: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    /// Deliveries by id: a byte each, so that a million of them is a megabyte.
    delivered: Vec<u8>,
    receipts: Receipts,
}

/// What the target has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipts {
    /// Exchanges that reached it at least once.
    pub delivered: u64,
    /// Exchanges that reached it more than once.
    pub twice: u64,
    /// Those of them by a safe method, which anybody may send again that got no answer. (RFC 9110, section 9.2.2)
    pub twice_safe: u64,
    /// Requests whose bytes were others, or that ended early as if they were whole.
    pub wrong: u64,
    /// Requests that were seen to be cut.
    pub cut: u64,
    /// What was wrong, the first 20.
    pub complaints: Vec<String>,
}

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, Books> {
        self.receipts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn delivered(&self, exchange: &Exchange) {
        let mut books = self.lock();
        let Ok(at) = usize::try_from(exchange.id) else { return };
        if books.delivered.len() <= at {
            books.delivered.resize(at + 1, 0);
        }
        books.delivered[at] = books.delivered[at].saturating_add(1);
        match books.delivered[at] {
            1 => books.receipts.delivered += 1,
            2 => {
                books.receipts.twice += 1;
                books.receipts.twice_safe += u64::from(exchange.manner.is_safe());
            }
            _ => {}
        }
    }

    pub(super) fn cut(&self) {
        self.lock().receipts.cut += 1;
    }

    pub(super) fn wrong(&self, id: u64, complaint: &str) {
        let mut books = self.lock();
        books.receipts.wrong += 1;
        if books.receipts.complaints.len() < MAX_COMPLAINTS {
            books.receipts.complaints.push(format!("exchange {id}: the target got {complaint}"));
        }
    }

    /// What was seen so far.
    #[must_use]
    pub fn receipts(&self) -> Receipts {
        self.lock().receipts.clone()
    }
}
