//! Who gets a session of those who were let in: the prefix, the limits. The same rules for both wires.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::access_log;
use super::cluster::Cluster;
use super::quotas::Who;
use super::registry::Refused;
use super::session::{Around, Link, Opening, Running, Session};
use super::threads::Home;
use super::v1::Pairs;
use super::v2::Attendance;
use super::{Config, Inner, Server, random};
use crate::auth::{Bearer, Claims};
use crate::cluster::Claim;
use crate::mux::Upkeep;
use crate::pieces::Pieces;
use crate::pipe;
use crate::proxy::Rules;
use crate::wire::Prefix;
use crate::wire::v2::measure::PrefixState;
use crate::wire::v2::{Attempt, Secret};

/// What stands in the log in the place of an examination's prefix.
const EXAMINED: &str = "examination";

/// How long an examination waits for its client: it has nothing to lose by ending.
const EXAMINATION_GRACE: Duration = Duration::from_secs(10);

/// How long visitors wait for a client that is gone, unless it says otherwise. GitHub gives a webhook 10 s.
pub(super) const HOLD: Duration = Duration::from_secs(10);

/// Why no session is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Denied {
    #[error("the token is missing or not accepted")]
    Token,
    #[error("the token has been revoked")]
    Revoked,
    #[error("invalid prefix value: a prefix is 3 to 64 of `a-z`, `0-9` and `-`")]
    InvalidPrefix,
    #[error("the token does not allow this prefix")]
    ForbiddenPrefix,
    #[error("prefix already in use")]
    PrefixInUse,
    #[error("the server has as many sessions as it admits")]
    TooMany,
    #[error("the token has as many sessions as it may have")]
    TooManyOfToken,
    #[error("too many tokens that are not accepted have come from this address; try again in {0} s")]
    Throttled(u64),
    #[error("the server is about to stop")]
    Draining,
    #[error("another server has the prefix, and does not answer just now")]
    Moving,
    #[error("the servers cannot agree on who has the prefix just now")]
    Undecided,
}

/// What a session is opened for.
pub(super) struct Terms<'a> {
    pub(super) prefix: &'a str,
    /// How long visitors wait for the client where it is gone.
    pub(super) hold: Duration,
    /// What the hop does.
    pub(super) rules: Rules,
    /// Which of its attempts this is, where the client says so.
    pub(super) attempt: Option<Attempt>,
    /// Where it is asked for from, where that is known.
    pub(super) from: Option<IpAddr>,
    /// Whether a stream says how long its visitor has waited.
    pub(super) tells_waits: bool,
}

impl<'a> Terms<'a> {
    /// For a client that asks for nothing but a prefix.
    pub(super) fn plain(prefix: &'a str, server: &Server) -> Self {
        let Config { max_hold, trusted, .. } = &server.0.config;
        let rules = Rules { trusted: trusted.clone(), ..Rules::default() };
        Self { prefix, hold: HOLD.min(*max_hold), rules, attempt: None, from: None, tells_waits: false }
    }
}

impl Denied {
    /// In how many seconds it may be worth trying again, where something is over a limit.
    pub(super) fn retry_after(self) -> Option<u64> {
        match self {
            Self::TooMany | Self::TooManyOfToken => Some(FULL),
            Self::Draining => Some(RESTART),
            Self::Moving | Self::Undecided => Some(SETTLED),
            Self::Throttled(seconds) => Some(seconds),
            Self::Token | Self::Revoked | Self::InvalidPrefix | Self::ForbiddenPrefix | Self::PrefixInUse => None,
        }
    }
}

impl From<Refused> for Denied {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::InUse => Self::PrefixInUse,
            Refused::TooMany => Self::TooMany,
            Refused::TooManyOfToken => Self::TooManyOfToken,
            Refused::Moved => Self::Moving,
        }
    }
}

/// When a session may have ended, where there are too many, in seconds.
const FULL: u64 = 10;
/// When a server that stops may have been started again, in seconds.
const RESTART: u64 = 2;
/// When several servers may have settled who has what, in seconds.
const SETTLED: u64 = 1;

impl Server {
    /// Opens a session on wire v1 for a client that was let in.
    pub(super) fn open_v1(
        &self,
        opening: Opening,
        claim: Option<Arc<Claim>>,
        home: Option<Home>,
    ) -> Result<Arc<Session>, Denied> {
        let inner = &self.0;
        let (pipe, swapper) = pipe::v1::pipe();
        let upkeep = Upkeep::alive();
        let fence = upkeep.fence.clone();
        let swapper = swapper.with_fence(move || fence.clone().boxed());
        let link = Link::V1(Pairs::new(swapper, inner.tasks.clone(), Arc::clone(&inner.metrics)));
        self.start(Session::start(opening, pipe, link, upkeep, self.around(home)), claim)
    }

    /// Opens a session on wire v2 for a client that was let in.
    pub(super) fn open_v2(
        &self,
        opening: Opening,
        claim: Option<Arc<Claim>>,
        home: Option<Home>,
    ) -> Result<(Arc<Session>, Arc<Attendance>), Denied> {
        let inner = &self.0;
        let (pipe, carriers) = pipe::v2::pipe(&inner.budget);
        let attendance = Arc::new(self.attendance(carriers));
        let link = Link::V2(Arc::clone(&attendance));
        let running = Session::start(opening, pipe, link, Upkeep::default(), self.around(home));
        Ok((self.start(running, claim)?, attendance))
    }

