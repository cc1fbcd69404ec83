//! Places for a session's exchanges: of the session, of the token that opened it, and of each address that visitors come
//! from.

use std::iter::once;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::super::Limits;
use super::super::limits::network;
use super::super::quotas::{Quota, Quotas, Taken};
use crate::proxy::Fault;

/// How long a visitor waits for another exchange to end where there are as many as may be.
pub(super) const STREAM_DEADLINE: Duration = Duration::from_secs(10);

/// All places of a session.
pub(super) struct Places {
    own: Arc<Quota>,
    /// For visitors that wait for a place, or for the client.
    held: Semaphore,
    most_held: usize,
    of_token: Option<Arc<Quota>>,
    of_addresses: Quotas<IpAddr>,
    most_of_address: usize,
}

/// A place for one exchange, until it is dropped.
pub(in crate::server) struct Place {
    own: Taken,
    of_address: Option<Taken>,
    of_token: Option<Taken>,
}

impl Place {
    /// All that it is made of.
    pub(in crate::server) fn taken(&self) -> impl Iterator<Item = &Taken> {
        once(&self.own).chain(&self.of_address).chain(&self.of_token)
    }
}

impl Places {
    /// As many as `limits` give. What visitors of one address cannot all have is half of them.
    pub(super) fn new(limits: &Limits, of_token: Option<Arc<Quota>>) -> Self {
        let most_held = limits.held_per_session.min(Semaphore::MAX_PERMITS);
        Self {
            own: Quota::new(limits.exchanges_per_session),
            held: Semaphore::new(most_held),
            most_held,
            of_token,
            of_addresses: Quotas::default(),
            most_of_address: limits.exchanges_per_session.div_ceil(2),
        }
    }

    /// A place for an exchange with a visitor from `address`, where that is one visitor's. Waits for it where all are
    /// taken, or all that the address may have, for 10 s at most, but not where all are that the token, or its subject,
    /// may have.
    pub(super) async fn place(&self, address: Option<IpAddr>) -> Result<Place, Fault> {
        let of_token = match &self.of_token {
            Some(quota) => Some(quota.take_now().await.ok_or(Fault::Limit)?),
            None => None,
        };
        let share = address.map(|address| self.of_addresses.of(network(address), self.most_of_address));
        let (own, of_address) = if let Some(free) = self.free(share.as_ref()) {
            free
        } else {
            let _held = self.hold()?;
            timeout(STREAM_DEADLINE, self.take(share.as_ref())).await.map_err(|_| Fault::Limit)?
        };
        Ok(Place { own, of_address, of_token })
    }

    fn free(&self, share: Option<&Arc<Quota>>) -> Option<(Taken, Option<Taken>)> {
        let of_address = match share {
            Some(share) => Some(share.try_take()?),
            None => None,
        };
        Some((self.own.try_take()?, of_address))
    }

    /// That of the address first: whoever waits for it takes nothing from anybody else.
    async fn take(&self, share: Option<&Arc<Quota>>) -> (Taken, Option<Taken>) {
        let of_address = match share {
            Some(share) => Some(share.take().await),
            None => None,
        };
        (self.own.take().await, of_address)
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.most_held - self.held.available_permits()
    }

    /// Leave to wait.
    pub(super) fn hold(&self) -> Result<impl Drop + use<'_>, Fault> {
        self.held.try_acquire().map_err(|_| Fault::Limit)
    }
}
