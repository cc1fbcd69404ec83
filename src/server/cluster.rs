//! A server that is one of several: what lands on it and is another's is passed on, and what another passes is answered.

mod asked;
mod asking;
mod carriers;
mod claims;
mod keeping;
mod leaving;
mod opens;
mod reached;
mod shared;
mod taken;
mod together;
mod visits;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::Request;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use url::Url;

use self::asking::MAX_ASKED;
use self::claims::Claims;
use super::quotas::Quota;
use crate::auth::Revoked;
use crate::cluster::peers::{Errand, Passed, Peers};
use crate::cluster::{Directory, NodeId, Secret};
use crate::metrics;
use crate::proxy::Visitor;

pub(super) use carriers::pass_elsewhere;
pub use keeping::keep;
pub(super) use leaving::leave;
pub(super) use opens::{Asking, Placed};
use reached::Reached;
pub(super) use taken::Taken;
use taken::answer_peers;
use together::Together;
use visits::Asked;
pub(super) use visits::{Elsewhere, Visit};

/// How long the engine may take to confirm that a server may answer for what it holds, while somebody waits for that.
const CONFIRMED: Duration = Duration::from_secs(10);

/// What a server has of the others.
#[derive(Clone)]
pub struct Cluster {
    directory: Directory,
    peers: Peers,
    secret: Secret,
    /// Where clients reach this server and no other.
    node_url: Option<Url>,
    claims: Arc<Claims>,
    /// Turns to ask the others for a prefix.
    asking: Arc<Semaphore>,
    /// Who has what, as those ask who wait for that.
    finding: Arc<Together<Asked>>,
    /// Places for visitors who wait for a server that answers.
    held: Arc<Quota>,
    /// Places for those who ask for a session that no server can give just now.
    waiting: Arc<Semaphore>,
    /// What this server's own list revokes.
    revoked: Arc<Mutex<Revoked>>,
    /// Whether the others reach this server.
    reached: Arc<Reached>,
    /// This server is about to stop, and leaves what it has to the others.
    leaving: CancellationToken,
}

impl Cluster {
    /// One of those that write into `directory` and know each other, as `peers`, by `secret`; clients reach it alone at `node_url`.
    /// So many visitors may wait here for a server that does not answer.
    #[must_use]
    pub fn new(directory: Directory, peers: Peers, secret: Secret, node_url: Option<Url>, held: usize) -> Self {
        Self {
            directory,
            peers,
            secret,
            node_url,
            claims: Arc::default(),
            asking: Arc::new(Semaphore::new(MAX_ASKED)),
            finding: Arc::default(),
            held: Quota::new(held),
            waiting: Arc::new(Semaphore::new(opens::MAX_WAITING)),
            revoked: Arc::default(),
            reached: Arc::default(),
            leaving: CancellationToken::new(),
        }
    }

    /// Which of them it is.
    pub(super) fn me(&self) -> NodeId {
        self.directory.me()
    }

    /// Why this server is not to be sent anything, where it is not.
    pub(super) fn trouble(&self) -> Option<String> {
        if self.directory.may_answer() {
            return self.reached.trouble();
        }
        let unsure = || "this server cannot say whether it still has what it had".to_owned();
        Some(self.directory.trouble().or_else(|| self.reached.trouble()).unwrap_or_else(unsure))
    }

    /// What has been counted of its work with the others.
    pub(super) fn counts(&self) -> metrics::Cluster {
        let counts = self.directory.counts();
        metrics::Cluster {
            nodes: self.directory.nodes().len() as u64,
            may_answer: self.directory.may_answer(),
            lookups: [counts.lookups.get(), counts.cache_hits.get()],
            claims: [counts.claims.get(), counts.refused.get()],
            claims_lost: counts.claims_lost.get(),
            renewals: [counts.renewals.get(), counts.failed_renewals.get()],
            leases_lost: counts.leases_lost.get(),
        }
    }

    /// What connect tokens are signed with, so that each server knows which session a carrier names.
    pub(super) fn connect_key(&self) -> [u8; 32] {
        self.secret.key_for("connect tokens")
    }

    /// Where carriers of its sessions reach it and no other.
    pub(super) fn node_url(&self) -> Option<&Url> {
        self.node_url.as_ref()
    }

    /// Whether this server is about to stop.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.is_cancelled()
    }

    /// Whether this server may answer for what it holds: at once, or as soon as that is confirmed.
    pub(super) async fn may_answer(&self) -> bool {
        // Apart, for it would have its room in every visit.
        self.directory.may_answer() || Box::pin(timeout(CONFIRMED, self.directory.confirmed())).await.is_ok()
    }
}

/// What another server is told of who calls.
fn passed(request: &Request, visitor: &Visitor) -> Passed {
    Passed { visitor: visitor.peer(), secure: visitor.is_secure(), version: request.version(), errand: Errand::Visit }
}
