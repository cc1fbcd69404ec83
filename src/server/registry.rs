//! Which session holds which prefix. A prefix has at most one lease; a lease frees itself, and only itself, by drop.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::session::Session;
use crate::wire::{Prefix, SessionId};

#[derive(Default)]
struct Maps {
    by_prefix: HashMap<Prefix, Arc<Session>>,
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
}

/// Holds a prefix for a session.
pub(super) struct Lease {
    registry: Registry,
    session: Arc<Session>,
}

impl Registry {
    // Held for a look-up at a time, never across an await.
    fn maps(&self) -> MutexGuard<'_, Maps> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn by_prefix(&self, prefix: &str) -> Option<Arc<Session>> {
        self.maps().by_prefix.get(prefix).cloned()
    }

    pub(super) fn by_id(&self, id: &SessionId) -> Option<Arc<Session>> {
        self.maps().by_id.get(id).cloned()
    }

    pub(super) fn lease(&self, session: Arc<Session>, max: usize) -> Result<Lease, Refused> {
        let mut maps = self.maps();
        if let Some(holder) = maps.by_prefix.get(session.prefix().as_str()) {
            if !holder.yields_to(session.owner()) {
                return Err(Refused::InUse);
            }
            let holder = Arc::clone(holder);
            maps.by_id.remove(holder.id());
            holder.evict();
        }
        if maps.by_id.len() >= max {
            return Err(Refused::TooMany);
        }
        maps.by_prefix.insert(session.prefix().clone(), Arc::clone(&session));
        maps.by_id.insert(session.id().clone(), Arc::clone(&session));
        Ok(Lease { registry: self.clone(), session })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut maps = self.registry.maps();
        let prefix = self.session.prefix().as_str();
        // The prefix may have gone to another session of the same token.
        if maps.by_prefix.get(prefix).is_some_and(|holder| Arc::ptr_eq(holder, &self.session)) {
            maps.by_prefix.remove(prefix);
        }
        maps.by_id.remove(self.session.id());
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::mux::Upkeep;
    use crate::pipe::{v1, v2};
    use crate::server::session::{Link, Opening};
    use crate::server::v1::Pairs;
    use crate::server::v2::Attendance;
    use crate::wire::v2::Secret;

    fn opening(prefix: &str, owner: Option<u8>) -> Opening {
        let owner = owner.map(|owner| [owner; 32]);
        Opening { prefix: prefix.parse().unwrap(), subject: None, expiry: None, owner }
    }

    fn session(prefix: &str) -> Arc<Session> {
        let (tasks, (pipe, swapper)) = (TaskTracker::new(), v1::pipe());
        let link = Link::V1(Pairs::new(swapper, tasks.clone()));
        Arc::clone(
            Session::start(opening(prefix, Some(0)), pipe, link, Upkeep::default(), &tasks, CancellationToken::new())
                .session(),
        )
    }

    fn lasting(prefix: &str, owner: Option<u8>) -> Arc<Session> {
        let (pipe, carriers) = v2::pipe();
        let attendance = Attendance::new(Secret::from_random([0; 32]), carriers, std::time::Duration::from_secs(60));
        let (link, closing) = (Link::V2(Arc::new(attendance)), CancellationToken::new());
        Arc::clone(
            Session::start(opening(prefix, owner), pipe, link, Upkeep::default(), &TaskTracker::new(), closing)
                .session(),
        )
    }

    #[track_caller]
    fn check(registry: &Registry, holders: &[&Arc<Session>]) {
        for holder in holders {
            let held = registry.by_prefix(holder.prefix().as_str()).map(|session| session.id().clone());
            assert_eq!(held.as_ref(), Some(holder.id()));
            assert!(registry.by_id(holder.id()).is_some());
        }
        let maps = registry.maps();
        assert_eq!((maps.by_prefix.len(), maps.by_id.len()), (holders.len(), holders.len()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_prefix_has_one_lease_and_it_frees_itself_alone() {
        let (registry, first, second, other) = (Registry::default(), session("foo"), session("foo"), session("bar"));
        let lease = registry.lease(Arc::clone(&first), 2).ok().unwrap();
        let kept = registry.lease(Arc::clone(&other), 2).ok().unwrap();
        assert_eq!(registry.lease(Arc::clone(&second), 2).err(), Some(Refused::InUse));
        assert_eq!(registry.lease(session("baz"), 2).err(), Some(Refused::TooMany));
        check(&registry, &[&first, &other]);
        drop(lease);
        check(&registry, &[&other]);
        let lease = registry.lease(Arc::clone(&second), 2).ok().unwrap();
        check(&registry, &[&second, &other]);
        drop((lease, kept));
        check(&registry, &[]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_prefix_goes_at_once_to_another_client_with_the_same_token() {
        let (registry, old, new) = (Registry::default(), lasting("foo", Some(1)), lasting("foo", Some(1)));
        let old_lease = registry.lease(Arc::clone(&old), 1).ok().unwrap();
        assert_eq!(registry.lease(lasting("foo", Some(2)), 9).err(), Some(Refused::InUse), "another's token");
        assert_eq!(registry.lease(lasting("foo", None), 9).err(), Some(Refused::InUse), "no token");
        let lease = registry.lease(Arc::clone(&new), 1).ok().unwrap();
        check(&registry, &[&new]);
        drop(old_lease);
        check(&registry, &[&new]);
        drop(lease);
        check(&registry, &[]);
    }
}
