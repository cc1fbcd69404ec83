//! What a session is made of.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::super::Limits;
use super::super::quotas::Quota;
use super::super::threads::Home;
use super::super::v1::Pairs;
use super::super::v2::Attendance;
use super::turns::All;
use crate::auth::Bearer;
use crate::cluster::NodeId;
use crate::metrics::{Metrics, Wire};
use crate::proxy::Rules;
use crate::wire::Prefix;
use crate::wire::v2::Attempt;

/// What a session is opened with.
pub(in crate::server) struct Opening {
    pub(in crate::server) prefix: Prefix,
    /// When the auth token's time is over, in Unix seconds: the session ends then.
    pub(in crate::server) expiry: Option<u64>,
    /// Who has opened it, where tokens are asked for.
    pub(in crate::server) bearer: Option<Bearer>,
    /// Where it was opened from, where that is known.
    pub(in crate::server) from: Option<IpAddr>,
    /// Which of its client's attempts to open one it comes from.
    pub(in crate::server) attempt: Option<Attempt>,
    /// Whether the client is told at a stream's beginning how long its visitor has waited.
    pub(in crate::server) tells_waits: bool,
    /// The places for exchanges that it shares with all sessions of the same token, or subject.
    pub(in crate::server) shared_places: Option<Arc<Quota>>,
    /// How long visitors wait for the client where it is gone.
    pub(in crate::server) hold: Duration,
    /// What the hop does. Given to it when the session starts.
    pub(in crate::server) rules: Rules,
    /// How long the target may take to answer.
    pub(in crate::server) target_timeout: Option<Duration>,
}

/// What carries a session, on either wire.
#[derive(Clone)]
pub(in crate::server) enum Link {
    V1(Pairs),
    V2(Arc<Attendance>),
}

impl Link {
    pub(in crate::server) fn wire(&self) -> Wire {
        match self {
            Self::V1(_) => Wire::V1,
            Self::V2(_) => Wire::V2,
        }
    }
}

/// What a session has of its server.
pub(in crate::server) struct Around {
    pub(in crate::server) tasks: TaskTracker,
    /// The server is to stop.
    pub(in crate::server) stopping: CancellationToken,
    pub(in crate::server) closing: CancellationToken,
    pub(in crate::server) limits: Limits,
    pub(in crate::server) clock: fn() -> u64,
    /// Which of several servers it is.
    pub(in crate::server) node: Option<NodeId>,
    pub(in crate::server) home: Home,
    pub(in crate::server) all: Arc<All>,
    pub(in crate::server) metrics: Arc<Metrics>,
}
