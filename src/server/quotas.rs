//! What many share: a token's sessions, or all of a subject's tokens, or the visitors of an address.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Semaphore;

use crate::auth::Bearer;

/// Whom a quota is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Who {
    /// Whom tokens name.
    Subject(String),
    /// Who holds a token that names nobody.
    Token([u8; 32]),
}

impl Who {
    pub(super) fn of(bearer: &Bearer) -> Self {
        bearer.subject.clone().map_or(Self::Token(bearer.digest), Self::Subject)
    }
}

/// The places for exchanges of everybody who has some.
pub(super) struct Quotas<Who>(Mutex<HashMap<Who, Weak<Semaphore>>>);

// Not derived: that would ask for a `Who` that has a default.
impl<Who> Default for Quotas<Who> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<Who: Eq + Hash> Quotas<Who> {
    /// The places that all of `who` have together, `number` of them. They are there for as long as somebody keeps them, or
    /// has one of them.
    pub(super) fn places(&self, who: Who, number: usize) -> Arc<Semaphore> {
        // Held for a look, never across an await.
        let mut quotas = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = quotas.get(&who).and_then(Weak::upgrade) {
            return places;
        }
        quotas.retain(|_, places| places.strong_count() > 0);
        let places = Arc::new(Semaphore::new(number.min(Semaphore::MAX_PERMITS)));
        quotas.insert(who, Arc::downgrade(&places));
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_shared_by_who_holds_them_and_forgotten_after() {
        let quotas = Quotas::default();
        let (me, you) = (Who::Subject("me".to_owned()), Who::Token([1; 32]));
        let (mine, yours) = (quotas.places(me.clone(), 2), quotas.places(you, 3));
        assert!(Arc::ptr_eq(&mine, &quotas.places(me.clone(), 2)));
        assert_eq!((mine.available_permits(), yours.available_permits()), (2, 3));
        // An exchange that outlives its session is still one of mine.
        let exchange = mine.try_acquire_owned().unwrap();
        assert_eq!(quotas.places(me.clone(), 2).available_permits(), 1);
        drop((exchange, yours));
        assert_eq!(quotas.places(me, 2).available_permits(), 2);
        assert_eq!(quotas.0.lock().unwrap().len(), 1);
    }
}
