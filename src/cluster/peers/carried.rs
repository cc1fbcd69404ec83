//! What a request says that HTTP/2 has no room for: it travels under other names, and is at the other end as it was. So whoever
//! answers there decides about it as if the visitor had come there itself. (RFC 9113, section 8.2.2)

use http::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE};

use super::passed::PASSED;
use super::upgrade::TUNNEL;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// What our names for them begin with.
const OURS: &str = "sendit-hop-";

const CARRIED: [(HeaderName, HeaderName); 5] = [
    (CONNECTION, HeaderName::from_static("sendit-hop-connection")),
    (KEEP_ALIVE, HeaderName::from_static("sendit-hop-keep-alive")),
    (PROXY_CONNECTION, HeaderName::from_static("sendit-hop-proxy-connection")),
    (TE, HeaderName::from_static("sendit-hop-te")),
    (UPGRADE, HeaderName::from_static("sendit-hop-upgrade")),
];

/// Takes off what is for nodes alone to say.
pub(super) fn drop_ours(headers: &mut HeaderMap) {
    let is_ours = |name: &HeaderName| *name == PASSED || *name == TUNNEL || name.as_str().starts_with(OURS);
    let ours: Vec<HeaderName> = headers.keys().filter(|name| is_ours(name)).cloned().collect();
    for name in &ours {
        headers.remove(name);
    }
}

/// Has what HTTP/2 forbids travel under our names. How the body was framed is nobody's business behind this hop.
pub(super) fn pack(headers: &mut HeaderMap) {
    drop_ours(headers);
    for (theirs, ours) in &CARRIED {
        rename(headers, theirs, ours);
    }
    headers.remove(TRANSFER_ENCODING);
}

/// Undoes that.
pub(super) fn unpack(headers: &mut HeaderMap) {
    for (theirs, ours) in &CARRIED {
        rename(headers, ours, theirs);
    }
}

fn rename(headers: &mut HeaderMap, from: &HeaderName, to: &HeaderName) {
    // Of a few names none is what is mostly there, and a look costs less than a search.
    if headers.keys().any(|name| name == from) {
        let lines: Vec<HeaderValue> = headers.get_all(from).into_iter().cloned().collect();
        headers.remove(from);
        for line in lines {
            headers.append(to.clone(), line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(text: &str) -> HeaderMap {
        let lines = text.lines().map(|line| line.trim().split_once(": ").expect("a header"));
        lines.map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect()
    }

    #[track_caller]
    fn check(before: &str, on_the_way: &str, after: &str) {
        let mut seen = headers(before);
        pack(&mut seen);
        assert_eq!(seen, headers(on_the_way));
        unpack(&mut seen);
        assert_eq!(seen, headers(after));
    }

    #[test]
    fn what_goes_on() {
        check("Accept: a\nAccept: b", "Accept: a\nAccept: b", "Accept: a\nAccept: b");
        check(
            "Connection: close\nConnection: x-one\nX-One: 1\nTE: gzip, trailers",
            "sendit-hop-connection: close\nsendit-hop-connection: x-one\nX-One: 1\nsendit-hop-te: gzip, trailers",
            "Connection: close\nConnection: x-one\nX-One: 1\nTE: gzip, trailers",
        );
        check(
            "Keep-Alive: 5\nProxy-Connection: x\nUpgrade: h2c\nTransfer-Encoding: chunked",
            "sendit-hop-keep-alive: 5\nsendit-hop-proxy-connection: x\nsendit-hop-upgrade: h2c",
            "Keep-Alive: 5\nProxy-Connection: x\nUpgrade: h2c",
        );
        check("Sendit-Passed: x\nSendit-Passed: y\nSendit-Tunnel: x\nSendit-Hop-TE: trailers\nX: y", "X: y", "X: y");
    }
}
