//! What the other servers ask of their own accord: whether a prefix is held here, what this one was told that all have to share, and, for
//! whoever runs them all, what sessions there are. Knows no visitor: none can have such a request made.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get};
use serde::{Deserialize, Serialize};

use super::super::Server;
use super::shared::Shared;

/// By which claim a server holds a prefix, and how long visitors wait for that.
#[derive(Serialize, Deserialize)]
pub(super) struct Holds {
    pub(super) fence: String,
    pub(super) hold_ms: u64,
}

pub(super) fn routes(server: Server) -> Router {
    Router::new()
        .route("/holds/{prefix}", get(holds))
        .route("/shared", get(shared))
        .route("/sessions", get(sessions))
        .route("/sessions/{id}", delete(end))
        .with_state(server)
}

async fn holds(State(server): State<Server>, Path(prefix): Path<String>) -> Result<String, StatusCode> {
    let cluster = server.0.config.cluster.as_ref().filter(|cluster| cluster.directory.may_answer());
    let claim = cluster.filter(|_| server.has(&prefix)).and_then(|cluster| cluster.claims.held(&prefix));
    let session = server.0.registry.by_prefix(&prefix);
    let (claim, session) = claim.zip(session).ok_or(StatusCode::NOT_FOUND)?;
    let hold_ms = u64::try_from(session.hold().as_millis()).unwrap_or(u64::MAX);
    let holds = Holds { fence: claim.fence().to_string(), hold_ms };
    Ok(serde_json::to_string(&holds).unwrap_or_default())
}

async fn shared(State(server): State<Server>) -> Result<String, StatusCode> {
    let cluster = server.0.config.cluster.as_ref().ok_or(StatusCode::NOT_FOUND)?;
    Ok(serde_json::to_string(&Shared::of(&server, cluster)).unwrap_or_default())
}

async fn sessions(State(server): State<Server>) -> String {
    serde_json::to_string(&server.listed()).unwrap_or_default()
}

async fn end(State(server): State<Server>, Path(id): Path<String>) -> StatusCode {
    let is_ended = id.parse().is_ok_and(|id| server.dismiss(&id));
    if is_ended { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}
