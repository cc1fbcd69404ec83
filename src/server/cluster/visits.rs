//! Visits of a tunnel that another server has: passed on to it, and held while none answers for it.

use std::iter::once;
use std::pin::pin;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use tokio::time::{Instant, sleep};

use super::super::Server;
use super::super::gate::Owed;
use super::super::open::HOLD;
use super::super::quotas::{Taken as Place, unless_told_to_go};
use super::super::session::MOMENT;
use super::{Cluster, passed};
use crate::cluster::peers::NotPassed;
use crate::cluster::{Found, Unavailable};
use crate::proxy::{Fault, Visitor};

/// How soon it is asked again who has a prefix whose server does not answer: once for all who wait for it.
const PAUSE: Duration = Duration::from_millis(100);

/// A visit that is not for this server.
pub(in crate::server) struct Visit<'a> {
    pub(in crate::server) prefix: &'a str,
    pub(in crate::server) request: &'a mut Request,
    pub(in crate::server) visitor: &'a Visitor,
    pub(in crate::server) owed: &'a Option<Owed>,
}

/// What becomes of it.
pub(in crate::server) enum Elsewhere {
    Answered(Response),
    /// This server has the prefix now.
    Here,
}

/// What came of one try.
enum Tried {
    Answered(Response),
    /// Nobody answers for the prefix now. Its visitors wait for so long, and are told this then.
    Nobody(Duration, Fault),
}

/// Who has a prefix, as far as is known.
pub(super) type Asked = Result<Found, Unavailable>;

impl Cluster {
    /// Has a visit answered by the server that has its prefix. Waits where that does not answer, or nobody has the prefix just
    /// now, for as long as the tunnel's visitors wait for its client.
    ///
    /// # Errors
    /// Where nobody has the prefix, or nobody answers by then; or where what had the request was lost.
    pub(in crate::server) async fn pass_visit(
        &self,
        server: &Server,
        mut visit: Visit<'_>,
    ) -> Result<Elsewhere, Fault> {
        let (begin, mut place) = (Instant::now(), None);
        let mut found = self.find(visit.prefix).await;
        loop {
            if server.has(visit.prefix) {
                return Ok(Elsewhere::Here);
            }
            let (hold, fault) = match self.try_pass(&mut visit, found).await? {
                Tried::Answered(answer) => return Ok(Elsewhere::Answered(answer)),
                Tried::Nobody(hold, fault) => (hold, fault),
            };
            let now = Instant::now();
            if now >= begin + hold {
                return Err(fault);
            }
            // Who waits for a moment takes no place from those who are held: all that come while a server is restarted come at once.
            if place.is_none() && now >= begin + MOMENT {
                place = Some(self.held.take_now().await.ok_or(Fault::Limit)?);
            }
            found = unless_told(visit.owed, place.as_ref(), self.find_again(visit.prefix)).await?;
        }
    }

    /// Who has a prefix in a moment.
    async fn find_again(&self, prefix: &str) -> Asked {
        let ask = || {
            let (cluster, prefix) = (self.clone(), prefix.to_owned());
            async move {
                sleep(PAUSE).await;
                cluster.find(&prefix).await
            }
        };
        self.finding.ask(prefix, ask).await
    }

    /// Whether what has been answered for a prefix may be said: where this server was stopped meanwhile another may have it.
    pub(in crate::server) async fn still_has(&self, server: &Server, prefix: &str) -> bool {
        self.directory.may_answer() || self.may_answer().await && server.0.registry.by_prefix(prefix).is_some()
    }

    async fn try_pass(&self, visit: &mut Visit<'_>, found: Asked) -> Result<Tried, Fault> {
        let (node, fence, hold) = match found {
            Ok(Found::Nobody) => return Err(Fault::UnknownPrefix),
            Ok(Found::At { hold, lapsed: true, .. } | Found::Moving { hold }) => {
                return Ok(Tried::Nobody(hold, Fault::ClientOffline));
            }
            // Its session is about to be here, or to be gone.
            Ok(Found::Here) => return Ok(Tried::Nobody(HOLD, Fault::ClientOffline)),
            Ok(Found::Unknown) | Err(Unavailable) => return Ok(Tried::Nobody(HOLD, Fault::Undecided)),
            Ok(Found::At { node, fence, hold, lapsed: false }) => (node, fence, hold),
        };
        let told = passed(visit.request, visit.visitor);
        let (back, fault) = match self.peers.pass(&node, Some(visit.prefix), std::mem::take(visit.request), &told).await
        {
            Ok(answer) => return Ok(Tried::Answered(answer)),
            Err(NotPassed::NotMine(request)) => (request, Fault::ClientOffline),
            // Whether the client is there only that server can say.
            Err(NotPassed::Unreachable(request)) => (request, Fault::Undecided),
            // A request that may be sent twice is, where nothing is known of it.
            Err(NotPassed::Lost(request)) => (request.filter(|request| request.method().is_safe()), Fault::Undecided),
        };
        self.directory.forget(visit.prefix, fence);
        // The other server may have had it.
        *visit.request = *back.ok_or(Fault::ClientLost)?;
        Ok(Tried::Nobody(hold, fault))
    }
}

impl Server {
    /// Whether a session here has the prefix, and keeps it.
    pub(in crate::server) fn has(&self, prefix: &str) -> bool {
        self.0.registry.by_prefix(prefix).is_some_and(|session| !session.is_leaving())
    }
}

/// What comes of `wait`, unless the visitor is to leave its place to somebody else.
#[expect(clippy::ref_option, reason = "whether a visitor listens is asked of both")]
async fn unless_told<T>(owed: &Option<Owed>, place: Option<&Place>, wait: impl Future<Output = T>) -> Result<T, Fault> {
    let wait = pin!(wait);
    match place {
        None => Ok(wait.await),
        Some(place) => unless_told_to_go(owed, || once(place), wait).await.ok_or(Fault::Limit),
    }
}
