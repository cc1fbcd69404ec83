//! Who came over plain HTTP is sent to the same address under `https`.

use axum::Router;
use axum::extract::{OriginalUri, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::any;
use http::uri::Authority;
use http::{StatusCode, Uri};

use super::access_log::{self, Entry};
use super::domain::host;
use super::{Config, Server, public, v2};
use crate::proxy::{Fault, is_host};
use crate::wire;

/// Answers who came by a proxy that says that this was over plain HTTP, and passes everybody else on.
pub(super) async fn unless_secure(State(server): State<Server>, request: Request, next: Next) -> Response {
    if request.headers().get("x-forwarded-proto").is_some_and(|proto| proto == "http") {
        answer(&server, &request, |host| Some(host.to_owned()))
    } else {
        next.run(request).await
    }
}

/// All of a listener that serves nobody: visitors are sent to `https` at `port`, and clients are told what to type. A
/// client that followed would show its token to the whole network each time.
pub(super) fn router(server: Server, port: u16) -> Router {
    let visitors = move |State(server): State<Server>, request: Request| async move {
        answer(&server, &request, |host| at_port(host, port))
    };
    let opens = [wire::v1::OPEN, wire::v2::OPEN, wire::v2::measure::EXAMINE];
    let base = server.0.config.base.as_str();
    let router =
        opens.into_iter().fold(Router::new(), |router, path| router.route(&format!("{base}{path}"), any(client)));
    router.fallback(visitors).with_state(server)
}

async fn client() -> Response {
    v2::refused(StatusCode::BAD_REQUEST, "bad-request", "tokens are taken over `https://` alone")
}

/// The same host at another port, which is left out where it is `https`'s own.
fn at_port(host: &str, port: u16) -> Option<String> {
    let authority: Authority = host.parse().ok()?;
    Some(match port {
        443 => authority.host().to_owned(),
        port => format!("{}:{port}", authority.host()),
    })
}

/// Leads to the public address where it is known, for `Host` is what the visitor made of it; else, and where that is the
/// host of a tunnel, to what `place` makes of that.
fn answer(server: &Server, request: &Request, place: impl FnOnce(&str) -> Option<String>) -> Response {
    let Config { trusted, public_url, domain, .. } = &server.0.config;
    let is_tunnels_own = domain.as_ref().is_some_and(|domain| domain.tunnel_of(request).is_some());
    let host = match public_url {
        Some(url) if !is_tunnels_own => Some(url.authority().to_owned()),
        _ => host(request).filter(|host| is_host(host)).and_then(place),
    };
    let Some(host) = host else {
        access_log::refused(server, public::origin(server, request), Fault::BadRequest);
        return Fault::BadRequest.answer(request.headers());
    };
    // What a program that mounts the router has cut off is part of the address.
    let uri: &Uri = request.extensions().get::<OriginalUri>().map_or(request.uri(), |whole| &whole.0);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let answer = Redirect::temporary(&format!("https://{host}{path}")).into_response();
    let from = trusted.spelt_origin(&public::caller(request), request.headers());
    Entry::begin(server, from, request.method(), uri).answered_here(&answer, None);
    answer
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::header::{HOST, LOCATION};
    use tower_service::Service as _;

    use super::*;
    use crate::server::PlainHttp;

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
    async fn a_host_of_a_tunnels_own_is_kept() {
        for (host, location) in [
            ("my-app.t.example:81", "https://my-app.t.example:81/x"),
            ("t.example", "https://example.com/x"),
            ("my-app.evil.example", "https://example.com/x"),
        ] {
            let mut config = Config::new(None, || 0);
            config.plain_http = PlainHttp::Redirect;
            config.public_url = Some("https://example.com".parse().unwrap());
            config.domain = Some("t.example".parse().unwrap());
            let request = Request::builder().uri("/x").header("x-forwarded-proto", "http").header(HOST, host);
            let request = request.body(Body::empty()).unwrap();
            let response = Server::new(config).router().call(request).await.unwrap();
            assert_eq!(response.headers()[LOCATION], location, "{host}");
        }
    }

    #[tokio::test]
    async fn a_listener_of_its_own_leads_to_the_port_of_https() {
        for (port, path, host, expected) in [
            (443, "/foo?x", "a.example", Ok("https://a.example/foo?x")),
            (443, "/foo", "a.example:80", Ok("https://a.example/foo")),
            (8443, "/", "a.example:8080", Ok("https://a.example:8443/")),
            (8443, "/", "[::1]:8080", Ok("https://[::1]:8443/")),
            (443, "/", "a@evil.example", Err(400)),
            (443, wire::v1::OPEN, "a.example", Err(400)),
            (443, wire::v2::OPEN, "a.example", Err(400)),
        ] {
            let request = Request::builder().uri(path).header(HOST, host).body(Body::empty()).unwrap();
            let response = router(Server::new(Config::new(None, || 0)), port).call(request).await.unwrap();
            let led = response.headers().get(LOCATION).map(|location| location.to_str().unwrap());
            assert_eq!(led.ok_or(response.status().as_u16()), expected, "{port} {path} {host}");
        }
    }
}
