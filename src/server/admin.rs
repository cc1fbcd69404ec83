//! What whoever runs the server asks it, at an address of its own: whether it lives and takes visitors, what it counts, and
//! its sessions. Knows nothing of what visitors and clients ask.

mod accept;
mod guard;
mod listed;
mod sessions;
mod token;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use tokio::net::TcpListener;

pub use listed::{Listed, Sessions, Silent};
pub use token::{InvalidToken, Token};

use super::{Cluster, Server};
use crate::metrics;

/// Answers at `listener` for as long as this runs, also while the server drains. With a token, whoever asks for anything but
/// the server's health has to show it; without, it has to name the address that it has reached, and sessions are told to
/// nobody. Cancelling it cuts who is answered just then.
pub async fn serve(listener: TcpListener, server: Server, token: Option<Token>) {
    accept::accept(listener, router(server, token)).await;
}

fn router(server: Server, token: Option<Token>) -> Router {
    let mut guarded = Router::new().route("/metrics", get(page));
    guarded = match token {
        None => guarded
            .route("/sessions", get(untold))
            .route("/sessions/{id}", delete(untold))
            .route_layer(from_fn(guard::by_address)),
        Some(token) => guarded
            .route("/sessions", get(sessions::list))
            .route("/sessions/{id}", delete(sessions::end))
            .route_layer(from_fn_with_state(token, guard::by_token)),
    };
    let open = Router::new().route("/healthz", get(alive)).route("/readyz", get(ready));
    let nowhere =
        async || (StatusCode::NOT_FOUND, "there is nothing here but /healthz, /readyz, /metrics and /sessions\n");
    let fresh = async |mut answer: Response| {
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        answer
    };
    guarded.merge(open).fallback(nowhere).layer(map_response(fresh)).with_state(server)
}

async fn untold() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "this server tells nobody of its sessions: it was given no admin token\n")
}

/// Answers once each thread has had its turn, and so not where one is stuck.
async fn alive(State(server): State<Server>) -> &'static str {
    server.answer().await;
    "the server lives\n"
}

/// Whether visitors and clients are taken: what a load balancer has to know.
async fn ready(State(server): State<Server>) -> Response {
    let cluster = server.0.config.cluster.as_ref();
    if server.is_draining() || cluster.is_some_and(Cluster::is_leaving) {
        return not_ready("the server is about to stop\n");
    }
    if server.awaits_certificate() {
        return not_ready("the server has no certificate yet\n");
    }
    match cluster.and_then(Cluster::trouble) {
        Some(trouble) => not_ready(trouble + "\n"),
        None => "the server takes visitors\n".into_response(),
    }
}

fn not_ready(why: impl IntoResponse) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
}

async fn page(State(server): State<Server>) -> Response {
    let mut page = server.metrics().into_response();
    page.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(metrics::CONTENT_TYPE));
    page
}

#[cfg(test)]
mod tests;
