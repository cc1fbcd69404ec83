//! What this server asks the others of its own accord.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use futures_util::StreamExt as _;
use futures_util::future::{join_all, ready};
use futures_util::stream::FuturesUnordered;
use http::{Method, StatusCode, Version};
use http_body_util::{BodyExt as _, Limited};
use tokio::time::timeout;

use super::super::Server;
use super::super::admin::{Listed, Sessions, Silent};
use super::Cluster;
use super::asked::Holds;
use super::shared::Shared;
use crate::cluster::peers::{Errand, Passed};
use crate::cluster::{Fence, Found, Node, NodeId, Unavailable};
use crate::wire::{Prefix, SessionId};

/// How long another server may take to say what sessions it has, to end one, or to say what it was told.
const ANSWER: Duration = Duration::from_secs(2);

/// The same, to say whether it has a prefix; and how long that waits for others that are being asked for.
const HOLDS: Duration = Duration::from_secs(1);

/// What all answers may have together.
const MAX_LISTED: usize = 16 * 1024 * 1024;

/// What any other answer may have.
const MAX_TOLD: usize = 1024;

/// How many prefixes may be asked for at a time.
pub(super) const MAX_ASKED: usize = 32;

/// The server that has a session does not answer.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Unanswered;

impl Cluster {
    /// The sessions of all servers, and which servers did not tell theirs.
    pub(in crate::server) async fn sessions(&self, server: &Server) -> Sessions {
        let nodes = self.directory.nodes();
        let others: Vec<&Node> = nodes.iter().filter(|node| node.id != self.me()).collect();
        let most = MAX_LISTED / (others.len() + 1);
        let told = join_all(others.iter().map(|node| self.listed(node, most))).await;
        let mut all = server.sessions();
        for (node, told) in others.into_iter().zip(told) {
            match told {
                Some(sessions) => all.sessions.extend(sessions),
                None => all.silent.push(Silent { server: node.id.short(), address: node.address }),
            }
        }
        all
    }

    /// What another server was told that all have to share.
    pub(super) async fn shared(&self, node: &Node) -> Option<Shared> {
        let (status, body) = timeout(ANSWER, self.ask(node, Method::GET, "/shared", MAX_TOLD)).await.ok()??;
        if status == StatusCode::OK { serde_json::from_slice(&body).ok() } else { None }
    }

    async fn listed(&self, node: &Node, most: usize) -> Option<Vec<Listed>> {
        let (status, body) = timeout(ANSWER, self.ask(node, Method::GET, "/sessions", most)).await.ok()??;
        if status == StatusCode::OK { serde_json::from_slice(&body).ok() } else { None }
    }

    /// Ends a session wherever it lives. Whether there was one.
    ///
    /// # Errors
    /// Where the server that has it does not say so.
    pub(in crate::server) async fn dismiss(&self, server: &Server, id: &SessionId) -> Result<bool, Unanswered> {
        let node = NodeId::of(id);
        if node == self.me() {
            return Ok(server.dismiss(id));
        }
        // A server that is no more has no sessions.
        let Some(node) = self.directory.node(node).await.map_err(|_| Unanswered)? else { return Ok(false) };
        let path = format!("/sessions/{id}");
        let answered = timeout(ANSWER, self.ask(&node, Method::DELETE, &path, MAX_TOLD)).await;
        match answered.ok().flatten().map(|(status, _)| status) {
            Some(StatusCode::NO_CONTENT) => Ok(true),
            Some(StatusCode::NOT_FOUND) => Ok(false),
            _ => Err(Unanswered),
        }
    }

    /// Who has a prefix. While the engine does not say, the others are asked: a session that stands is found without it.
    ///
    /// # Errors
    /// Where nobody can say.
    pub(in crate::server) async fn find(&self, prefix: &str) -> Result<Found, Unavailable> {
        match self.directory.find(prefix).await {
            // Apart, for it would have its room in every visit.
            Err(Unavailable) if Prefix::is_valid(prefix) => Box::pin(self.ask_around(prefix)).await,
            found => found,
        }
    }

    async fn ask_around(&self, prefix: &str) -> Result<Found, Unavailable> {
        let turn = timeout(HOLDS, self.asking.acquire()).await;
        let _turn = turn.map_err(|_| Unavailable)?.map_err(|_| Unavailable)?;
        // Whoever had the turn before may have asked for the same.
        if let Ok(found) = self.directory.find(prefix).await {
            return Ok(found);
        }
        let nodes = self.directory.nodes();
        let others = nodes.iter().filter(|node| node.id != self.me());
        let mut asked: FuturesUnordered<_> = others.map(|node| self.holds(node, prefix)).collect();
        let holder = timeout(HOLDS, asked.by_ref().filter_map(ready).next()).await.ok().flatten();
        Ok(self.directory.hear(prefix, holder))
    }

    async fn holds(&self, node: &Node, prefix: &str) -> Option<(Node, Fence, Duration)> {
        let (status, body) = self.ask(node, Method::GET, &format!("/holds/{prefix}"), MAX_TOLD).await?;
        let Holds { fence, hold_ms } = serde_json::from_slice(&body).ok().filter(|_| status == StatusCode::OK)?;
        Some((node.clone(), fence.parse().ok()?, Duration::from_millis(hold_ms)))
    }

    /// What another server answers, however long it takes.
    async fn ask(&self, node: &Node, method: Method, path: &str, most: usize) -> Option<(StatusCode, Bytes)> {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).ok()?;
        let told = Passed { visitor: None, secure: false, version: Version::HTTP_11, errand: Errand::Ask };
        let answer = self.peers.pass(node, None, request, &told).await.ok()?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), most).collect().await.ok()?;
        Some((status, body.to_bytes()))
    }
}
