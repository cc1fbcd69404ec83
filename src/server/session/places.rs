//! Places for a session's exchanges: of the session, of the token that opened it, and of each address that visitors come
//! from.

use std::iter::once;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::super::Limits;
use super::super::limits::network;
use super::super::quotas::{Listens, Quota, Quotas, ROOM_DEADLINE, Taken, unless_told_to_go};
use crate::proxy::Fault;

/// How long a visitor waits for another exchange to end where there are as many as may be.
pub(super) const STREAM_DEADLINE: Duration = Duration::from_secs(10);

/// All places of a session.
pub(super) struct Places {
    own: Arc<Quota>,
    /// For visitors that wait for a place, or for the client.
    held: Arc<Quota>,
    /// For those of them that wait for what their own address has.
    queued: Arc<Quota>,
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
        Self {
            own: Quota::new(limits.exchanges_per_session),
            held: Quota::new(limits.held_per_session),
            queued: Quota::new(limits.held_per_session.div_ceil(2)),
            of_token,
            of_addresses: Quotas::default(),
            most_of_address: limits.exchanges_per_session.div_ceil(2),
        }
    }

    /// A place for an exchange with a visitor from this address, where that is one visitor's, and none has to wait for it.
    pub(super) fn free(&self, address: Option<IpAddr>) -> Option<Place> {
        let of_address = match address {
            Some(address) => Some(self.share_of(address).try_take()?),
            None => None,
        };
        let own = self.own.try_take()?;
        let of_token = match &self.of_token {
            Some(quota) => Some(quota.try_take()?),
            None => None,
        };
        Some(Place { own, of_address, of_token })
    }

    /// What visitors of one address may have.
    fn share_of(&self, address: IpAddr) -> Arc<Quota> {
        self.of_addresses.of(network(address), self.most_of_address)
    }

    /// A place for an exchange with `visitor`, from `address` where that is one visitor's. Waits for it where all are
    /// taken, or all that the address may have, for 10 s at most, but not where all are that the token, or its subject,
    /// may have.
    pub(super) async fn place(&self, address: Option<IpAddr>, visitor: &impl Listens) -> Result<Place, Fault> {
        let taken = timeout(STREAM_DEADLINE, self.take(address, visitor)).await.ok().flatten();
        let (own, of_address) = taken.ok_or(Fault::Limit)?;
        // The last, for it may have to be another session's: who gets no other place has none go.
        let of_token = match &self.of_token {
            Some(quota) => Some(quota.take_now().await.ok_or(Fault::Limit)?),
            None => None,
        };
        Ok(Place { own, of_address, of_token })
    }

    /// That of the address first: whoever waits for it has none that others could have.
    async fn take(&self, address: Option<IpAddr>, visitor: &impl Listens) -> Option<(Taken, Option<Taken>)> {
        let of_address = match address {
            Some(address) => Some(self.of_address(address, visitor).await?),
            None => None,
        };
        let mut own = pin!(self.own.take());
        let own = if let Ok(own) = timeout(ROOM_DEADLINE, own.as_mut()).await {
            own
        } else {
            let held = Box::pin(self.held(visitor, own));
            unless_told_to_go(visitor, || of_address.iter(), held).await?.ok()?
        };
        Some((own, of_address))
    }

    /// One address cannot have all that wait be its own.
    async fn of_address(&self, address: IpAddr, visitor: &impl Listens) -> Option<Taken> {
        let share = self.share_of(address);
        let mut taken = pin!(share.take());
        if let Ok(taken) = timeout(ROOM_DEADLINE, taken.as_mut()).await {
            return Some(taken);
        }
        let held = Box::pin(self.held(visitor, taken));
        self.queued.during(visitor, held).await?.ok()
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.own.taken()
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.held.taken()
    }

    /// What comes of `wait`, for which a visitor is held.
    ///
    /// # Errors
    /// Where too many are, or others are to be in its place.
    pub(super) async fn held<T>(
        &self,
        visitor: &impl Listens,
        wait: impl Future<Output = T> + Unpin,
    ) -> Result<T, Fault> {
        self.held.during(visitor, wait).await.ok_or(Fault::Limit)
    }
}

#[cfg(test)]
mod tests;
