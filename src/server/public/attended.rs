//! The session that a visitor's exchange goes to: found by its prefix, with a place for the exchange, once its client is there.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use tokio::time::{Instant, timeout_at};

use super::super::Server;
use super::super::access_log::Entry;
use super::super::expected::Awaited;
use super::super::gate::Owed;
use super::super::quotas::unless_told_to_go;
use super::super::session::{Place, Presence, Session};
use crate::proxy::{Fault, Visitor};

/// The session that holds the prefix, with a place for one exchange, once its client is there: the one of now, or the one
/// that takes its place. Waits for as long as that session allows.
pub(super) async fn attended(server: &Server, found: Found, caller: &Caller<'_>) -> Result<Attended, Fault> {
    let mut session = match found {
        Found::Session(session) => session,
        Found::Awaited(awaited) => {
            awaited.back(caller.owed).await?;
            caller.finds(server)?
        }
    };
    let begin = Instant::now();
    let mut waited = None;
    loop {
        let place = session.place(caller.headers, caller.visitor, caller.owed).await?;
        // Before anything of the request is on its way: a visitor who is told that nobody is there can safely try again.
        let asked = Instant::now();
        let found = {
            let found = pin!(timeout_at(session.patience(begin), session.attended(caller.owed)));
            unless_told_to_go(caller.owed, || place.taken(), found).await.ok_or(Fault::Limit)?
        };
        let found = found.map_err(|_| Fault::ClientOffline)??;
        if found != Presence::There {
            *waited.get_or_insert(Duration::ZERO) += asked.elapsed();
        }
        if found != Presence::Over {
            return Ok(Attended { session, place, waited });
        }
        // Its lease is freed in the same breath as it ends.
        tokio::task::yield_now().await;
        session = caller.finds(server)?;
    }
}

/// A session whose client is there.
pub(super) struct Attended {
    pub(super) session: Arc<Session>,
    pub(super) place: Place,
    /// How long that took, where it was gone.
    pub(super) waited: Option<Duration>,
}

/// What holds a prefix.
pub(super) enum Found {
    Session(Arc<Session>),
    /// A session will, whose client is on its way.
    Awaited(Arc<Awaited>),
}

impl Found {
    /// A session with a place that nobody has to wait for.
    pub(super) fn free(&self, caller: &Caller<'_>) -> Option<Attended> {
        let Self::Session(session) = self else { return None };
        let place = session.free_place(caller.headers, caller.visitor)?;
        Some(Attended { session: Arc::clone(session), place, waited: None })
    }
}

/// What is known of who calls.
pub(super) struct Caller<'a> {
    pub(super) prefix: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) visitor: &'a Visitor,
    pub(super) entry: &'a Entry,
    pub(super) owed: &'a Option<Owed>,
}

impl Caller<'_> {
    /// The session that lets it in, or may do so once it is there.
    pub(super) fn looks_for(&self, server: &Server) -> Result<Found, Fault> {
        match self.finds(server) {
            Err(Fault::UnknownPrefix) => {
                let awaited = server.0.expected.at(self.prefix);
                awaited.map(Found::Awaited).ok_or(Fault::UnknownPrefix)
            }
            found => found.map(Found::Session),
        }
    }

    /// The session that lets it in.
    fn finds(&self, server: &Server) -> Result<Arc<Session>, Fault> {
        let session = server.0.registry.by_prefix(self.prefix).filter(|session| !session.is_leaving());
        let session = session.ok_or(Fault::UnknownPrefix)?;
        self.entry.goes_to(&session);
        session.admit(self.headers, self.visitor)?;
        Ok(session)
    }
}
