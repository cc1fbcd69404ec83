//! Where a connection's bytes are shown as they pass. Takes copies of what it keeps, and never waits but for a step of
//! whoever else is at the store.

mod answers;
mod connection;
mod direction;
mod reading;
mod requests;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Inspector;
use super::exchange::{Id, Side};
use connection::{Connection, Desk};

/// One connection to the target, as its bytes pass. Dropping it says that what has not ended was cut.
#[derive(Debug)]
pub struct Tap {
    inspector: Inspector,
    // Never across an await; the store's own is only ever taken within it.
    connection: Mutex<Connection>,
}

impl Tap {
    pub(super) fn new(inspector: Inspector, held: Duration, replay_of: Option<Id>) -> Self {
        Self { inspector, connection: Mutex::new(Connection::new(held, replay_of)) }
    }

    /// Bytes of the visitor's, on their way to the target.
    pub fn down(&self, bytes: &[u8]) {
        self.connection().read(&mut self.desk(), Side::Visitor, bytes);
    }

    /// Bytes of the target's.
    pub fn up(&self, bytes: &[u8]) {
        self.connection().read(&mut self.desk(), Side::Target, bytes);
    }

    /// That side has said all it had to say.
    pub fn ended(&self, side: Side) {
        self.connection().ended(&mut self.desk(), side);
    }

    /// The target has cut the connection.
    pub fn deserted(&self) {
        self.connection().deserted = true;
    }

    /// Whether nothing more is to be seen: all that began is over, or what comes is not looked at.
    pub(super) fn is_over(&self) -> bool {
        self.connection().is_over()
    }

    /// Nobody waits for more, for this reason.
    pub(super) fn give_up(&self, why: &'static str) {
        self.connection().given_up = Some(why);
    }

    /// Cuts what is not over, and gives the number of the newest exchange.
    pub(super) fn finish(self) -> Option<Id> {
        self.connection().cut(&mut self.desk());
        self.connection().newest
    }

    /// The target could not be reached, which is why all there is to see are the first bytes of the visitor's.
    pub(super) fn unreachable(self, cause: &str, seen: &[u8]) {
        self.down(seen);
        self.connection().unreachable(&mut self.desk(), cause);
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn desk(&self) -> Desk<'_> {
        let Inspector { inner, tunnel } = &self.inspector;
        Desk {
            store: &inner.store,
            records: inner.store.records(),
            settings: inner.settings,
            tunnel,
            now: Instant::now(),
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.connection().cut(&mut self.desk());
    }
}

#[cfg(test)]
mod tests;
