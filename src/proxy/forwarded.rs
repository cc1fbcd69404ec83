//! What the target is told of the visitor: the `X-Forwarded-…` family, believed from those who may say it, else
//! replaced by what the socket says.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::header::{Entry, FORWARDED, HOST, HeaderMap, HeaderName, HeaderValue};

use super::headers::{drop_all, has};
use crate::wire::Network;

pub(super) const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
pub(super) const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
pub(crate) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
/// Programs that turn headers into environment variables take it for their proxy's address.
const PROXY: HeaderName = HeaderName::from_static("proxy");

/// How many headers of them [`introduce`] says at most where none was said: room for more would be more than a small request
/// has. Who makes a request's map gives it as much.
pub(crate) const FAMILY: usize = 5;

/// What the socket says of who calls.
#[derive(Clone, Debug)]
pub struct Visitor {
    peer: Option<SocketAddr>,
    secure: bool,
    /// The address as targets are told it. A connection has many requests, so it is spelt once.
    spelt: Option<HeaderValue>,
}

impl Visitor {
    /// Whoever calls from `peer`, where the server accepted the connection itself, and whether that is TLS.
    #[must_use]
    pub fn new(peer: Option<SocketAddr>, secure: bool) -> Self {
        let spelt = peer.and_then(|peer| spelt(peer.ip().to_canonical()));
        Self { peer, secure, spelt }
    }

    /// Whether the connection to it is TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }

    /// The other end of the connection to it.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// The address at the other end: the visitor's, or that of the last proxy.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.peer.map(|peer| peer.ip().to_canonical())
    }
}

/// The proxies whose word on who called them is believed. By default those on loopback, where the server's own stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted(Arc<[Network]>);

impl Default for Trusted {
    fn default() -> Self {
        Self::new(&["127.0.0.0/8", "::1/128"].map(|network| network.parse().expect("loopback is a range")))
    }
}

impl Trusted {
    /// The proxies in `networks`, and no others.
    #[must_use]
    pub fn new(networks: &[Network]) -> Self {
        Self(networks.into())
    }

    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Where a visitor comes from: the nearest address on the way here that is not one of a proxy of ours, for whatever
    /// stands further off was written by somebody who may have made it up. None where that address cannot be read.
    pub(crate) fn origin(&self, visitor: &Visitor, headers: &HeaderMap) -> Option<IpAddr> {
        let mut nearest = visitor.address()?;
        if !has(headers, &X_FORWARDED_FOR) {
            return Some(nearest);
        }
        let lines = headers.get_all(X_FORWARDED_FOR).into_iter().rev();
        let mut said = lines.flat_map(|line| line.to_str().unwrap_or("?").rsplit(','));
        while self.contains(nearest) {
            match said.next() {
                Some(text) => nearest = address(text.trim())?,
                None => break,
            }
        }
        Some(nearest)
    }

    /// The same as text, which is spelt anew only where a proxy has named it.
    pub(crate) fn spelt_origin(&self, visitor: &Visitor, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = self.origin(visitor, headers);
        if origin == visitor.address() { visitor.spelt.clone() } else { origin.and_then(spelt) }
    }
}

/// An address in a list of them; some proxies write a port behind it.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

/// How a visitor calls, in the words that the target is told.
#[derive(Clone, Debug, Default)]
pub(super) struct Called {
    pub(super) scheme: Option<HeaderValue>,
    /// The host that the visitor names, and the one that stands in the request: a proxy may have put another there.
    pub(super) host: Option<HeaderValue>,
    pub(super) told: Option<HeaderValue>,
}

/// Tells the target who calls, and drops what only looks as if it did.
pub(super) fn introduce(headers: &mut HeaderMap, visitor: &Visitor, trusted: &Trusted) -> Called {
    drop_all(headers, |name| name == PROXY.as_str() || is_alias(name));
    if !visitor.address().is_some_and(|peer| trusted.contains(peer)) {
        drop_all(headers, |name| is_of_the_family(name) || name == FORWARDED.as_str());
    }
    headers.reserve(FAMILY);
    if let Some(real) = trusted.spelt_origin(visitor, headers) {
        headers.entry(X_REAL_IP).or_insert(real);
    }
    if let Some(said) = visitor.spelt.clone() {
        append_to_list(headers, X_FORWARDED_FOR, said);
    }
    if has(headers, &FORWARDED)
        && let Some(said) = visitor.address().and_then(|peer| HeaderValue::try_from(forwarded_for(peer)).ok())
    {
        append_to_list(headers, FORWARDED, said);
    }
    let scheme = HeaderValue::from_static(if visitor.secure { "https" } else { "http" });
    let scheme = headers.entry(X_FORWARDED_PROTO).or_insert(scheme).clone();
    let told = headers.get(HOST).cloned();
    let host = told.clone().map(|host| {
        if let Ok(text) = host.to_str() {
            // What stands behind the last colon of an address in brackets is no number.
            let port = text.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
            let usual = HeaderValue::from_static(if scheme == "https" { "443" } else { "80" });
            headers.entry(X_FORWARDED_PORT).or_insert_with(|| port.map_or(usual, |port: u16| port.into()));
        }
        headers.entry(X_FORWARDED_HOST).or_insert(host).clone()
    });
    Called { scheme: Some(scheme), host, told }
}

fn spelt(address: IpAddr) -> Option<HeaderValue> {
    HeaderValue::try_from(address.to_string()).ok()
}

