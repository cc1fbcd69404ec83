//! Which session holds which prefix, and which is to have it next. A prefix has at most one lease; a lease frees itself, and
//! only itself, by drop.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::session::Session;
use super::{Limits, Standing};
use crate::cluster::Claim;
use crate::wire::{Prefix, SessionId};

#[cfg(test)]
mod tests;

#[derive(Default)]
struct Maps {
    by_prefix: HashMap<Prefix, Arc<Session>>,
    /// Those that take a held prefix over with their first carrier. An `open` alone may come late, or twice, with no client
    /// behind it.
    heirs: HashMap<Prefix, Arc<Session>>,
    by_id: HashMap<SessionId, Arc<Session>>,
}

/// All sessions of a server.
#[derive(Clone, Default)]
pub(super) struct Registry(Arc<Mutex<Maps>>);

/// Why a prefix is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    InUse,
    TooMany,
    TooManyOfToken,
    /// What held it among several servers was given away in the meantime.
    Moved,
}

/// Holds a prefix for a session.
pub(super) struct Lease {
    registry: Registry,
    session: Arc<Session>,
    /// What holds it among several servers. Let go of once the registry is free of the session.
    claim: Option<Arc<Claim>>,
    /// The session's client is about to be back for it.
    is_missed: bool,
}

impl Registry {
    // Held for a look-up at a time, never across an await.
    fn maps(&self) -> MutexGuard<'_, Maps> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn by_prefix(&self, prefix: &str) -> Option<Arc<Session>> {
        self.maps().by_prefix.get(prefix).cloned()
    }

    /// Every session that there is now.
    pub(super) fn all(&self) -> Vec<Arc<Session>> {
        self.maps().by_id.values().cloned().collect()
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.maps().by_id.len()
    }

    /// The tunnels of now.
    pub(super) fn standing(&self) -> Vec<Standing> {
        let standing = |session: &Arc<Session>| Standing { prefix: session.prefix().clone(), hold: session.hold() };
        self.maps().by_prefix.values().map(standing).collect()
    }

    pub(super) fn by_id(&self, id: &SessionId) -> Option<Arc<Session>> {
        self.maps().by_id.get(id).cloned()
    }

    /// Gives a session its prefix, or has it wait as the heir of another that yields. An heir counts for nobody's limit, for
    /// it will take the place of one that does; a prefix has one heir at most.
    pub(super) fn lease(
        &self,
        session: Arc<Session>,
        claim: Option<Arc<Claim>>,
        limits: &Limits,
    ) -> Result<Lease, Refused> {
        let mut maps = self.maps();
        if claim.as_ref().is_some_and(|claim| !claim.stands()) {
            return Err(Refused::Moved);
        }
        let prefix = session.prefix().clone();
        let yields = |other: &Arc<Session>| other.yields_to(session.bearer(), session.attempt());
        match maps.by_prefix.get(&prefix) {
            Some(holder) if !yields(holder) || !maps.heirs.get(&prefix).is_none_or(yields) => {
                return Err(Refused::InUse);
            }
            Some(_) => {
                if let Some(heir) = maps.heirs.insert(prefix, Arc::clone(&session)) {
                    maps.evict(&heir);
                }
            }
            None => {
                maps.has_room(&session, limits)?;
                maps.by_prefix.insert(prefix, Arc::clone(&session));
            }
        }
        maps.by_id.insert(session.id().clone(), Arc::clone(&session));
        Ok(Lease { registry: self.clone(), session, claim, is_missed: false })
    }

    /// A carrier of the session has come: an heir takes its prefix over, where that is still to be had. Whether the session
    /// may go on.
    pub(super) fn claim(&self, session: &Arc<Session>) -> bool {
        let mut maps = self.maps();
        let prefix = session.prefix();
        if !maps.heirs.get(prefix).is_some_and(|heir| Arc::ptr_eq(heir, session)) {
            return true;
        }
        maps.heirs.remove(prefix);
        if maps.by_prefix.get(prefix).is_some_and(|holder| !holder.yields_to(session.bearer(), session.attempt())) {
            // Its client is back.
            maps.evict(session);
            return false;
        }
        if let Some(holder) = maps.by_prefix.insert(prefix.clone(), Arc::clone(session)) {
            maps.evict(&holder);
        }
        true
    }
}

impl Registry {
    /// Lets a session be found by its id alone: it holds no prefix, and is in nobody's way.
    pub(super) fn admit(&self, session: Arc<Session>, limits: &Limits) -> Result<Lease, Refused> {
        let mut maps = self.maps();
        maps.has_room(&session, limits)?;
        maps.by_id.insert(session.id().clone(), Arc::clone(&session));
        Ok(Lease { registry: self.clone(), session, claim: None, is_missed: false })
    }
}

impl Maps {
    fn has_room(&self, session: &Session, limits: &Limits) -> Result<(), Refused> {
        if self.by_id.len() - self.heirs.len() >= limits.sessions {
            return Err(Refused::TooMany);
        }
        // There are few enough sessions to count them whenever one is opened.
        let shares = |others: &&Arc<Session>| session.shares_a_quota_with(others);
        let others = self.by_id.values().filter(shares).count() - self.heirs.values().filter(shares).count();
        if others >= limits.sessions_per_token { Err(Refused::TooManyOfToken) } else { Ok(()) }
    }

    /// Ends a session in whose place another stands.
    fn evict(&mut self, session: &Session) {
        self.by_id.remove(session.id());
        session.evict();
    }
}

impl Lease {
    /// Returns where another server has the prefix now: never, where this one is alone.
    pub(super) async fn lost(&self) {
        match &self.claim {
            Some(claim) => claim.lost().await,
            None => pending().await,
        }
    }

    /// Frees the prefix of a session that its client is about to miss, and to open again: of several servers any may have it then, and
    /// visitors of each wait for that.
    pub(super) fn missed(mut self) {
        self.is_missed = true;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let (mut maps, session) = (self.registry.maps(), &self.session);
        let prefix = session.prefix();
        let is_ours = |other: &Arc<Session>| Arc::ptr_eq(other, session);
        if maps.heirs.get(prefix).is_some_and(is_ours) {
            maps.heirs.remove(prefix);
        }
        // The prefix may have gone to another session of the same token.
        if maps.by_prefix.get(prefix).is_some_and(is_ours) {
            if let Some(heir) = maps.heirs.remove(prefix) {
                maps.by_prefix.insert(prefix.clone(), heir);
            } else {
                // With the registry locked, or another session could be given what is given away.
                self.claim.iter().filter(|_| self.is_missed).for_each(|claim| claim.moving(Duration::ZERO));
                maps.by_prefix.remove(prefix);
            }
        }
        maps.by_id.remove(session.id());
    }
}
