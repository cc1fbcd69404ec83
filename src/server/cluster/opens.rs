//! Where a session is to live: at the server that has its prefix, else at the one that has the least to do.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use http::request::Parts;

use super::super::Server;
use super::super::limits::Throttled;
use super::super::open::Denied;
use super::super::quotas::Who;
use super::super::session::Opening;
use super::{Cluster, Taken, passed};
use crate::cluster::{Claim, Found, Node, Unclaimed};
use crate::metrics;
use crate::proxy::Visitor;
use crate::wire::Prefix;

/// Where a session is to be opened.
pub(in crate::server) enum Placed {
    /// Here, with what holds its prefix among several servers.
    Here(Option<Arc<Claim>>),
    /// At another server.
    At(Node),
}

impl Server {
    /// Where a session is to be opened that a client asks for by `request`.
    ///
    /// # Errors
    /// Where none is to be opened now.
    pub(in crate::server) async fn place(&self, opening: &Opening, is_passed: bool) -> Result<Placed, Denied> {
        let Some(cluster) = &self.0.config.cluster else {
            return if self.is_draining() { Err(Denied::Draining) } else { Ok(Placed::Here(None)) };
        };
        let is_leaving = cluster.is_leaving() || self.is_draining();
        let prefix = opening.prefix.as_str();
        let is_ours = !is_leaving && self.has(prefix);
        if let Some(claim) = cluster.claims.held(prefix).filter(|_| is_ours) {
            return Ok(Placed::Here(Some(claim)));
        }
        let elsewhere = match cluster.find(prefix).await {
            Ok(Found::At { node, lapsed: false, .. }) => Some(node),
            Ok(Found::Unknown) | Err(_) => return Err(Denied::Undecided),
            Ok(_) => cluster.directory.place(),
        };
        match elsewhere {
            // What was passed on once is not passed on again, or two servers that disagree would have it go to and fro.
            Some(_) if is_passed => Err(Denied::Moving),
            Some(node) => Ok(Placed::At(node)),
            None if is_leaving => Err(Denied::Draining),
            None => self.claim(opening, is_passed).await,
        }
    }

    async fn claim(&self, opening: &Opening, is_passed: bool) -> Result<Placed, Denied> {
        let Some(cluster) = &self.0.config.cluster else { return Ok(Placed::Here(None)) };
        let who = opening.bearer.as_ref().map(|bearer| Who::of(bearer).to_string());
        let most = self.0.config.limits.sessions_per_token;
        let claimed = cluster.claims.of(&cluster.directory, &opening.prefix, who.as_deref(), most, opening.hold).await;
        match claimed {
            Ok(claim) => Ok(Placed::Here(Some(claim))),
            Err(Unclaimed::Held(node)) if !is_passed && node.id != cluster.me() => Ok(Placed::At(node)),
            Err(Unclaimed::Held(_)) => Err(Denied::Moving),
            Err(Unclaimed::TooMany) => Err(Denied::TooManyOfToken),
            Err(Unclaimed::Young(_) | Unclaimed::Unavailable) => Err(Denied::Undecided),
        }
    }

    /// Has another server answer an `open`, all of whose body has come.
    ///
    /// # Errors
    /// Where it does not.
    pub(in crate::server) async fn pass_open(
        &self,
        node: &Node,
        about: Parts,
        body: Bytes,
        visitor: &Visitor,
    ) -> Result<Response, Denied> {
        let Some(cluster) = &self.0.config.cluster else { return Err(Denied::Moving) };
        let request = Request::from_parts(about, Body::from(body));
        let told = passed(&request, visitor, None);
        self.0.metrics.passed_on.count(metrics::Passed::Open);
        let answer = cluster.peers.pass(node, request, &told).await;
        answer.map_err(|_| Denied::Moving)
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

/// Whether another server has passed the request on.
pub(in crate::server) fn is_passed(about: &Parts) -> bool {
    about.extensions.get::<Taken>().is_some()
}
