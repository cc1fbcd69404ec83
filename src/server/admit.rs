//! Who is let in: the token, what is revoked, and how often that may fail. The same rules for both wires.

use std::net::IpAddr;
use std::sync::{Arc, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::limits::{Throttled, network};
use super::open::Denied;
use super::session::Session;
use super::{Config, Server};
use crate::auth::{Audience, Bearer, Claims, Keys, Revoked, verify};

/// Why a session is over whose token was good when it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Expired,
    Revoked,
}

impl Server {
    /// Lets a client in that calls from `address`, where that is known. The refusal that it gets says nothing of why a
    /// token failed; the log does.
    pub(super) async fn admit(&self, token: &str, address: Option<IpAddr>) -> Result<Option<Claims>, Denied> {
        let config = &self.0.config;
        let Some(keys) = self.keys() else { return Ok(None) };
        let (cause, denied) = match verify(&keys, Audience::Auth, token, (config.clock)()) {
            Ok(claims) if !self.revoked().covers(&Bearer::new(token, &claims)) => return Ok(Some(claims)),
            // Who has it was let in once, and learns nothing but that this is over.
            Ok(_) => (Denied::Revoked.to_string(), Denied::Revoked),
            Err(cause) => (cause.to_string(), Denied::Token),
        };
        match self.failed(address).await {
            Ok(()) => {
                tracing::info!(cause, address = address.map(tracing::field::display), "a token was refused");
                Err(denied)
            }
            // Not in the log, which would grow with every one of them.
            Err(Throttled { .. }) if denied == Denied::Revoked => Err(denied),
            Err(Throttled { seconds }) => Err(Denied::Throttled(seconds)),
        }
    }

    /// Counts an `open` that has failed, here and, of several servers, at all of them: where this one has counted too many, the others
    /// need not be asked.
    async fn failed(&self, address: Option<IpAddr>) -> Result<(), Throttled> {
        let Config { limits, cluster, .. } = &self.0.config;
        self.0.failures.note(address, limits.failed_opens, Instant::now())?;
        match cluster.as_ref().zip(address) {
            Some((cluster, address)) => cluster.failed(network(address), limits.failed_opens).await,
            None => Ok(()),
        }
    }

    /// Revokes the tokens of this list, and none but those, and ends their sessions. One of several servers has the others do so
    /// as well, and adds what they have revoked.
    pub fn revoke(&self, revoked: Revoked) {
        match &self.0.config.cluster {
            Some(cluster) => self.obey(cluster.revoke(revoked)),
            None => self.obey(revoked),
        }
    }

    /// The same for a list that has all that is revoked.
    pub(super) fn obey(&self, revoked: Revoked) {
        let revoked = Arc::new(revoked);
        *self.revoked() = Arc::clone(&revoked);
        let sessions = self.0.registry.all().into_iter().filter(|session| session.obey(&revoked)).count();
        tracing::info!(entries = revoked.len(), sessions, "a list of revoked tokens is in force");
    }

    /// Has tokens checked against these keys from now on. Sessions that stand go on, whatever their tokens were signed with.
    pub fn rekey(&self, keys: Keys) {
        *self.0.keys.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(keys));
    }

    /// What auth tokens are checked against now.
    pub(super) fn keys(&self) -> Option<Arc<Keys>> {
        self.0.keys.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    // Held for a look, never across an await.
    fn revoked(&self) -> MutexGuard<'_, Arc<Revoked>> {
        self.0.revoked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the token that opened a session is still good. It is asked whenever a carrier comes: a session that was
    /// opened just when its token was revoked has been missed by what ended the others.
    pub(super) fn renewable(&self, session: &Session) -> Result<(), Over> {
        let is_revoked = session.bearer().is_some_and(|bearer| self.revoked().covers(bearer));
        match session.may_renew((self.0.config.clock)()) {
            _ if is_revoked => Err(Over::Revoked),
            true => Ok(()),
            false => Err(Over::Expired),
        }
    }
}
