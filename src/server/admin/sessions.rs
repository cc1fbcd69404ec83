//! What is done with the sessions: all are listed, and one is ended, also where they live on others of several servers.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};

use super::super::Server;

/// `GET /sessions`.
pub(super) async fn list(State(server): State<Server>) -> Response {
    let mut all = match &server.0.config.cluster {
        None => server.sessions(),
        Some(cluster) => cluster.sessions(&server).await,
    };
    all.sessions.sort();
    let mut answer = (serde_json::to_string(&all).unwrap_or_default() + "\n").into_response();
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// `DELETE /sessions/{id}`: ends a session, and tells its client why.
pub(super) async fn end(State(server): State<Server>, Path(id): Path<String>) -> Response {
    let nobody = || (StatusCode::NOT_FOUND, "there is no session with this id\n").into_response();
    let Ok(id) = id.parse() else { return nobody() };
    let ended = match &server.0.config.cluster {
        None => Ok(server.dismiss(&id)),
        Some(cluster) => cluster.dismiss(&server, &id).await,
    };
    match ended {
        Ok(true) => StatusCode::NO_CONTENT.into_response(),
        Ok(false) => nobody(),
        Err(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, "the server that has the session does not answer\n").into_response()
        }
    }
}
