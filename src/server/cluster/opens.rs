//! Where a session is to live: at the server that has its prefix, else at the one that has the least to do.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use http::request::Parts;
use tokio::time::{Instant, sleep};

use super::super::Server;
use super::super::limits::Throttled;
use super::super::open::Denied;
use super::super::quotas::Who;
use super::super::session::Opening;
use super::{Cluster, Taken, passed};
use crate::cluster::peers::not_mine;
use crate::cluster::{Claim, Found, Node, Unclaimed};
use crate::metrics;
use crate::proxy::Visitor;
use crate::wire::Prefix;

/// How long an `open` waits for a server to be found that can give the session: that of the one before may be dead, and its
/// lease count for some more seconds.
const PATIENCE: Duration = Duration::from_secs(12);

/// How soon that is tried again, and what may be awaited at a time.
const PAUSE: Duration = Duration::from_millis(250);
pub(super) const MAX_WAITING: usize = 1_024;

/// What becomes of an `open`.
pub(in crate::server) enum Placed {
    /// The session is to be opened here, with what holds its prefix among several servers.
    Here(Option<Arc<Claim>>),
    /// Another server has answered.
    Answered(Response),
}

/// A request for a session, all of whose body has come.
pub(in crate::server) struct Asking {
    pub(in crate::server) about: Parts,
    pub(in crate::server) body: Bytes,
    pub(in crate::server) visitor: Visitor,
}

/// Why a session cannot be placed.
enum Unplaced {
    Denied(Denied),
    /// It may be possible at once.
    Later(Denied),
}

impl Server {
    /// Finds out where a session is to be opened, and has it opened there if that is elsewhere.
    ///
    /// # Errors
    /// Where none is to be opened now.
    pub(in crate::server) async fn place(&self, opening: &Opening, asking: &Asking) -> Result<Placed, Denied> {
        let Some(cluster) = &self.0.config.cluster else {
            return if self.is_draining() { Err(Denied::Draining) } else { Ok(Placed::Here(None)) };
        };
        let begin = Instant::now();
        let mut waiting = None;
        loop {
            let denied = match self.try_place(cluster, opening, asking).await {
                Ok(placed) => return Ok(placed),
                Err(Unplaced::Denied(denied)) => return Err(denied),
                Err(Unplaced::Later(denied)) => denied,
            };
            if begin.elapsed() >= PATIENCE {
                return Err(denied);
            }
            if waiting.is_none() {
                waiting = Some(cluster.waiting.try_acquire().map_err(|_| denied)?);
            }
            sleep(PAUSE).await;
        }
    }

    async fn try_place(&self, cluster: &Cluster, opening: &Opening, asking: &Asking) -> Result<Placed, Unplaced> {
        let is_passed = asking.about.extensions.get::<Taken>().is_some();
        let is_leaving = cluster.is_leaving() || self.is_draining();
        let prefix = opening.prefix.as_str();
        if let Some(claim) = cluster.claims.held(prefix).filter(|_| !is_leaving && self.has(prefix)) {
            return Ok(Placed::Here(Some(claim)));
        }
        let elsewhere = match cluster.find(prefix).await {
            Ok(Found::At { node, fence, lapsed: false, .. }) => Some((node, Some(fence))),
            Ok(Found::Unknown) => return Err(Unplaced::Later(Denied::Undecided)),
            Err(_) => return Err(Unplaced::Denied(Denied::Undecided)),
            // Who has passed it on has placed it here.
            Ok(_) if is_passed && !is_leaving => None,
            Ok(_) => {
                let random = getrandom::u64().unwrap_or_default();
                cluster.directory.place(random).map(|node| (node, None))
            }
        };
        match elsewhere {
            // What was passed on once is not passed on again, or two servers that disagree would have it go to and fro.
            Some(_) if is_passed => Ok(Placed::Answered(not_mine())),
            Some((node, fence)) => {
                let passed = self.pass_open(cluster, &node, asking).await;
                if let (Err(Unplaced::Later(_)), Some(fence)) = (&passed, fence) {
                    // It was known from before.
                    cluster.directory.forget(prefix, fence);
                }
                passed
            }
            None if is_leaving => Err(Unplaced::Denied(Denied::Draining)),
            None => self.claim(cluster, opening, asking, is_passed).await,
        }
    }

    async fn claim(
        &self,
        cluster: &Cluster,
        opening: &Opening,
        asking: &Asking,
        is_passed: bool,
    ) -> Result<Placed, Unplaced> {
        let who = opening.bearer.as_ref().map(|bearer| Who::of(bearer).to_string());
        let most = self.0.config.limits.sessions_per_token;
        let claimed = cluster.claims.of(&cluster.directory, &opening.prefix, who.as_deref(), most, opening.hold).await;
        match claimed {
            Ok(claim) => Ok(Placed::Here(Some(claim))),
            Err(Unclaimed::Held(node)) if !is_passed && node.id != cluster.me() => {
                self.pass_open(cluster, &node, asking).await
            }
            Err(Unclaimed::Held(_)) => Err(Unplaced::Later(Denied::Moving)),
            Err(Unclaimed::TooMany) => Err(Unplaced::Denied(Denied::TooManyOfToken)),
            Err(Unclaimed::Young(_)) => Err(Unplaced::Later(Denied::Undecided)),
            Err(Unclaimed::Unavailable) => Err(Unplaced::Denied(Denied::Undecided)),
        }
    }

    /// Has another server answer.
    async fn pass_open(&self, cluster: &Cluster, node: &Node, asking: &Asking) -> Result<Placed, Unplaced> {
        let request = Request::from_parts(asking.about.clone(), Body::from(asking.body.clone()));
        let told = passed(&request, &asking.visitor);
        self.0.metrics.passed_on.count(metrics::Passed::Open);
        match cluster.peers.pass(node, None, request, &told).await {
            Ok(answer) => Ok(Placed::Answered(answer)),
            Err(_) => Err(Unplaced::Later(Denied::Moving)),
        }
    }
}

impl Cluster {
    /// Whether another server has a prefix, as far as is known.
    pub(in crate::server) async fn has_elsewhere(&self, prefix: &Prefix) -> bool {
        matches!(self.find(prefix.as_str()).await, Ok(Found::At { lapsed: false, .. }))
    }

    /// Counts an `open` of `address` that has failed with those that have at the other servers. Where the engine is away, each counts
    /// alone.
    ///
    /// # Errors
    /// Where there have been more than `most` within a minute.
    pub(in crate::server) async fn failed(&self, address: IpAddr, most: usize) -> Result<(), Throttled> {
        match self.directory.failed_opens(address, 1).await {
            Ok(count) if count > most as u64 => Err(Throttled::LONGEST),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}
