//! A server that is one of several: what lands on it and is another's is passed on, and what another passes is answered.

mod carriers;
mod claims;
mod leaving;
mod opens;
mod taken;
mod visits;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use url::Url;

use self::claims::Claims;
use super::quotas::Quota;
use crate::cluster::{Directory, NodeId, Passed, Peers};
use crate::proxy::Visitor;

pub(super) use carriers::pass_elsewhere;
pub(super) use leaving::leave;
pub(super) use opens::{Placed, is_passed};
pub(super) use taken::Taken;
pub use taken::answer_peers;
pub(super) use visits::{Elsewhere, Visit, guarded};

/// How long the engine may take to confirm that a server may answer for what it holds, while somebody waits for that.
const CONFIRMED: Duration = Duration::from_secs(10);

/// What a server has of the others.
#[derive(Clone)]
pub struct Cluster {
    directory: Directory,
    peers: Peers,
    /// Where clients reach this server and no other.
    node_url: Option<Url>,
    claims: Arc<Claims>,
    /// Places for visitors who wait for a server that answers.
    held: Arc<Quota>,
    /// This server is about to stop, and leaves what it has to the others.
    leaving: CancellationToken,
}

impl Cluster {
    /// One of those that write into `directory`, which knows the others as `peers`; clients reach it alone at `node_url`. So
    /// many visitors may wait here for a server that does not answer.
    #[must_use]
    pub fn new(directory: Directory, peers: Peers, node_url: Option<Url>, held: usize) -> Self {
        Self {
            directory,
            peers,
            node_url,
            claims: Arc::default(),
            held: Quota::new(held),
            leaving: CancellationToken::new(),
        }
    }

    /// Which of them it is.
    pub(super) fn me(&self) -> NodeId {
        self.directory.me()
    }

    /// Why this server is not to be sent anything, where it is not.
    pub(super) fn trouble(&self) -> Option<String> {
        self.directory.trouble()
    }

    /// What connect tokens are signed with, so that each server knows which session a carrier names.
    pub(super) fn connect_key(&self) -> [u8; 32] {
        self.peers.secret().key_for("connect tokens")
    }

    /// The directory that it writes into.
    pub(super) fn directory(&self) -> &Directory {
        &self.directory
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
fn passed(request: &Request, visitor: &Visitor, fence: Option<u64>) -> Passed {
    Passed { visitor: visitor.peer(), secure: visitor.is_secure(), version: request.version(), fence }
}
