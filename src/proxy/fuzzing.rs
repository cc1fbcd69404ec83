//! Requests of visitors, as bytes that a fuzzer chooses: a head as lines of text, which is settled, stripped and
//! introduced. And answers of targets.

#![expect(clippy::missing_panics_doc, reason = "a panic is how a fuzzer hears of a fault")]

use std::net::SocketAddr;

use http::header::{CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::uri::Authority;
use http::{Request, Version};

use super::headers::{Intent, strip_hop_by_hop};
use super::{Trusted, Visitor, ambiguous, forwarded};

pub use super::http1::fuzzing::answers;

/// Lines of `name: value`; those that are none are passed over, as hyper would have refused them.
fn headers<'a>(lines: impl Iterator<Item = &'a [u8]>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines.take(100) {
        let Some(at) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (HeaderName::from_bytes(&line[..at]), HeaderValue::from_bytes(line[at + 1..].trim_ascii()));
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}

/// A request line, then headers. What is settled has one host and one framing.
pub fn ambiguous(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let mut start = lines.next().unwrap_or_default().split(|byte| *byte == b' ');
    let (method, uri) = (start.next().unwrap_or_default(), start.next().unwrap_or_default());
    let version = if start.next() == Some(b"HTTP/1.0") { Version::HTTP_10 } else { Version::HTTP_11 };
    let Ok(mut request) = Request::builder().method(method).uri(uri).version(version).body(()) else { return };
    *request.headers_mut() = headers(lines);
    if ambiguous::settle(&mut request).is_err() {
        return;
    }
    let headers = request.headers_mut();
    let hosts: Vec<&HeaderValue> = headers.get_all(HOST).into_iter().collect();
    assert_eq!(hosts.len(), 1);
    let host = hosts[0].to_str().expect("a host is text");
    assert!(host.parse::<Authority>().is_ok_and(|host| !host.as_str().contains('@')), "{host:?}");
    assert!(headers.get_all(TRANSFER_ENCODING).into_iter().count() <= 1);

    let intent = Intent::of(headers);
    strip_hop_by_hop(headers, &intent);
    intent.say(headers);
    assert!(!headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(HOST));
    assert!(headers.get_all(CONNECTION).into_iter().all(|value| value == "Upgrade"));
}

/// A first byte for who calls, then headers. A stranger is not believed in anything, and nobody in what only looks like
/// a header.
pub fn forwarded(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    let peer = match kind % 3 {
        0 => Some(SocketAddr::from(([203, 0, 113, 9], 4_000))),
        1 => Some(SocketAddr::from(([127, 0, 0, 1], 4_000))),
        _ => None,
    };
    let mut headers = headers(data.split(|byte| *byte == b'\n'));
    forwarded::introduce(&mut headers, &Visitor::new(peer, kind & 0x80 != 0), &Trusted::default());
    let only = |name: &str| headers.get_all(name).into_iter().map(HeaderValue::as_bytes).collect::<Vec<_>>();
    let dashed = |name: &HeaderName| name.as_str().replace('_', "-");
    let is_alias = |name: &HeaderName| name.as_str().contains('_') && dashed(name).starts_with("x-forwarded-");
    assert!(!headers.keys().any(is_alias) && !headers.contains_key("proxy"));
    match kind % 3 {
        0 => {
            assert_eq!(
                (only("x-forwarded-for"), only("x-real-ip")),
                (vec![&b"203.0.113.9"[..]], vec![&b"203.0.113.9"[..]])
            );
            let proto: &[u8] = if kind & 0x80 != 0 { b"https" } else { b"http" };
            assert_eq!((only("x-forwarded-proto"), only("forwarded")), (vec![proto], vec![]));
        }
        1 => assert!(only("x-forwarded-for").last().is_some_and(|list| list.ends_with(b"127.0.0.1"))),
        _ => assert_eq!((only("x-forwarded-for"), only("x-real-ip")), (vec![], vec![])),
    }
}
