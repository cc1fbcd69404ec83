//! Who may ask for more than health: whoever shows the token, and where there is none, whoever is on this machine and no
//! page in a browser that runs on it. Knows heads alone.

use std::net::SocketAddr;

use axum::extract::{Extension, Request, State};
use axum::http::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue, ORIGIN, WWW_AUTHENTICATE};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Token;

/// The address at which a connection reached the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reached(pub(super) SocketAddr);

/// Lets those pass who show the token.
pub(super) async fn by_token(State(token): State<Token>, request: Request, next: Next) -> Response {
    let shown = only(request.headers(), &AUTHORIZATION);
    if shown.and_then(|value| value.as_bytes().strip_prefix(b"Bearer ")).is_some_and(|shown| token.is(shown)) {
        return next.run(request).await;
    }
    let mut refused =
        (StatusCode::UNAUTHORIZED, "this takes `Authorization: Bearer`, with the admin token\n").into_response();
    refused.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    refused
}

/// Lets those pass who ask for the address that they have reached. A name that somebody else's server gave it is none of
/// ours: that is how a foreign page would become one of this origin (DNS rebinding).
pub(super) async fn by_address(Extension(reached): Extension<Reached>, request: Request, next: Next) -> Response {
    if !reached.is_asked(request.uri(), request.headers()) {
        return (
            StatusCode::MISDIRECTED_REQUEST,
            "without an admin token this goes by its own address and `localhost` alone, with the port; no other `Host` \
             is answered\n",
        )
            .into_response();
    }
    if !reached.is_origin(request.headers()) {
        return (StatusCode::FORBIDDEN, "pages of another origin get no answer here\n").into_response();
    }
    next.run(request).await
}

impl Reached {
    fn is_asked(self, uri: &Uri, headers: &HeaderMap) -> bool {
        uri.authority().map(Authority::as_str).is_none_or(|authority| self.is(authority.as_bytes()))
            && only(headers, &HOST).is_some_and(|host| self.is(host.as_bytes()))
    }

    /// Browsers name the origin of whatever asks; what names none is no page, or asks for its own.
    fn is_origin(self, headers: &HeaderMap) -> bool {
        !headers.contains_key(ORIGIN)
            || only(headers, &ORIGIN)
                .and_then(|origin| origin.as_bytes().strip_prefix(b"http://"))
                .is_some_and(|host| self.is(host))
    }

    fn is(self, host: &[u8]) -> bool {
        let port = self.0.port();
        [self.0.to_string(), format!("localhost:{port}")].iter().any(|own| {
            // The one that is left out.
            let short = own.strip_suffix(":80").filter(|_| port == 80);
            [Some(&**own), short].into_iter().flatten().any(|own| own.as_bytes().eq_ignore_ascii_case(host))
        })
    }
}

/// The value of a header that stands once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "127.0.0.1:5051";

    #[track_caller]
    fn check(reached: &str, uri: &str, hosts: &[&str], expected: bool) {
        let headers = hosts.iter().map(|host| (HOST, HeaderValue::from_str(host).unwrap())).collect();
        let asked = Reached(reached.parse().unwrap()).is_asked(&uri.parse().unwrap(), &headers);
        assert_eq!(asked, expected, "{reached} {uri} {hosts:?}");
    }

    #[test]
    fn hosts() {
        for host in [HERE, "localhost:5051", "LocalHost:5051"] {
            check(HERE, "/metrics", &[host], true);
            check(HERE, &format!("http://{host}/metrics"), &[host], true);
        }
        let others =
            ["127.0.0.1", "localhost", "127.0.0.1:5052", "evil.example:5051", "localhost.evil.example:5051", ""];
        for host in others {
            check(HERE, "/metrics", &[host], false);
        }
        check(HERE, "/metrics", &[], false);
        check(HERE, "/metrics", &[HERE, HERE], false);
        check(HERE, "http://evil.example:5051/metrics", &[HERE], false);
        check("127.0.0.7:80", "/metrics", &["127.0.0.7"], true);
        check("127.0.0.7:80", "/metrics", &["localhost"], true);
        check("[::1]:80", "/metrics", &["[::1]"], true);
        check("[::1]:5051", "/metrics", &["[::1]:5051"], true);
        check("127.0.0.1:8080", "/metrics", &["127.0.0.1:80"], false);
    }

    #[test]
    fn origins() {
        for (origins, expected) in [
            (&[][..], true),
            (&["http://localhost:5051"], true),
            (&["http://127.0.0.1:5051"], true),
            (&["http://localhost:5051", "http://localhost:5051"], false),
            (&["https://localhost:5051"], false),
            (&["http://localhost:3000"], false),
            (&["http://evil.example"], false),
            (&["null"], false),
        ] {
            let headers = origins.iter().map(|origin| (ORIGIN, HeaderValue::from_static(origin))).collect();
            assert_eq!(Reached(HERE.parse().unwrap()).is_origin(&headers), expected, "{origins:?}");
        }
    }
}
