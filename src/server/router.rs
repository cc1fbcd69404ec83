//! Which request goes where.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, post};
use http::header::HOST;

use super::{PlainHttp, Server, public, v1, v2};
use crate::proxy::Fault;
use crate::wire;

pub(super) fn router(server: Server) -> Router {
    let base = server.0.config.base.as_str();
    let router = Router::new()
        .route("/", any(public::root))
        .route(&format!("{base}{}", wire::v1::OPEN), post(v1::open))
        .route(&format!("{base}{}", wire::v1::READ), post(v1::read))
        .route(&format!("{base}{}", wire::v1::WRITE), post(v1::write))
        .route(&format!("{base}{}", wire::v1::DRAIN), post(v1::drain))
        .route(&format!("{base}{}", wire::v2::OPEN), post(v2::open))
        .route(&format!("{base}{}", wire::v2::READ), post(v2::read))
        .route(&format!("{base}{}", wire::v2::WRITE), post(v2::write))
        .route(&format!("{base}{}", wire::v2::DRAIN), post(v2::drain))
        .fallback(public::visit);
    let router = match server.0.config.plain_http {
        PlainHttp::Serve => router,
        PlainHttp::Redirect => router.layer(from_fn_with_state(server.clone(), redirect)),
    };
    router.with_state(server)
}

/// Sends a visitor who came over plain HTTP to the same address under `https`: to the public address where it is
/// known, for `Host` is what the visitor made of it.
async fn redirect(State(server): State<Server>, request: Request, next: Next) -> Response {
    let plain = request.headers().get("x-forwarded-proto").is_some_and(|proto| proto == "http");
    if !plain {
        return next.run(request).await;
    }
    let host = match &server.0.config.public_url {
        Some(url) => url.authority().to_owned(),
        None => request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned(),
    };
    if host.parse::<http::uri::Authority>().is_err() {
        return Fault::BadRequest.answer(request.headers());
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    Redirect::temporary(&format!("https://{host}{path}")).into_response()
}
