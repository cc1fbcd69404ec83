//! Who gets a session: the token, the prefix, the limits. The same rules for both wires.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};

use super::registry::Refused;
use super::session::{Link, Opening, Running, Session};
use super::v1::Pairs;
use super::v2::Attendance;
use super::{Server, random};
use crate::auth::{Audience, Claims, verify};
use crate::mux::Upkeep;
use crate::pipe;
use crate::wire::Prefix;
use crate::wire::v2::Secret;

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

    /// Opens a session on wire v1 for a client that was let in.
    pub(super) fn open_v1(&self, claims: Option<Claims>, token: &str, prefix: &str) -> Result<Arc<Session>, Denied> {
        let opening = self.opening(claims, token, prefix)?;
        let inner = &self.0;
        let (pipe, swapper) = pipe::v1::pipe();
        let upkeep = Upkeep::alive();
        let fence = upkeep.fence.clone();
        let swapper = swapper.with_fence(move || fence.clone().boxed());
        let link = Link::V1(Pairs::new(swapper, inner.tasks.clone()));
        self.start(Session::start(opening, pipe, link, upkeep, &inner.tasks, inner.closing.child_token()))
    }

    /// Opens a session on wire v2 for a client that was let in.
    pub(super) fn open_v2(
        &self,
        claims: Option<Claims>,
        token: &str,
        prefix: &str,
    ) -> Result<(Arc<Session>, Arc<Attendance>), Denied> {
        let opening = self.opening(claims, token, prefix)?;
        let inner = &self.0;
        let (pipe, carriers) = pipe::v2::pipe();
        let attendance = Arc::new(Attendance::new(Secret::from_random(random()), carriers, inner.config.grace));
        let link = Link::V2(Arc::clone(&attendance));
        let running = Session::start(opening, pipe, link, Upkeep::default(), &inner.tasks, inner.closing.child_token());
        Ok((self.start(running)?, attendance))
    }

    fn opening(&self, claims: Option<Claims>, token: &str, prefix: &str) -> Result<Opening, Denied> {
        if self.is_draining() {
            return Err(Denied::Draining);
        }
        let prefix: Prefix = prefix.parse().map_err(|_| Denied::InvalidPrefix)?;
        if claims.as_ref().is_some_and(|claims| !claims.allows(&prefix)) {
            return Err(Denied::ForbiddenPrefix);
        }
        let owner = claims.is_some().then(|| Sha256::digest(token).into());
        let (subject, expiry) = claims.map_or((None, None), |claims| (claims.subject, claims.expiry));
        Ok(Opening { prefix, subject, expiry, owner })
    }

    fn start<P>(&self, running: Running<P>) -> Result<Arc<Session>, Denied>
    where
        P: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let inner = &self.0;
        let session = Arc::clone(running.session());
        let lease = inner.registry.lease(Arc::clone(&session), inner.config.max_sessions);
        let lease = lease.map_err(|refused| match refused {
            Refused::InUse => Denied::PrefixInUse,
            Refused::TooMany => Denied::TooMany,
        })?;
        inner.tasks.spawn(running.run(lease));
        Ok(session)
    }
}
