//! A visitor's way to the session that holds the prefix of the path.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, OriginalUri, Request, State};
use axum::response::Response;
use http::StatusCode;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use super::Server;
use super::session::Session;
use crate::proxy::{Fault, Visitor};

/// How long a visitor's request is held for a client that is gone. GitHub gives a webhook 10 s.
const HOLD: Duration = Duration::from_secs(10);

/// Everything that is no control endpoint.
pub(super) async fn visit(State(server): State<Server>, mut request: Request) -> Response {
    let accept = request.headers().get(http::header::ACCEPT).cloned();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    // What a program that mounts the router has cut off is part of what the visitor sent.
    let whole = request.extensions_mut().remove::<OriginalUri>();
    let answer = pass_on(&server, request, whole).await;
    let status = answer.as_ref().map_or_else(|fault| fault.status(), Response::status);
    tracing::debug!(%method, path = path.escape_default().to_string(), status = status.as_u16(), "exchange");
    answer.unwrap_or_else(|fault| {
        let headers = accept.map(|accept| (http::header::ACCEPT, accept)).into_iter().collect();
        fault.answer(&headers)
    })
}

/// The session that holds the prefix, with a place for one exchange, once its client is there: the one of now, or the one
/// that takes its place.
async fn attended(server: &Server, prefix: &str) -> Result<(Arc<Session>, OwnedSemaphorePermit), Fault> {
    let deadline = Instant::now() + HOLD;
    loop {
        let session = server.0.registry.by_prefix(prefix).ok_or(Fault::UnknownPrefix)?;
        let place = session.place().await?;
        // Before anything of the request is on its way: a visitor who is told that nobody is there can safely try again.
        if timeout_at(deadline, session.attended()).await.map_err(|_| Fault::ClientOffline)?? {
            return Ok((session, place));
        }
        // Its lease is freed in the same breath as it ends.
        tokio::task::yield_now().await;
    }
}

async fn pass_on(server: &Server, mut request: Request, whole: Option<OriginalUri>) -> Result<Response, Fault> {
    let prefix = server.0.config.base.prefix_of(request.uri().path());
    let one_of_all = Arc::clone(&server.0.places).try_acquire_owned().map_err(|_| Fault::Limit)?;
    let (session, place) = attended(server, prefix.ok_or(Fault::UnknownPrefix)?).await?;
    if server.is_draining() {
        return Err(Fault::Limit);
    }
    if let Some(OriginalUri(whole)) = whole {
        *request.uri_mut() = whole;
    }
    let visitor = caller(&request);
    session.forward(request, &visitor, (one_of_all, place, server.0.exchanges.token())).await
}

/// Who calls, as the socket says.
pub(super) fn caller(request: &Request) -> Visitor {
    let extensions = request.extensions();
    extensions.get::<Visitor>().copied().unwrap_or_else(|| Visitor {
        peer: extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0),
        secure: false,
    })
}

/// The public root, so that a load balancer finds something alive.
pub(super) async fn root() -> StatusCode {
    StatusCode::OK
}