    /// Opens a session on wire v2 for whoever asks for it, at a server that is alone.
    #[cfg(test)]
    pub(super) fn grant(&self, terms: Terms<'_>) -> Result<(Arc<Session>, Arc<Attendance>), Denied> {
        self.open_v2(self.opening(None, "", terms)?, None, None)
    }

    /// Opens a session for a client that only measures: it holds no prefix, and waits for its client for 10 s at most.
    pub(super) fn open_examination(
        &self,
        claims: Option<Claims>,
        token: &str,
        from: Option<IpAddr>,
    ) -> Result<(Arc<Session>, Arc<Attendance>), Denied> {
        if self.is_draining() {
            return Err(Denied::Draining);
        }
        let inner = &self.0;
        let prefix = EXAMINED.parse().map_err(|_| Denied::InvalidPrefix)?;
        let (pipe, carriers) = pipe::v2::pipe(&inner.budget);
        let attendance = Arc::new(self.attendance(carriers).no_longer_than(EXAMINATION_GRACE));
        let link = Link::V2(Arc::clone(&attendance));
        let opening = Opening { from, ..self.opened(claims, token, prefix, Duration::ZERO, Rules::default()) };
        let running = Session::start(opening, pipe, link, Upkeep::default(), self.around(None));
        let session = Arc::clone(running.session());
        let lease = inner.registry.admit(Arc::clone(&session), &inner.config.limits)?;
        running.start(lease);
        Ok((session, attendance))
    }

    /// What opening `prefix` would come to.
    pub(super) async fn prefix_state(&self, claims: Option<&Claims>, token: &str, prefix: &Prefix) -> PrefixState {
        if claims.is_some_and(|claims| !claims.allows(prefix)) {
            return PrefixState::Forbidden;
        }
        let bearer = claims.map(|claims| Bearer::new(token, claims));
        match self.0.registry.by_prefix(prefix.as_str()) {
            None => match &self.0.config.cluster {
                // Whether the session there would give way its server alone knows.
                Some(cluster) if cluster.has_elsewhere(prefix).await => PrefixState::Taken,
                _ => PrefixState::Free,
            },
            Some(holder) if holder.yields_to(bearer.as_ref(), None) => PrefixState::Yields,
            Some(_) => PrefixState::Taken,
        }
    }

    /// What a client that was let in asks for, where its token allows that.
    pub(super) fn opening(&self, claims: Option<Claims>, token: &str, terms: Terms<'_>) -> Result<Opening, Denied> {
        let Terms { prefix, hold, rules, attempt, from, tells_waits } = terms;
        let prefix: Prefix = prefix.parse().map_err(|_| Denied::InvalidPrefix)?;
        if claims.as_ref().is_some_and(|claims| !claims.allows(&prefix)) {
            return Err(Denied::ForbiddenPrefix);
        }
        Ok(Opening { from, attempt, tells_waits, ..self.opened(claims, token, prefix, hold, rules) })
    }

    fn opened(&self, claims: Option<Claims>, token: &str, prefix: Prefix, hold: Duration, rules: Rules) -> Opening {
        let Inner { config, quotas, .. } = &*self.0;
        let bearer = claims.as_ref().map(|claims| Bearer::new(token, claims));
        let places = |bearer| quotas.of(Who::of(bearer), config.limits.exchanges_per_token);
        let shared_places = bearer.as_ref().map(places);
        let (expiry, target_timeout) = (claims.and_then(|claims| claims.expiry), config.target_timeout);
        let (from, attempt, tells_waits) = (None, None, false);
        Opening { prefix, expiry, bearer, from, attempt, tells_waits, shared_places, hold, rules, target_timeout }
    }

    fn attendance(&self, carriers: pipe::v2::Carriers) -> Attendance {
        let Inner { config, metrics, .. } = &*self.0;
        Attendance::new(Secret::from_random(random()), carriers, config, Arc::clone(metrics))
    }

    fn around(&self, home: Option<Home>) -> Around {
        let inner = &self.0;
        Around {
            tasks: inner.tasks.clone(),
            stopping: inner.last_calls.clone(),
            closing: inner.closing.child_token(),
            limits: inner.config.limits.clone(),
            clock: inner.config.clock,
            node: inner.config.cluster.as_ref().map(Cluster::me),
            home: home.unwrap_or_else(|| inner.threads.settle()),
            all: Arc::clone(&inner.all),
            metrics: Arc::clone(&inner.metrics),
        }
    }

    fn start<P>(&self, running: Running<P>, claim: Option<Arc<Claim>>) -> Result<Arc<Session>, Denied>
    where
        P: Pieces + Send + Unpin + 'static,
    {
        let inner = &self.0;
        let session = Arc::clone(running.session());
        let leased = inner.registry.lease(Arc::clone(&session), claim, &inner.config.limits).map_err(Denied::from);
        let lease = leased.inspect_err(|denied| tell(&session, *denied))?;
        inner.expected.is_back(session.prefix());
        running.start(lease);
        Ok(session)
    }
}

/// Tells of a session that there is no place for. Its client asks again and again, so there are no more such lines than of
/// failed exchanges.
fn tell(session: &Session, denied: Denied) {
    if tracing::enabled!(tracing::Level::INFO) && access_log::may_tell() {
        let subject = session.bearer().and_then(|bearer| bearer.subject.as_deref());
        tracing::info!(prefix = %session.prefix(), subject, cause = %denied, "a session was refused");
    }
}
