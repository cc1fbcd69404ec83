//! Carriers, and all else that names a session: they go to the server that has it, which the session's id says.

use std::sync::PoisonError;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::RETRY_AFTER;

use super::super::public::caller;
use super::super::{Server, v1};
use super::{Cluster, Taken, passed};
use crate::cluster::{Node, NodeId};
use crate::metrics;
use crate::proxy::{Breaker, relay};
use crate::wire::SessionId;
use crate::wire::v2::SESSION_HEADER;

/// Where a session's server is.
enum Way {
    /// It is this one, or nobody.
    Here,
    At(Node),
    /// Which server has it nobody can say now.
    Undecided,
}

/// Passes on what belongs to a session of another server. Nothing is checked here that the other checks: it knows the session.
pub(in crate::server) async fn pass_elsewhere(State(server): State<Server>, request: Request, next: Next) -> Response {
    let Some(cluster) = &server.0.config.cluster else { return next.run(request).await };
    let session = session(&server, &request).filter(|session| NodeId::of(session) != cluster.me());
    let Some(session) = session.filter(|_| request.extensions().get::<Taken>().is_none()) else {
        return next.run(request).await;
    };
    match cluster.way(NodeId::of(&session)).await {
        Way::Here => next.run(request).await,
        Way::Undecided => later(),
        Way::At(node) => {
            let told = passed(&request, &caller(&request));
            server.0.metrics.passed_on.count(metrics::Passed::Carrier);
            // A server that stops waits for it like for an exchange where the session would end with it: on v1.
            let is_v1 = !request.headers().contains_key(SESSION_HEADER);
            let under_way = is_v1.then(|| server.0.exchanges.lock().unwrap_or_else(PoisonError::into_inner).token());
            match cluster.peers.pass(&node, Some(session.as_str()), request, &told).await {
                Ok(answer) => relay(answer, Breaker::default(), under_way),
                // Its lease may not be over yet, and it may be back.
                Err(_) => later(),
            }
        }
    }
}

impl Cluster {
    async fn way(&self, node: NodeId) -> Way {
        match self.directory.node(node).await {
            Ok(Some(node)) => Way::At(node),
            // It is no more, and so are its sessions: this server says so like any other.
            Ok(None) => Way::Here,
            Err(_) => Way::Undecided,
        }
    }
}

/// The session that a request names, on either wire. Whether it may is for that session's server to find out.
fn session(server: &Server, request: &Request) -> Option<SessionId> {
    match request.headers().get(SESSION_HEADER) {
        Some(named) => named.to_str().ok()?.parse().ok(),
        None => server.connected(&v1::token(request.uri().query()?)),
    }
}

fn later() -> Response {
    let said = "the server that has the session does not answer just now\n";
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], said).into_response()
}
