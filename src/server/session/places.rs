//! Places for a session's exchanges: of the session, of the token that opened it, and of each address that visitors come
//! from.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::super::Limits;
use super::super::limits::network;
use super::super::quotas::Quotas;
use crate::proxy::Fault;

/// How long a visitor waits for another exchange to end where there are as many as may be.
pub(super) const STREAM_DEADLINE: Duration = Duration::from_secs(10);

/// All places of a session.
pub(super) struct Places {
    own: Arc<Semaphore>,
    /// For visitors that wait for a place, or for the client.
    held: Semaphore,
    most_held: usize,
    of_token: Option<Arc<Semaphore>>,
    of_addresses: Quotas<IpAddr>,
    most_of_address: usize,
}

/// A place for one exchange, until it is dropped.
pub(in crate::server) struct Place {
    _own: OwnedSemaphorePermit,
    _of_token: Option<OwnedSemaphorePermit>,
    _of_address: Option<OwnedSemaphorePermit>,
}

impl Places {
    /// As many as `limits` give. What visitors of one address cannot all have is half of them.
    pub(super) fn new(limits: &Limits, of_token: Option<Arc<Semaphore>>) -> Self {
        let places = |number: usize| Semaphore::new(number.min(Semaphore::MAX_PERMITS));
        Self {
            own: Arc::new(places(limits.exchanges_per_session)),
            held: places(limits.held_per_session),
            most_held: limits.held_per_session.min(Semaphore::MAX_PERMITS),
            of_token,
            of_addresses: Quotas::default(),
            most_of_address: limits.exchanges_per_session.div_ceil(2),
        }
    }

    /// A place for an exchange with a visitor from `address`, where that is one visitor's. Waits for it where all are
    /// taken, or all that the address may have, for 10 s at most, but not where all are that the token, or its subject,
    /// may have.
    pub(super) async fn place(&self, address: Option<IpAddr>) -> Result<Place, Fault> {
        let of_token = self.of_token.clone().map(Semaphore::try_acquire_owned).transpose();
        let of_token = of_token.map_err(|_| Fault::Limit)?;
        let mut taking = pin!(self.take(address));
        let taken = tokio::select! {
            biased;
            taken = taking.as_mut() => taken,
            // None is free.
            () = std::future::ready(()) => {
                let _held = self.hold()?;
                timeout(STREAM_DEADLINE, taking).await.map_err(|_| Fault::Limit)?
            }
        };
        let (own, of_address) = taken.map_err(|_| Fault::Limit)?;
        Ok(Place { _own: own, _of_token: of_token, _of_address: of_address })
    }

    /// That of the address first: whoever waits for it takes nothing from anybody else.
    async fn take(
        &self,
        address: Option<IpAddr>,
    ) -> Result<(OwnedSemaphorePermit, Option<OwnedSemaphorePermit>), AcquireError> {
        let of_address = match address {
            Some(address) => {
                let share = self.of_addresses.places(network(address), self.most_of_address);
                Some(share.acquire_owned().await?)
            }
            None => None,
        };
        Ok((Arc::clone(&self.own).acquire_owned().await?, of_address))
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
