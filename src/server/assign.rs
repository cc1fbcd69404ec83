//! Which thread a connection belongs to, by the first head on it: that of the session which it names. What is not known
//! by then costs a hop between threads, and changes nothing else.

use super::config::Config;
use super::threads::Home;
use super::{Server, http2, v1};
use crate::wire;
use crate::wire::SessionId;

/// The most lines of a head that are looked at.
const MAX_LINES: usize = 100;

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
    let (threads, registry) = (&server.0.threads, &server.0.registry);
    if threads.are_one() {
        return None;
    }
    let session = match errand(begins, &server.0.config)? {
        Errand::Open | Errand::Http2 => return Some(threads.settle()),
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
    if let Some(domain) = &config.domain
        && let Some(name) = domain.tunnel_at(value("host")?)
    {
        return Some(Errand::Visit(name));
    }
    let (path, query) = head.path?.split_once('?').unwrap_or((head.path?, ""));
    match path.strip_prefix(config.base.as_str())? {
        wire::v1::OPEN | wire::v2::OPEN => Some(Errand::Open),
        wire::v1::READ | wire::v1::WRITE => Some(Errand::CarryV1(v1::token(query).into_owned())),
        wire::v2::READ | wire::v2::WRITE => value(wire::v2::SESSION_HEADER)?.parse().ok().map(Errand::CarryV2),
        _ => config.base.prefix_of(path).map(|prefix| Errand::Visit(prefix.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_path_is_enough_where_the_host_is_nobodys() {
        let visit = Some(Errand::Visit("my-app".to_owned()));
        let begins = b"GET /my-app HTTP/1.1\r\nCookie: very long";
        assert_eq!(errand(begins, &Config::new(None, || 0)), visit);
    }
}