/// An address as `Forwarded` spells it. (RFC 7239, section 6)
fn forwarded_for(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("for={address}"),
        IpAddr::V6(address) => format!("for=\"[{address}]\""),
    }
}

/// Whether it says who calls, and how.
fn is_of_the_family(name: &str) -> bool {
    name.starts_with("x-forwarded-") || name == X_REAL_IP.as_str()
}

/// Whether it is one of those that [`introduce`] says or takes off, or is read as one.
pub(super) fn is_of_who_calls(name: &str) -> bool {
    is_of_the_family(&name.replace('_', "-")) || [FORWARDED, PROXY].iter().any(|known| known == name)
}

/// `X_Forwarded_For` and the like, which many programs read as the name with dashes.
fn is_alias(name: &str) -> bool {
    name.contains('_') && is_of_the_family(&name.replace('_', "-"))
}

fn append_to_list(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    let name = match headers.entry(name) {
        Entry::Vacant(entry) => {
            entry.insert(value);
            return;
        }
        Entry::Occupied(entry) => entry.key().clone(),
    };
    let lines = headers.get_all(&name).into_iter().chain([&value]);
    let list = lines.filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(", ");
    if let Ok(list) = HeaderValue::try_from(list) {
        headers.insert(name, list);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> HeaderMap {
        let lines = text.lines().map(|line| line.trim().split_once(": ").expect("a header"));
        lines
            .map(|(name, value)| (name.parse::<HeaderName>().expect("a name"), value.parse().expect("a value")))
            .collect()
    }

    #[track_caller]
    fn check(peer: &str, secure: bool, before: &str, after: &str) {
        let mut headers = parsed(before);
        introduce(&mut headers, &Visitor::new(peer.parse().ok(), secure), &Trusted::default());
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
            "Host: a.example:8080\nX-Forwarded-For: 1.2.3.4\nX-Forwarded-Proto: https\nX-Forwarded-Host: evil\nForwarded: for=x\nX-Real-Ip: 9\nX_Forwarded_For: 1\nX-Forwarded-Prefix: /x\nX-Forwarded-Ssl: on\nProxy: evil",
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
            "Host: in\nX-Forwarded-For: 1.2.3.4\nX-Forwarded-For: 5.6.7.8\nX-Forwarded-Proto: https\nX-Forwarded-Host: out\nX-Real-Ip: 1.2.3.4\nForwarded: for=1.2.3.4\nX-Forwarded-Prefix: /x",
            "host: in\nforwarded: for=1.2.3.4, for=127.0.0.1\nx-forwarded-for: 1.2.3.4, 5.6.7.8, 127.0.0.1\nx-forwarded-host: out\nx-forwarded-port: 443\nx-forwarded-prefix: /x\nx-forwarded-proto: https\nx-real-ip: 1.2.3.4",
        );
        check(
            "[::1]:9",
            false,
            "X-Forwarded-For: 1.2.3.4, 5.6.7.8\nForwarded: for=5.6.7.8",
            "forwarded: for=5.6.7.8, for=\"[::1]\"\nx-forwarded-for: 1.2.3.4, 5.6.7.8, ::1\nx-forwarded-proto: http\nx-real-ip: 5.6.7.8",
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

    #[track_caller]
    fn comes_from(trusted: &[&str], peer: &str, said: &str, expected: Option<&str>) {
        let trusted: Vec<Network> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        let visitor = Visitor::new(peer.parse().ok(), false);
        let seen = Trusted::new(&trusted).origin(&visitor, &parsed(said));
        assert_eq!(seen, expected.map(|address| address.parse().unwrap()), "{peer} {said}");
    }

    #[test]
    fn a_visitor_comes_from_the_nearest_address_that_is_not_ours() {
        let (ours, near) = (&["127.0.0.0/8", "10.0.0.0/8", "::1"][..], "127.0.0.1:9");
        comes_from(ours, STRANGER, "X-Forwarded-For: 10.0.0.1", Some("203.0.113.9"));
        comes_from(ours, near, "X-Forwarded-For: 192.0.2.1", Some("192.0.2.1"));
        comes_from(ours, near, "X-Forwarded-For: 192.0.2.1, 192.0.2.2", Some("192.0.2.2"));
        comes_from(ours, near, "X-Forwarded-For: 192.0.2.1\nX-Forwarded-For: 192.0.2.2", Some("192.0.2.2"));
        comes_from(ours, near, "X-Forwarded-For: 192.0.2.1, 10.1.2.3,127.0.0.1", Some("192.0.2.1"));
        comes_from(ours, near, "X-Forwarded-For: 10.0.0.9, 10.1.2.3", Some("10.0.0.9"));
        comes_from(ours, near, "X-Forwarded-For: 192.0.2.1:443", Some("192.0.2.1"));
        comes_from(ours, near, "X-Forwarded-For: [2001:db8::1]:443", Some("2001:db8::1"));
        comes_from(ours, near, "X-Forwarded-For: ::ffff:192.0.2.1", Some("192.0.2.1"));
        comes_from(ours, near, "Z: z", Some("127.0.0.1"));
        comes_from(ours, near, "X-Forwarded-For: 192.0.2.1, unknown", None);
        comes_from(ours, near, "X-Forwarded-For: 192.0.2.1,", None);
        comes_from(ours, "", "X-Forwarded-For: 192.0.2.1", None);
        comes_from(&[], near, "X-Forwarded-For: 192.0.2.1", Some("127.0.0.1"));
    }
}
