//! Which request goes where.

use axum::Router;
use axum::extract::{OriginalUri, Request, State};
use axum::middleware::{Next, from_fn_with_state, map_request};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, post};
use http::header::HOST;
use tower_service::Service as _;

use super::access_log::{self, Entry};
use super::public::Arrival;
use super::{Config, PlainHttp, Server, public, v1, v2};
use crate::proxy::{Fault, is_host};
use crate::wire::{self, Prefix};

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
        .route(&format!("{base}{}", wire::v2::measure::EXAMINE), post(v2::examine::open))
        .route(&format!("{base}{}", wire::v2::measure::MEASURE_DOWN), post(v2::examine::down))
        .route(&format!("{base}{}", wire::v2::measure::MEASURE_UP), post(v2::examine::up))
        // A client whose connection has ended is gone, whatever answer it is owed.
        .route_layer(map_request(async |mut request: Request| {
            if let Some(arrival) = request.extensions_mut().get_mut::<Arrival>() {
                arrival.owed = None;
            }
            request
        }))
        .fallback(public::routed);
    let router = match server.0.config.plain_http {
        PlainHttp::Serve => router,
        PlainHttp::Redirect => router.layer(from_fn_with_state(server.clone(), redirect)),
    };
    router.with_state(server)
}

/// What answers the requests of the server's own listener.
#[derive(Clone)]
pub(super) struct Routes {
    server: Server,
    router: Router,
}

impl Routes {
    pub(super) fn of(server: &Server) -> Self {
        Self { server: server.clone(), router: router(server.clone()) }
    }

    /// Whose routes they are.
    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    /// Answers as the router would.
    pub(super) async fn answer(&self, mut request: Request, arrival: Arrival) -> Response {
        if self.is_plain_visit(request.uri().path()) {
            // Apart, for each connection has room for what this future keeps beside itself, and most of a session's do not
            // bring visitors.
            return Box::pin(public::visit(self.server.clone(), request, arrival)).await;
        }
        request.extensions_mut().insert(arrival);
        match self.router.clone().call(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        }
    }

    /// Whether the router would only pass it on to [`public::visit`]: that costs more than all that is done there before
    /// the request is on its way. No control endpoint is below what may be a prefix.
    fn is_plain_visit(&self, path: &str) -> bool {
        let config = &self.server.0.config;
        config.plain_http == PlainHttp::Serve && config.base.prefix_of(path).is_some_and(Prefix::is_valid)
    }
}

/// Sends a visitor who came over plain HTTP to the same address under `https`: to the public address where it is
/// known, for `Host` is what the visitor made of it.
async fn redirect(State(server): State<Server>, request: Request, next: Next) -> Response {
    let plain = request.headers().get("x-forwarded-proto").is_some_and(|proto| proto == "http");
    if !plain {
        return next.run(request).await;
    }
    let Config { trusted, public_url, .. } = &server.0.config;
    let from = trusted.origin(&public::caller(&request), request.headers());
    let host = match public_url {
        Some(url) => url.authority().to_owned(),
        // Which of the two there is, is a matter of the version of HTTP.
        None => match request.uri().authority() {
            Some(host) => host.to_string(),
            None => request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned(),
        },
    };
    if !is_host(&host) {
        access_log::refused(&server, from, Fault::BadRequest);
        return Fault::BadRequest.answer(request.headers());
    }
    // What a program that mounts the router has cut off is part of the address.
    let uri = request.extensions().get::<OriginalUri>().map_or(request.uri(), |whole| &whole.0);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let answer = Redirect::temporary(&format!("https://{host}{path}")).into_response();
    let from = trusted.spelt_origin(&public::caller(&request), request.headers());
    Entry::begin(&server, from, request.method(), uri).answered_here(&answer, None);
    answer
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::header::LOCATION;

    use super::*;

    async fn check(app: fn(Router) -> Router, path: &str, location: &str) {
        let mut config = Config::new(None, || 0);
        config.plain_http = PlainHttp::Redirect;
        config.public_url = Some("https://example.com".parse().unwrap());
        let request = Request::builder().uri(path).header("x-forwarded-proto", "http").header(HOST, "made.up");
        let response = app(Server::new(config).router()).call(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.headers()[LOCATION], location);
    }

    #[tokio::test]
    async fn a_redirect_keeps_the_whole_path() {
        check(|own| own, "/foo/x?y=%2F", "https://example.com/foo/x?y=%2F").await;
        check(|own| Router::new().nest("/tunnels", own), "/tunnels/foo/x?y", "https://example.com/tunnels/foo/x?y")
            .await;
    }

    #[tokio::test]
    async fn a_redirect_leads_to_a_host_and_to_nothing_else() {
        for (host, location) in [
            ("a.example:81", Some("https://a.example:81/foo")),
            ("[::1]:81", Some("https://[::1]:81/foo")),
            ("a@evil.example", None),
            ("a:b@evil.example:1", None),
            ("evil.example/x", None),
            ("", None),
        ] {
            let mut config = Config::new(None, || 0);
            config.plain_http = PlainHttp::Redirect;
            let request = Request::builder().uri("/foo").header("x-forwarded-proto", "http").header(HOST, host);
            let request = request.body(Body::empty()).unwrap();
            let response = Server::new(config).router().call(request).await.unwrap();
            let led = response.headers().get(LOCATION).map(|location| location.to_str().unwrap());
            assert_eq!((led, response.status() == 400), (location, location.is_none()), "{host:?}");
        }
    }

    #[tokio::test]
    async fn what_the_router_decides_is_left_to_it() {
        let is_plain = |plain_http, path: &str| {
            let mut config = Config::new(None, || 0);
            config.plain_http = plain_http;
            Routes::of(&Server::new(config)).is_plain_visit(path)
        };
        for path in ["/my-app", "/my-app/", "/my-app/x/../.well-known/sendit/v2/open"] {
            assert!(is_plain(PlainHttp::Serve, path), "{path}");
            assert!(!is_plain(PlainHttp::Redirect, path), "{path}");
        }
        for path in ["/", "/x", "/My-App/", wire::v1::OPEN, wire::v1::READ, wire::v2::OPEN, wire::v2::measure::EXAMINE]
        {
            assert!(!is_plain(PlainHttp::Serve, path), "{path}");
        }
    }
}
