//! What the target is told of the visitor: the `X-Forwarded-…` family, believed from those who may say it, else
//! replaced by what the socket says.

use std::net::{IpAddr, SocketAddr};

use http::header::{FORWARDED, HOST, HeaderMap, HeaderName, HeaderValue};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
/// Programs that turn headers into environment variables take it for their proxy's address.
const PROXY: HeaderName = HeaderName::from_static("proxy");

/// What the socket says of who calls.
#[derive(Clone, Copy, Debug)]
pub struct Visitor {
    /// The other end of the visitor's connection, where the server accepted it itself.
    pub peer: Option<SocketAddr>,
    /// Whether the connection is TLS.
    pub secure: bool,
}

impl Visitor {
    /// Whether the peer is a proxy of ours, which may say who called it. Loopback is where such a proxy stands.
    fn is_trusted(&self) -> bool {
        self.peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback())
    }

    fn ip(&self) -> Option<IpAddr> {
        self.peer.map(|peer| peer.ip().to_canonical())
    }
}

/// Tells the target who calls, and drops what only looks as if it did.
pub(super) fn introduce(headers: &mut HeaderMap, visitor: &Visitor) {
    drop_aliases(headers);
    headers.remove(PROXY);
    if !visitor.is_trusted() {
        for name in [X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PORT, X_FORWARDED_PROTO, X_REAL_IP, FORWARDED] {
            headers.remove(name);
        }
    }
    if let Some(ip) = visitor.ip() {
        let ip = ip.to_string();
        append_to_list(headers, &X_FORWARDED_FOR, &ip);
        set_if_absent(headers, X_REAL_IP, &ip);
    }
    set_if_absent(headers, X_FORWARDED_PROTO, if visitor.secure { "https" } else { "http" });
    let Some(host) = headers.get(HOST).cloned() else { return };
    if let Ok(text) = host.to_str() {
        let secure = headers.get(X_FORWARDED_PROTO).is_some_and(|proto| proto == "https");
        let port = text.parse::<http::uri::Authority>().ok().and_then(|host| host.port_u16());
        let port = port.unwrap_or(if secure { 443 } else { 80 });
        set_if_absent(headers, X_FORWARDED_PORT, &port.to_string());
    }
    headers.entry(X_FORWARDED_HOST).or_insert(host);
}

/// `X_Forwarded_For` and the like, which many programs read as the name with dashes.
fn drop_aliases(headers: &mut HeaderMap) {
    let is_alias = |name: &HeaderName| {
        let name = name.as_str();
        name.contains('_') && {
            let dashed = name.replace('_', "-");
            dashed.starts_with("x-forwarded-") || dashed == X_REAL_IP.as_str()
        }
    };
    let aliases: Vec<HeaderName> = headers.keys().filter(|name| is_alias(name)).cloned().collect();
    for name in aliases {
        headers.remove(name);
    }
}

fn set_if_absent(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.entry(name).or_insert(value);
    }
}

fn append_to_list(headers: &mut HeaderMap, name: &HeaderName, value: &str) {
    let earlier = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    let list = earlier.chain([value]).collect::<Vec<_>>().join(", ");
    if let Ok(list) = HeaderValue::from_str(&list) {
        headers.insert(name, list);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(peer: &str, secure: bool, before: &str, after: &str) {
        let mut headers: HeaderMap = before
            .lines()
            .map(|line| line.trim().split_once(": ").expect("a header"))
            .map(|(name, value)| (name.parse::<HeaderName>().expect("a name"), value.parse().expect("a value")))
            .collect();
        introduce(&mut headers, &Visitor { peer: peer.parse().ok(), secure });
        let mut seen: Vec<String> =
            headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().expect("text"))).collect();
        seen.sort();
        let mut expected: Vec<&str> = after.lines().map(str::trim).collect();
        expected.sort_unstable();
        assert_eq!(seen, expected);
    }

    const STRANGER: &str = "203.0.113.9:4000";

    #[test]
    fn a_stranger_is_not_believed() {
        check(
            STRANGER,
            false,
            "Host: a.example:8080\nX-Forwarded-For: 1.2.3.4\nX-Forwarded-Proto: https\nX-Forwarded-Host: evil\nForwarded: for=x\nX-Real-Ip: 9\nX_Forwarded_For: 1\nProxy: evil",
            "host: a.example:8080\nx-forwarded-for: 203.0.113.9\nx-forwarded-host: a.example:8080\nx-forwarded-port: 8080\nx-forwarded-proto: http\nx-real-ip: 203.0.113.9",
        );
        check(
            STRANGER,
            true,
            "Host: a.example",
            "host: a.example\nx-forwarded-for: 203.0.113.9\nx-forwarded-host: a.example\nx-forwarded-port: 443\nx-forwarded-proto: https\nx-real-ip: 203.0.113.9",
        );
    }

    #[test]
    fn a_proxy_on_loopback_is_believed_and_extended() {
        check(
            "[::ffff:127.0.0.1]:9",
            false,
            "Host: in\nX-Forwarded-For: 1.2.3.4\nX-Forwarded-For: 5.6.7.8\nX-Forwarded-Proto: https\nX-Forwarded-Host: out\nX-Real-Ip: 1.2.3.4\nForwarded: for=1.2.3.4",
            "host: in\nforwarded: for=1.2.3.4\nx-forwarded-for: 1.2.3.4, 5.6.7.8, 127.0.0.1\nx-forwarded-host: out\nx-forwarded-port: 443\nx-forwarded-proto: https\nx-real-ip: 1.2.3.4",
        );
    }

    #[test]
    fn nobody_knows_who_calls_through_another_program() {
        check(
            "",
            false,
            "Host: a\nX-Forwarded-For: 1",
            "host: a\nx-forwarded-host: a\nx-forwarded-port: 80\nx-forwarded-proto: http",
        );
    }
}
