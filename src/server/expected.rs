//! Tunnels whose clients are on their way: they stood when the server before this one stopped. Who comes for one meanwhile
//! waits. Knows no session.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::quotas::{Listens, Quota};
use super::session::MOMENT;
use super::v2::Waits;
use crate::metrics::Metrics;
use crate::proxy::Fault;
use crate::wire::Prefix;

/// How long clients are expected for. All are back within that, however many there are.
const RETURN: Duration = Duration::from_secs(15);

/// A tunnel that stands, as a server knows of it that takes the place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its prefix.
    pub prefix: Prefix,
    /// How long its visitors wait for its client.
    pub hold: Duration,
}

/// All that are expected.
#[derive(Default)]
pub(super) struct Expected(Mutex<HashMap<Prefix, Arc<Awaited>>>);

/// One of them.
pub(super) struct Awaited {
    hold: Duration,
    /// When nobody expects it any more.
    until: Instant,
    /// For visitors who wait.
    held: Arc<Quota>,
    waits: Waits,
    back: CancellationToken,
}

impl Expected {
    // Held for a look-up, never across an await.
    fn map(&self) -> MutexGuard<'_, HashMap<Prefix, Arc<Awaited>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Expects a tunnel from now on, for which so many visitors may wait.
    pub(super) fn expect(&self, standing: Standing, held: usize, metrics: &Arc<Metrics>) {
        let awaited = Awaited {
            hold: standing.hold,
            until: Instant::now() + RETURN,
            held: Quota::new(held),
            waits: Waits::new(Arc::clone(metrics)),
            back: CancellationToken::new(),
        };
        self.map().insert(standing.prefix, Arc::new(awaited));
    }

    /// The tunnel that is expected there.
    pub(super) fn at(&self, prefix: &str) -> Option<Arc<Awaited>> {
        let mut map = self.map();
        let awaited = map.get(prefix)?;
        if Instant::now() < awaited.until {
            return Some(Arc::clone(awaited));
        }
        map.remove(prefix);
        None
    }

    /// It stands.
    pub(super) fn is_back(&self, prefix: &Prefix) {
        if let Some(awaited) = self.map().remove(prefix) {
            awaited.back.cancel();
        }
    }
}

impl Awaited {
    /// Waits until it stands, for as long as its visitors wait for it and it is expected.
    ///
    /// # Errors
    /// Where it does not by then, too many wait already, or others are to wait in the visitor's place.
    pub(super) async fn back(&self, visitor: &impl Listens) -> Result<(), Fault> {
        let (begin, wait) = (Instant::now(), self.waits.begin());
        let deadline = self.until.min(begin + self.hold);
        // Who waits for a moment takes no place from those who are held: all that came while no server was there come at once.
        let moment = timeout_at(deadline.min(begin + MOMENT), self.back.cancelled());
        if moment.await.is_err() {
            let back = Box::pin(timeout_at(deadline, self.back.cancelled()));
            let back = self.held.during(visitor, back).await.ok_or(Fault::Limit)?;
            back.map_err(|_| Fault::ClientOffline)?;
        }
        wait.end();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    /// A visitor who has not said all.
    struct Speaks;

    impl Listens for Speaks {
        async fn only_listens(&self) {
            pending::<()>().await;
        }
    }

    fn expected(hold: u64, places: usize) -> Expected {
        let (expected, prefix) = (Expected::default(), "my-app".parse().unwrap());
        expected.expect(Standing { prefix, hold: Duration::from_secs(hold) }, places, &Arc::default());
        expected
    }

    async fn comes(awaited: Arc<Awaited>) -> (Result<(), Fault>, Duration) {
        let begin = Instant::now();
        (awaited.back(&Speaks).await, begin.elapsed())
    }

    /// When a visitor comes, and the client does, in seconds, and how long the visitor then has waited for what.
    async fn check(hold: u64, visitor: u64, client: u64, outcome: Result<(), Fault>, waited: u64) {
        let (expected, begin) = (expected(hold, 1), Instant::now());
        let back = async {
            tokio::time::sleep_until(begin + Duration::from_secs(client)).await;
            expected.is_back(&"my-app".parse().unwrap());
        };
        let visit = async {
            tokio::time::sleep_until(begin + Duration::from_secs(visitor)).await;
            comes(expected.at("my-app").expect("it is expected")).await
        };
        let ((), seen) = tokio::join!(back, visit);
        assert_eq!(seen, (outcome, Duration::from_secs(waited)), "{hold} {visitor} {client}");
        assert!(expected.at("my-app").is_none(), "it stands, or nobody expects it any more");
    }

    #[tokio::test(start_paused = true)]
    async fn a_visitor_waits_until_the_tunnel_stands_for_as_long_as_it_is_held() {
        check(10, 0, 2, Ok(()), 2).await;
        check(10, 1, 11, Ok(()), 10).await;
        check(10, 0, 16, Err(Fault::ClientOffline), 10).await;
        check(60, 10, 16, Err(Fault::ClientOffline), 5).await;
        check(0, 0, 16, Err(Fault::ClientOffline), 0).await;
    }

    #[tokio::test(start_paused = true)]
    async fn as_many_wait_as_may_and_a_moment_counts_for_nothing() {
        let expected = expected(10, 2);
        let awaited = || comes(expected.at("my-app").expect("it is expected"));
        let (one, two, three) = tokio::join!(awaited(), awaited(), awaited());
        let mut outcomes = [one, two, three];
        outcomes.sort_by_key(|(_, waited)| *waited);
        let in_vain = (Err(Fault::ClientOffline), Duration::from_secs(10));
        assert_eq!(outcomes, [(Err(Fault::Limit), MOMENT), in_vain, in_vain]);
        assert!(expected.at("other").is_none());
    }
}
