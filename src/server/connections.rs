//! How many connections there are, in all and of each address. Beyond the bound one that waits for a request makes room;
//! where none waits, the new one is refused.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::limits::network;
use super::waiting::Waiting;
use super::{Config, Limits};
use crate::proxy::Trusted;

/// How long a connection that makes room for another may take to end.
const ROOM_DEADLINE: Duration = Duration::from_millis(100);

/// All connections of a server.
pub(super) struct Connections {
    places: Arc<Semaphore>,
    most: usize,
    /// Of those that are nobody's proxy: one that is brings everybody's.
    of: Arc<Mutex<HashMap<IpAddr, usize>>>,
    most_of_one: usize,
    trusted: Trusted,
    waiting: Waiting,
}

/// A place for one connection, given back by drop.
pub(super) struct Place {
    _one_of_all: OwnedSemaphorePermit,
    _one_of_its_address: Option<Counted>,
}

/// One connection of an address.
struct Counted {
    of: Arc<Mutex<HashMap<IpAddr, usize>>>,
    address: IpAddr,
}

impl Connections {
    pub(super) fn new(config: &Config) -> Self {
        let Limits { connections, connections_per_address, .. } = config.limits;
        let most = connections.min(Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(most)),
            most,
            of: Arc::default(),
            most_of_one: connections_per_address,
            trusted: config.trusted.clone(),
            waiting: Waiting::default(),
        }
    }

    /// How many there are.
    pub(super) fn number(&self) -> usize {
        self.most - self.places.available_permits()
    }

    /// Those that wait for a request.
    pub(super) fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    /// A place for a connection from `address`, where there is one or one can be made. Cancelling it takes none.
    pub(super) async fn place(&self, address: IpAddr) -> Option<Place> {
        let counted = if self.trusted.contains(address.to_canonical()) { None } else { Some(self.count(address)?) };
        let place = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => place,
            Err(_) if self.waiting.shed() => {
                timeout(ROOM_DEADLINE, Arc::clone(&self.places).acquire_owned()).await.ok()?.ok()?
            }
            Err(_) => return None,
        };
        Some(Place { _one_of_all: place, _one_of_its_address: counted })
    }

    fn count(&self, address: IpAddr) -> Option<Counted> {
        let address = network(address);
        // Held for a count, never across an await.
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let count = of.entry(address).or_default();
        if *count >= self.most_of_one {
            return None;
        }
        *count += 1;
        Some(Counted { of: Arc::clone(&self.of), address })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = of.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                of.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(all: usize, of_one: usize) -> Connections {
        let mut config = Config::new(None, || 0);
        config.limits = Limits { connections: all, connections_per_address: of_one, ..Limits::default() };
        Connections::new(&config)
    }

    async fn place(connections: &Connections, address: &str) -> Option<Place> {
        connections.place(address.parse().expect("an address")).await
    }

    #[tokio::test]
    async fn an_address_has_its_share_and_proxies_have_everybodys() {
        let connections = connections(100, 2);
        let mut places = Vec::new();
        for (address, has) in [
            ("203.0.113.9", true),
            ("::ffff:203.0.113.9", true),
            ("203.0.113.9", false),
            ("203.0.113.8", true),
            ("2001:db8::1", true),
            ("2001:db8::2", true),
            ("2001:db8::3", false),
            ("127.0.0.1", true),
            ("::ffff:127.0.0.1", true),
            ("127.0.0.1", true),
        ] {
            let place = place(&connections, address).await;
            assert_eq!(place.is_some(), has, "{address}");
            places.extend(place);
        }
        places.clear();
        assert!(connections.of.lock().unwrap().is_empty(), "nobody is counted who is not there");
        assert!(place(&connections, "203.0.113.9").await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_waits_makes_room_and_one_that_works_does_not() {
        let connections = connections(2, 2);
        let (idle, _busy) = (place(&connections, "127.0.0.1").await, place(&connections, "127.0.0.1").await);
        assert!(place(&connections, "127.0.0.1").await.is_none(), "both are at work");
        let waits = async {
            connections.waiting().told_to_end().await;
            drop(idle);
        };
        let ((), new) = tokio::join!(waits, place(&connections, "127.0.0.1"));
        assert!(new.is_some());
        let lingers = connections.waiting().told_to_end();
        let ((), new) = tokio::join!(lingers, place(&connections, "127.0.0.1"));
        assert!(new.is_none(), "it was told to end, and is still there");
    }
}
