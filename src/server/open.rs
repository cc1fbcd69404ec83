//! Who gets a session: the token, the prefix, the limits. The same rules for both wires.

use tokio_util::sync::CancellationToken;

use super::registry::Refused;
use super::session::{Opening, Session};
use super::{Server, registry};
use crate::auth::{Audience, Claims, verify};
use crate::wire::Prefix;
use std::sync::Arc;

/// Why no session is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Denied {
    #[error("the token is missing or not accepted")]
    Token,
    #[error("invalid prefix value: a prefix is 3 to 64 of `a-z`, `0-9` and `-`")]
    InvalidPrefix,
    #[error("the token does not allow this prefix")]
    ForbiddenPrefix,
    #[error("prefix already in use")]
    PrefixInUse,
    #[error("the server has as many sessions as it admits")]
    TooMany,
    #[error("the server is about to stop")]
    Draining,
}

impl Server {
    /// Lets a client in. The refusal that it gets says nothing of why a token failed; the log does.
    pub(super) fn admit(&self, token: &str) -> Result<Option<Claims>, Denied> {
        let config = &self.0.config;
        let Some(keys) = &config.keys else { return Ok(None) };
        match verify(keys, Audience::Auth, token, (config.clock)()) {
            Ok(claims) => Ok(Some(claims)),
            Err(cause) => {
                tracing::info!(%cause, "a token was refused");
                Err(Denied::Token)
            }
        }
    }

    /// Opens a session for a client that was let in.
    pub(super) fn open(&self, claims: Option<Claims>, prefix: &str) -> Result<Arc<Session>, Denied> {
        if self.is_draining() {
            return Err(Denied::Draining);
        }
        let prefix: Prefix = prefix.parse().map_err(|_| Denied::InvalidPrefix)?;
        if claims.as_ref().is_some_and(|claims| !claims.allows(&prefix)) {
            return Err(Denied::ForbiddenPrefix);
        }
        let (subject, expiry) = claims.map_or((None, None), |claims| (claims.subject, claims.expiry));
        let inner = &self.0;
        let closing: CancellationToken = inner.closing.child_token();
        let running = Session::start(Opening { prefix, subject, expiry }, &inner.tasks, closing);
        let session = Arc::clone(running.session());
        let lease = inner.registry.lease(Arc::clone(&session), inner.config.max_sessions);
        let lease: registry::Lease = lease.map_err(|refused| match refused {
            Refused::InUse => Denied::PrefixInUse,
            Refused::TooMany => Denied::TooMany,
        })?;
        inner.tasks.spawn(running.run(lease));
        Ok(session)
    }
}
