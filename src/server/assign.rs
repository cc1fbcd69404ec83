//! Which thread a connection belongs to, by the first head on it, or a request: that of the session which it names. What is not
//! known by then costs a hop between threads, and changes nothing else.

use axum::extract::Request;

use super::config::Config;
use super::domain::host;
use super::threads::Home;
use super::{Server, http2, v1};
use crate::wire;
use crate::wire::SessionId;

/// The most lines of a head that are looked at.
const MAX_LINES: usize = 100;

const HOST: &str = "host";

/// What somebody wants who begins a connection.
#[derive(Debug, PartialEq, Eq)]
enum Errand {
    /// To open a session.
    Open,
    /// To carry a session, which is named so on wire v1.
    CarryV1(String),
    /// The same on wire v2.
    CarryV2(SessionId),
    /// To visit the tunnel of this name.
    Visit(String),
    /// Anything on HTTP/2, whose heads are for who knows what went before.
    Http2,
}

/// The home of a connection that begins so; none where it may stay where it is.
pub(super) fn home(server: &Server, begins: &[u8]) -> Option<Home> {
    if server.0.threads.are_one() {
        return None;
    }
    match errand(begins, &server.0.config)? {
        Errand::Open | Errand::Http2 => Some(server.0.threads.settle()),
        named => home_at(server, named),
    }
}

/// The home of the session that a request names, where there are several.
pub(super) fn home_of(server: &Server, request: &Request) -> Option<Home> {
    if server.0.threads.are_one() {
        return None;
    }
    home_at(server, errand_of(request, &server.0.config)?)
}

fn home_at(server: &Server, errand: Errand) -> Option<Home> {
    let registry = &server.0.registry;
    let session = match errand {
        Errand::Open | Errand::Http2 => None,
        Errand::CarryV1(token) => registry.by_id(&server.connected(&token)?),
        Errand::CarryV2(session) => registry.by_id(&session),
        Errand::Visit(prefix) => registry.by_prefix(&prefix),
    };
    Some(session?.home())
}

fn errand(begins: &[u8], config: &Config) -> Option<Errand> {
    if begins.starts_with(http2::PREFACE) {
        return Some(Errand::Http2);
    }
    let mut lines = [httparse::EMPTY_HEADER; MAX_LINES];
    let mut head = httparse::Request::new(&mut lines);
    // Of a head that has not come whole the path may be there.
    head.parse(begins).ok()?;
    let value = |name: &str| {
        let line = head.headers.iter().find(|line| line.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(line.value).ok()
    };
    named(head.path?, value, config)
}

fn errand_of(request: &Request, config: &Config) -> Option<Errand> {
    let value = |name: &str| match name {
        HOST => host(request),
        name => request.headers().get(name)?.to_str().ok(),
    };
    named(request.uri().path_and_query()?.as_str(), value, config)
}

/// What a request for `target` wants, by what its headers say.
fn named<'a>(target: &str, value: impl Fn(&str) -> Option<&'a str>, config: &Config) -> Option<Errand> {
    if let Some(domain) = &config.domain
        && let Some(name) = domain.tunnel_at(value(HOST)?)
    {
        return Some(Errand::Visit(name));
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    match path.strip_prefix(config.base.as_str())? {
        wire::v1::OPEN | wire::v2::OPEN => Some(Errand::Open),
        wire::v1::READ | wire::v1::WRITE => Some(Errand::CarryV1(v1::token(query).into_owned())),
        wire::v2::READ | wire::v2::WRITE => value(wire::v2::SESSION_HEADER)?.parse().ok().map(Errand::CarryV2),
        _ => config.base.prefix_of(path).map(|prefix| Errand::Visit(prefix.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;
    use crate::wire::v2::SESSION_HEADER;

    #[test]
    fn a_head_says_where_a_connection_belongs() {
        let mut config = Config::new(None, || 0);
        config.base = "/below".parse().unwrap();
        config.domain = Some("t.example".parse().unwrap());
        let id = "0123456789abcdef".repeat(4);
        let session = || Some(Errand::CarryV2(id.parse().unwrap()));
        let token = || Some(Errand::CarryV1("a+b".to_owned()));
        let visit = || Some(Errand::Visit("my-app".to_owned()));
        let posted = |path: &str, more: &str| format!("POST /below{path} HTTP/1.1\r\nHost: t.example\r\n{more}\r\n");
        for (begins, expected) in [
            (posted(wire::v1::OPEN, ""), Some(Errand::Open)),
            (posted(wire::v2::OPEN, ""), Some(Errand::Open)),
            (posted(&format!("{}?token=a%2Bb", wire::v1::READ), ""), token()),
            (posted(&format!("{}?x=1&token=a%2Bb", wire::v1::WRITE), ""), token()),
            (posted(wire::v2::WRITE, &format!("sendit-session: {id}\r\n")), session()),
            (posted(wire::v2::READ, &format!("Sendit-Session: {id}\r\n")), session()),
            (posted(wire::v2::READ, ""), None),
            (posted(wire::v2::READ, "sendit-session: 7\r\n"), None),
            (posted("/my-app/x?y", ""), visit()),
            (posted("/my-app?y", ""), visit()),
            ("GET /my-app HTTP/1.1\r\nHost: t.example\r\n\r\n".to_owned(), None),
            ("GET /below/x HTTP/1.1\r\nhost: My-App.T.example:81\r\n\r\n".to_owned(), visit()),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n and more".to_owned(), Some(Errand::Http2)),
            ("G".to_owned(), None),
            ("GET /".to_owned(), None),
            ("\0".to_owned(), None),
            ("GET /below/a b HTTP/1.1\r\n\r\n".to_owned(), None),
        ] {
            assert_eq!(errand(begins.as_bytes(), &config), expected, "{begins}");
        }
    }

    #[test]
    fn so_does_a_request() {
        let mut config = Config::new(None, || 0);
        config.domain = Some("t.example".parse().unwrap());
        let (id, visit) = ("0123456789abcdef".repeat(4), || Some(Errand::Visit("my-app".to_owned())));
        let v1 = format!("{}?token=a%2Bb", wire::v1::WRITE);
        for (uri, name, value, expected) in [
            ("/my-app/x?y", "host", "t.example", visit()),
            ("/x", "host", "my-app.t.example:81", visit()),
            ("https://my-app.t.example/x", "accept", "*/*", visit()),
            (wire::v2::READ, SESSION_HEADER, &id, Some(Errand::CarryV2(id.parse().unwrap()))),
            (wire::v2::READ, SESSION_HEADER, "7", None),
            (&v1, "host", "t.example", Some(Errand::CarryV1("a+b".to_owned()))),
            ("*", "host", "t.example", None),
        ] {
            let mut request = Request::builder().uri(uri).header("host", "t.example").body(Body::empty()).unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
            assert_eq!(errand_of(&request, &config), expected, "{uri} {value}");
        }
    }

    #[test]
    fn a_path_is_enough_where_the_host_is_nobodys() {
        let visit = Some(Errand::Visit("my-app".to_owned()));
        let begins = b"GET /my-app HTTP/1.1\r\nCookie: very long";
        assert_eq!(errand(begins, &Config::new(None, || 0)), visit);
    }
}
