//! What passes through a client, kept for whoever develops behind it: a passive reader of the bytes of each connection,
//! a bounded record of exchanges, and the page that shows them. Knows not how exchanges are carried.
//!
//! It reads copies, on the side: it can neither change what passes nor have it wait, and gives up on what it does not
//! understand.

pub mod api;
pub mod export;
pub mod webhook;

mod address;
mod exchange;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod heard;
mod http1;
mod page;
mod replay;
mod request;
mod show;
mod sse;
mod store;
mod tap;
mod websocket;

use std::sync::Arc;
use std::time::Duration;

pub use address::{Address, InvalidSite, Site};
pub use exchange::{Body, Exchange, Id, Kind, Message, Said, Side, State, Timing, millis};
pub use replay::{Replay, replay};
pub use request::Request;
pub use store::{Change, Store, Totals};
pub use tap::Tap;

/// The most of all that is kept, unless something else is said.
const ROOM: usize = 64 * 1024 * 1024;

/// The most of a body that is kept, unless something else is said.
const BODY: usize = 1024 * 1024;

/// What part of the room a body may take.
const BODY_SHARE: usize = 8;

/// How much is kept, and by which clock.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How many bytes are kept of all exchanges together, heads, messages and 1 KiB for each exchange included.
    pub room: usize,
    /// How many bytes are kept of a body; an eighth of `room` at most.
    pub body: usize,
    /// The time since 1970.
    pub now: fn() -> Duration,
}

impl Settings {
    /// 64 MiB, and 1 MiB of each body.
    #[must_use]
    pub fn new(now: fn() -> Duration) -> Self {
        Self { room: ROOM, body: BODY, now }
    }
}

/// Sees what passes through a client. Its copies are one and the same.
#[derive(Clone, Debug)]
pub struct Inspector {
    inner: Arc<Inner>,
    tunnel: Option<Arc<str>>,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    store: Store,
}

impl Inspector {
    /// One that has seen nothing yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let settings = Settings { body: settings.body.min(settings.room / BODY_SHARE), ..settings };
        let inner = Arc::new(Inner { settings, store: Store::new(settings.room) });
        Self { inner, tunnel: None }
    }

    /// The same, for what comes by one of several tunnels.
    #[must_use]
    pub fn of_tunnel(&self, name: Option<Arc<str>>) -> Self {
        Self { tunnel: name, inner: Arc::clone(&self.inner) }
    }

    /// What a connection to the target is shown to, for which its visitor waited so long: for a client that was gone, and for
    /// the target beyond the first try.
    #[must_use]
    pub fn connection(&self, held: Duration) -> Tap {
        Tap::new(self.clone(), held, None)
    }

    /// Takes note of a connection that could not be made, why, and what its visitor had said until then.
    pub fn unreachable(&self, held: Duration, cause: &str, seen: &[u8]) {
        self.connection(held).unreachable(cause, seen);
    }

    /// The link to the server is lost.
    pub fn link_lost(&self) {
        self.store().records().link_lost(self.tunnel.as_deref());
    }

    /// It is back: what was under way when it was lost has been resumed.
    pub fn link_back(&self) {
        self.store().records().link_back(self.tunnel.as_deref());
    }

    /// The exchanges.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.inner.store
    }
}
