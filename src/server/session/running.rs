//! A session's life: moved, and ended.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::super::registry::Lease;
use super::super::threads::follow;
use super::super::v2;
use super::{Link, Session};
use crate::auth::Revoked;
use crate::metrics::Wire;
use crate::mux::{self, Ending};
use crate::pieces::Pieces;

/// How often the clock is asked at least whether a token's time is over: it may be set, or the machine have slept.
const EXPIRY_LOOK: Duration = Duration::from_secs(60);

/// What moves a session; it ends when this does.
pub(in crate::server) struct Running<P> {
    pub(super) session: Arc<Session>,
    pub(super) driver: mux::Driver<P>,
}

impl<P: Pieces + Send + Unpin> Running<P> {
    pub(in crate::server) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Moves the session, where it lives, until it ends; then frees its prefix.
    pub(in crate::server) fn start(self, lease: Lease)
    where
        P: 'static,
    {
        let (home, tasks) = (self.session.home.subscribe(), self.session.tasks.clone());
        follow(home, &tasks, Box::pin(self.run(lease)));
    }

    async fn run(self, lease: Lease) {
        let Self { session, driver } = self;
        let (id, prefix) = (&session.id, session.prefix());
        let bearer = session.opening.bearer.as_ref();
        let subject = bearer.and_then(|bearer| bearer.subject.as_deref()).unwrap_or_default();
        let jti = bearer.and_then(|bearer| bearer.id.as_deref());
        tracing::info!(session = %id, %prefix, subject, jti, "session opened");
        session.metrics.opened.count(session.link.wire());
        // What seldom has anything to do is looked at when it has, and not with each frame.
        let mut seldom = FuturesUnordered::from_iter([session.ends(&lease)]);
        let closing = match &session.link {
            Link::V1(_) => session.closing.clone(),
            // The carriers say that the session ends. A multiplexer that ended first would take the pipe from them.
            Link::V2(_) => CancellationToken::new(),
        };
        let ending = tokio::select! {
            ending = driver.run(closing, drop) => match &session.link {
                // To the multiplexer the pipe is over at once. Carriers that came now would learn no more than that there
                // is no such session.
                Link::V2(attendance) if attendance.is_closing() => seldom.select_next_some().await,
                _ => ending,
            },
            ending = seldom.select_next_some() => ending,
        };
        drop(seldom);
        session.ended.cancel();
        // On v2 its client has stayed away for long. On v1 it has lost a carrier, and is back in a moment.
        match &ending {
            Ending::Failed(_) if session.link.wire() == Wire::V1 && !session.closing.is_cancelled() => lease.missed(),
            _ => drop(lease),
        }
        match ending {
            Ending::Closed => tracing::info!(session = %id, %prefix, "session closed"),
            Ending::Failed(cause) => {
                session.metrics.lost.count();
                tracing::warn!(session = %id, %prefix, %cause, "session lost");
            }
        }
    }
}

impl Session {
    /// Ends the session because its client has opened another.
    pub(in crate::server) fn evict(&self) {
        self.end(v2::TAKEN_OVER, "another client has taken the prefix with the same token");
    }

    /// Ends the session where its token is on the list. Whether it is.
    pub(in crate::server) fn obey(&self, revoked: &Revoked) -> bool {
        let is_revoked = self.bearer().is_some_and(|bearer| revoked.covers(bearer));
        if is_revoked {
            tracing::info!(session = %self.id, prefix = %self.prefix(), "the token of a session is revoked");
            self.end(v2::REVOKED, "the token has been revoked");
        }
        is_revoked
    }

    /// Ends the session because whoever runs the server wants it.
    pub(in crate::server) fn dismiss(&self) {
        tracing::info!(session = %self.id, prefix = %self.prefix(), "a session is ended by hand");
        self.end(v2::DISMISSED, "whoever runs the server has ended the session");
    }

    fn end(&self, code: u8, text: &str) {
        if let Link::V2(attendance) = &self.link {
            attendance.close(code, text);
        }
        self.closing.cancel();
    }

    /// How the session ends by something else than its multiplexer's end.
    async fn ends(&self, lease: &Lease) -> Ending {
        let attended = async {
            match &self.link {
                Link::V1(_) => pending().await,
                Link::V2(attendance) => attendance.watch(&self.closing).await,
            }
        };
        tokio::select! {
            ending = attended => ending,
            never = self.expire() => match never {},
            never = self.yields(lease) => match never {},
        }
    }

    /// Ends the session when another server has its prefix, which its client asks for again then. Never returns either.
    async fn yields(&self, lease: &Lease) -> Infallible {
        lease.lost().await;
        tracing::warn!(session = %self.id, prefix = %self.prefix(), "another server has the prefix of a session");
        self.leave();
        pending().await
    }

    /// Ends the session so that its client opens another at once.
    pub(in crate::server) fn leave(&self) {
        self.end(v2::STOPPING, "the server gives the session up; open another");
    }

    /// Ends the session when its token's time is over, however long its carriers live. It ends by what moves it, so this
    /// never returns.
    async fn expire(&self) -> Infallible {
        let Some(expiry) = self.opening.expiry else { return pending().await };
        loop {
            let left = Duration::from_secs(expiry.saturating_sub((self.clock)()));
            if left.is_zero() {
                break;
            }
            sleep(left.min(EXPIRY_LOOK)).await;
        }
        tracing::info!(session = %self.id, prefix = %self.prefix(), "the token of a session has expired");
        self.end(v2::EXPIRED, "the token has expired");
        pending().await
    }
}
