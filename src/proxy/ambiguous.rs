//! Requests that two readers could take for different ones: they are refused, so that nothing reaches a target that
//! the visitor's one request did not mean. What is wrong with lengths and characters was refused before, where the
//! bytes are known.

use http::header::{HOST, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use http::uri::Authority;
use http::{Method, Request, Version};

use super::Fault;
use super::headers::has;

/// Settles on one host and one framing, or says that the request has not got them.
pub(super) fn settle<B>(request: &mut Request<B>) -> Result<(), Fault> {
    // It asks for a tunnel of its own, to a place that is not the target.
    let framed = request.method() != Method::CONNECT && is_chunked_at_most(request.headers());
    let has_alias = request.headers().keys().any(|name| is_framing_alias(name.as_str().as_bytes()));
    if !framed || has_alias || !has_one_host(request) {
        return Err(Fault::BadRequest);
    }
    // A whole URL goes before `Host`. (RFC 9112, section 3.2.2) One that names a user is an error. (RFC 9110, section
    // 4.2.4)
    if request.uri().authority().is_some_and(|host| host.as_str().contains('@')) {
        return Err(Fault::BadRequest);
    }
    if let Some(host) = request.uri().authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok()) {
        request.headers_mut().insert(HOST, host);
    }
    // Only HTTP/1.0 knows requests without a host. (RFC 9112, section 3.2)
    if !has(request.headers(), &HOST) {
        request.headers_mut().insert(HOST, HeaderValue::from_static("localhost"));
    }
    Ok(())
}

/// Whether a header is one that programs which see headers as environment variables cannot tell from the one that says
/// where a message ends.
pub(crate) fn is_framing_alias(name: &[u8]) -> bool {
    [b"content_length".as_slice(), b"transfer_encoding"].iter().any(|alias| name.eq_ignore_ascii_case(alias))
}

/// Any other coding would be lost here, and the body with it. (RFC 9112, section 6.1)
fn is_chunked_at_most(headers: &HeaderMap) -> bool {
    if !has(headers, &TRANSFER_ENCODING) {
        return true;
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).into_iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => coding.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}

/// Whether it is a host, with a port or without, and names no user.
pub(crate) fn is_host(text: &str) -> bool {
    // Nearly always, and that is sooner seen than taken apart.
    is_name(text) || text.parse::<Authority>().is_ok_and(|host| !host.as_str().contains('@'))
}

/// Whether it is of letters, digits, dots and dashes, and then a port, if any.
fn is_name(text: &str) -> bool {
    let is_of_a_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let name = text.as_bytes().iter().take_while(is_of_a_name).count();
    name > 0
        && match &text.as_bytes()[name..] {
            [] => true,
            [b':', port @ ..] => !port.is_empty() && port.iter().all(u8::is_ascii_digit),
            _ => false,
        }
}

fn has_one_host<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(HOST).into_iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => request.version() != Version::HTTP_11 || request.uri().authority().is_some(),
        (Some(host), None) => host.to_str().is_ok_and(is_host),
        (Some(_), Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The host that the target is told.
    #[track_caller]
    fn check(method: &str, uri: &str, version: Version, headers: &[(&'static str, &'static str)], host: Option<&str>) {
        let mut request = Request::builder().method(method).uri(uri).version(version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        let settled = settle(&mut request).map(|()| request.headers()[HOST].to_str().unwrap());
        assert_eq!(settled, host.ok_or(Fault::BadRequest), "{method} {uri} {headers:?}");
    }

    #[test]
    fn requests() {
        let (old, new) = (Version::HTTP_10, Version::HTTP_11);
        let host = ("host", "a:81");
        check("GET", "/", new, &[host], Some("a:81"));
        check("GET", "/", new, &[("host", "[::1]:81")], Some("[::1]:81"));
        check("GET", "/", new, &[], None);
        check("GET", "/", old, &[], Some("localhost"));
        check("GET", "http://b/", new, &[], Some("b"));
        check("GET", "http://b/", new, &[host], Some("b"));
        check("GET", "http://u@b/", new, &[host], None);
        check("GET", "u@b:1", new, &[host], None);
        check("GET", "/", Version::HTTP_2, &[], Some("localhost"));
        check("GET", "/", new, &[host, ("host", "b")], None);
        check("GET", "/", old, &[host, host], None);
        for wrong in ["", "a b", "a/b", "u@a", "a?b", "http://a"] {
            check("GET", "/", new, &[("host", wrong)], None);
        }
        check("CONNECT", "/app", new, &[host], None);
        let chunked = ("transfer-encoding", "Chunked");
        check("POST", "/", new, &[host, chunked], Some("a:81"));
        check("POST", "/", new, &[host, chunked, chunked], None);
        for alias in ["content_length", "transfer_encoding"] {
            check("POST", "/", Version::HTTP_2, &[host, (alias, "1")], None);
        }
        check("POST", "/", new, &[host, ("transfer-encoding", "gzip, chunked")], None);
        check("POST", "/", new, &[host, ("transfer-encoding", "gzip"), chunked], None);
    }

    proptest! {
        #[test]
        fn a_host_is_what_the_library_takes_for_one(text in "[a-zA-Z0-9.-]{0,4}:?[a-z0-9.:@/%_\\[\\]-]{0,4}") {
            let is_host = text.parse::<Authority>().is_ok_and(|host| !host.as_str().contains('@'));
            prop_assert_eq!(super::is_host(&text), is_host, "{}", text);
        }
    }
}
