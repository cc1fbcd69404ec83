//! Which headers end at a hop and which go on.

use http::Version;
use http::header::{CONNECTION, COOKIE, Entry, HOST, HeaderMap, HeaderName, HeaderValue, TE, UPGRADE};

use crate::wire::{ERROR_HEADER, FAULT_KEY_HEADER};

/// Whether a header is meant for the next hop even where no `Connection` line names it. (RFC 9110, section 7.6.1)
pub(super) fn ends_here(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "te"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// Whether it is for a server or a client to say, and for no target.
pub(super) fn is_our_own(name: &str) -> bool {
    name == ERROR_HEADER || name == FAULT_KEY_HEADER
}

/// The tokens of all `Connection` lines.
pub(super) fn connection_tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(CONNECTION).into_iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|token| !token.is_empty())
}

/// Whether there is a line of this name. Of a few names none is what is mostly there, and a look at those that there are
/// costs less than a search.
pub(crate) fn has<N: ?Sized>(headers: &HeaderMap, name: &N) -> bool
where
    HeaderName: PartialEq<N>,
{
    headers.keys().any(|present| present == name)
}

/// Takes off what is meant for this hop alone: the fixed names, and what *every* `Connection` line names.
pub(super) fn strip_hop_by_hop(headers: &mut HeaderMap, intent: &Intent) {
    for name in &intent.named {
        drop_lines(headers, name);
    }
    drop_all(headers, ends_here);
}

/// Takes off every line whose name, in lower case, is unwanted. Most messages have none, and a look at the names that
/// there are costs less than a search for each that there might be.
pub(super) fn drop_all(headers: &mut HeaderMap, unwanted: impl Fn(&str) -> bool) {
    let names: Vec<HeaderName> = headers.keys().filter(|name| unwanted(name.as_str())).cloned().collect();
    for name in &names {
        drop_lines(headers, name);
    }
}

fn drop_lines(headers: &mut HeaderMap, name: &HeaderName) {
    // `remove` alone would leave the second of two.
    if let Entry::Occupied(entry) = headers.entry(name) {
        entry.remove_entry_mult();
    }
}

/// HTTP/2 may bring cookies in several lines, which targets do not expect. (RFC 9113, section 8.2.3)
pub(super) fn join_cookies(headers: &mut HeaderMap) {
    let lines: Vec<&[u8]> = headers.get_all(COOKIE).into_iter().map(HeaderValue::as_bytes).collect();
    if let (2.., Ok(joined)) = (lines.len(), HeaderValue::from_bytes(&lines.join(&b"; "[..]))) {
        headers.insert(COOKIE, joined);
    }
}

/// What a message says of the connection that it comes on: some of it has to be said anew for the next hop.
#[derive(Debug, Default)]
pub(super) struct Intent {
    /// The protocol to change to. (RFC 9110, section 7.8)
    pub(super) upgrade: Option<HeaderValue>,
    /// The connection ends with this message.
    pub(super) closes: bool,
    /// It does not, where it would without that word.
    keeps: bool,
    /// The sender takes trailers. (RFC 9110, section 10.1.4)
    trailers: bool,
    /// The headers that it says are for this hop.
    named: Vec<HeaderName>,
}

impl Intent {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut intent = Self::default();
        if has(headers, &CONNECTION) {
            for token in connection_tokens(headers) {
                if token.eq_ignore_ascii_case("upgrade") {
                    intent.upgrade = headers.get(UPGRADE).cloned();
                } else if token.eq_ignore_ascii_case("close") {
                    intent.closes = true;
                } else if token.eq_ignore_ascii_case("keep-alive") {
                    intent.keeps = true;
                } else if !ends_here(token)
                    && let Ok(name) = token.parse::<HeaderName>()
                {
                    intent.named.push(name);
                }
            }
            // Naming it would let a visitor send the target a request without a host.
            intent.named.retain(|name| *name != HOST);
        }
        if has(headers, &TE) {
            let lines = headers.get_all(TE).into_iter().filter_map(|value| value.to_str().ok());
            let mut codings = lines.flat_map(|line| line.split(',')).map(str::trim);
            intent.trailers = codings.any(|coding| coding.eq_ignore_ascii_case("trailers"));
        }
        intent
    }

    /// Whether another exchange may follow on the connection, where the message is of this version. (RFC 9112, section 9.3)
    pub(super) fn goes_on(&self, version: Version) -> bool {
        !self.closes && (version == Version::HTTP_11 || self.keeps)
    }

    pub(super) fn say(&self, headers: &mut HeaderMap) {
        if let Some(protocol) = &self.upgrade {
            headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.insert(UPGRADE, protocol.clone());
        }
        if self.trailers {
            headers.insert(TE, HeaderValue::from_static("trailers"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(text: &str) -> HeaderMap {
        let lines = text.lines().map(|line| line.trim().split_once(": ").expect("a header"));
        lines
            .map(|(name, value)| (name.parse::<HeaderName>().expect("a name"), value.parse().expect("a value")))
            .collect()
    }

    #[track_caller]
    fn check(before: &str, after: &str) {
        let mut seen = headers(before);
        let intent = Intent::of(&seen);
        strip_hop_by_hop(&mut seen, &intent);
        intent.say(&mut seen);
        assert_eq!(seen, headers(after));
    }

    #[test]
    fn what_may_follow() {
        let says = |version, text: &str| Intent::of(&headers(text)).goes_on(version);
        assert!(says(Version::HTTP_11, "") && !says(Version::HTTP_10, ""));
        assert!(
            says(Version::HTTP_11, "Connection: keep-alive") && says(Version::HTTP_10, "Connection: x, Keep-Alive")
        );
        assert!(!says(Version::HTTP_11, "Connection: x, Close") && !says(Version::HTTP_10, "Connection: close"));
    }

    #[test]
    fn what_goes_on() {
        check("Accept: a\nAccept: b\nTrailer: x", "Accept: a\nAccept: b\nTrailer: x");
        check("Connection: close\nConnection: x-one, X-Two\nX-One: 1\nX-Two: 2\nX-Three: 3", "X-Three: 3");
        check(
            "Keep-Alive: 5\nProxy-Connection: x\nTransfer-Encoding: chunked\nProxy-Authorization: x\nVia: y",
            "Via: y",
        );
        check("Connection: host\nHost: here", "Host: here");
        check("Connection: ,, x y ,\nX: 1", "X: 1");
        check("TE: gzip, Trailers", "TE: trailers");
        check("TE: gzip", "");
        check("Connection: keep-alive, Upgrade\nUpgrade: websocket", "Connection: Upgrade\nUpgrade: websocket");
        check("Upgrade: websocket", "");
        check("Connection: upgrade", "");
        check("Keep-Alive: 1\nKeep-Alive: 2", "");
    }
}
