//! What many share: a token's sessions, or all of a subject's tokens, or the visitors of an address, or of a session, or all.

mod listeners;

use std::collections::HashMap;
use std::fmt;
use std::future::pending;
use std::hash::Hash;
use std::iter::once;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::select_all;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::auth::Bearer;
use listeners::Listeners;

/// The part of all places, one in so many, that visitors who only listen keep where others wait; one of them always does.
const LISTEN: usize = 4;

/// How long a visitor who makes room may take to go.
pub(super) const ROOM_DEADLINE: Duration = Duration::from_millis(100);

/// A visitor, who may come to say no more, and only listen for an answer.
pub(super) trait Listens: Sync {
    /// Returns once it does.
    fn only_listens(&self) -> impl Future<Output = ()> + Send;
}

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

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subject(name) => write!(f, "sub:{name}"),
            Self::Token(digest) => {
                f.write_str("sha256:")?;
                digest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}

/// Places for exchanges.
pub(super) struct Quota {
    places: Semaphore,
    number: usize,
    listeners: Listeners,
}

/// A place, until it is dropped.
pub(super) struct Taken(Arc<Quota>);

impl Quota {
    /// So many.
    pub(super) fn new(number: usize) -> Arc<Self> {
        let number = number.min(Semaphore::MAX_PERMITS);
        Arc::new(Self { places: Semaphore::new(number), number, listeners: Listeners::new((number / LISTEN).max(1)) })
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.number - self.places.available_permits()
    }

    /// A place, where one is free.
    pub(super) fn try_take(self: &Arc<Self>) -> Option<Taken> {
        self.places.try_acquire().ok()?.forget();
        Some(Taken(Arc::clone(self)))
    }

    /// A place, once one is free. Where it has to wait it displaces one who only listens, if these are more than few.
    /// Bounded by nothing, so the caller sets the deadline.
    pub(super) async fn take(self: &Arc<Self>) -> Taken {
        let mut free = pin!(self.places.acquire());
        let place = tokio::select! {
            biased;
            place = free.as_mut() => place,
            () = self.listeners.displace() => free.await,
        };
        place.expect("nobody closes it").forget();
        Taken(Arc::clone(self))
    }

    /// A place, where one is free, or one who only listens makes room at once.
    pub(super) async fn take_now(self: &Arc<Self>) -> Option<Taken> {
        if let Some(taken) = self.try_take() {
            return Some(taken);
        }
        self.listeners.displace().now_or_never()?;
        timeout(ROOM_DEADLINE, self.places.acquire()).await.ok()?.ok()?.forget();
        Some(Taken(Arc::clone(self)))
    }

    /// What comes of `wait`, for as long as which a place is taken. None where there is no place, or the visitor is to leave
    /// it to somebody else.
    pub(super) async fn during<T>(
        self: &Arc<Self>,
        visitor: &impl Listens,
        wait: impl Future<Output = T> + Unpin,
    ) -> Option<T> {
        let taken = self.take_now().await?;
        unless_told_to_go(visitor, || once(&taken), wait).await
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.places.add_permits(1);
    }
}

/// What comes of `wait`. None where the visitor, who has these places meanwhile, only listens, and is to leave them to
/// somebody else.
pub(super) async fn unless_told_to_go<'a, T, Places: Iterator<Item = &'a Taken>>(
    visitor: &impl Listens,
    places: impl FnOnce() -> Places,
    // Pinned, for else it would have its room twice.
    wait: impl Future<Output = T> + Unpin,
) -> Option<T> {
    let told_to_go = async {
        visitor.only_listens().await;
        // Apart, for it would have its room in every exchange.
        Box::pin(told_to_go(places())).await;
    };
    tokio::select! {
        biased;
        done = wait => Some(done),
        () = told_to_go => None,
    }
}

async fn told_to_go(places: impl Iterator<Item = &Taken>) {
    let told: Vec<_> = places.map(|Taken(quota)| Box::pin(quota.listeners.told_to_go())).collect();
    // Of no places there is none to ask of.
    if told.is_empty() {
        pending::<()>().await;
    }
    select_all(told).await;
}

/// The places for exchanges of everybody who has some.
pub(super) struct Quotas<Who>(Mutex<HashMap<Who, Weak<Quota>>>);

// Not derived: that would ask for a `Who` that has a default.
impl<Who> Default for Quotas<Who> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<Who: Eq + Hash> Quotas<Who> {
    /// The places that all of `who` have together, `number` of them. They are there for as long as somebody keeps them, or
    /// has one of them.
    pub(super) fn of(&self, who: Who, number: usize) -> Arc<Quota> {
        // Held for a look, never across an await.
        let mut quotas = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(quota) = quotas.get(&who).and_then(Weak::upgrade) {
            return quota;
        }
        quotas.retain(|_, quota| quota.strong_count() > 0);
        let quota = Quota::new(number);
        quotas.insert(who, Arc::downgrade(&quota));
        quota
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_shared_by_who_holds_them_and_forgotten_after() {
        let quotas = Quotas::default();
        let (me, you) = (Who::Subject("me".to_owned()), Who::Token([1; 32]));
        let (mine, yours) = (quotas.of(me.clone(), 2), quotas.of(you, 3));
        let free = |quota: &Quota| quota.places.available_permits();
        assert!(Arc::ptr_eq(&mine, &quotas.of(me.clone(), 2)));
        assert_eq!((free(&mine), free(&yours)), (2, 3));
        // An exchange that outlives its session is still one of mine.
        let exchange = mine.try_take().unwrap();
        assert_eq!(free(&quotas.of(me.clone(), 2)), 1);
        drop((exchange, mine, yours));
        assert_eq!(free(&quotas.of(me, 2)), 2);
        assert_eq!(quotas.0.lock().unwrap().len(), 1);
    }
}
