//! The heads of an exchange that is passed on without the library: the request's as it is read, the answer's as it is
//! written.

use std::mem::MaybeUninit;

use axum::body::Body;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, DATE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use httparse::{ParserConfig, Status};
use hyper::ext::ReasonPhrase;

use crate::proxy::FAMILY;

/// The most lines that the gate lets pass.
const MAX_LINES: usize = 100;

/// The request of a head that the gate has let pass, and that is all of it; none where the library has more to do for it than
/// to read it: a HEAD has an answer of its own kind, and whoever speaks HTTP/1.0, or says how the connection shall go on, is
/// to be heeded.
pub(super) fn read(head: &Bytes) -> Option<Request<Body>> {
    let mut lines = [const { MaybeUninit::uninit() }; MAX_LINES];
    let mut read = httparse::Request::new(&mut []);
    let status = ParserConfig::default().parse_request_with_uninit_headers(&mut read, head, &mut lines);
    let Ok(Status::Complete(_)) = status else { return None };
    let mut request = Request::new(Body::empty());
    *request.method_mut() = Method::from_bytes(read.method?.as_bytes()).ok()?;
    *request.uri_mut() = Uri::from_maybe_shared(head.slice_ref(read.path?.as_bytes())).ok()?;
    if read.version != Some(1) || *request.method() == Method::HEAD {
        return None;
    }
    request.headers_mut().reserve(read.headers.len() + FAMILY);
    for line in &*read.headers {
        let name = HeaderName::from_bytes(line.name.as_bytes()).ok()?;
        if name == CONNECTION && !line.value.eq_ignore_ascii_case(b"keep-alive") {
            return None;
        }
        let value = HeaderValue::from_maybe_shared(head.slice_ref(line.value)).ok()?;
        request.headers_mut().append(name, value);
    }
    Some(request)
}

/// Writes the head of an answer whose body has `length` bytes. Where the library would add to it, or heed more of it, nothing
/// is written, and false returned. (RFC 9112, section 4)
pub(super) fn write<B>(answer: &Response<B>, length: u64, to: &mut Vec<u8>) -> bool {
    let status = answer.status();
    let has_body = !status.is_informational() && status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED;
    if !has_body || answer.version() != Version::HTTP_11 {
        return false;
    }
    let begin = to.len();
    status_line(answer, to);
    let is_plain = lines(answer, length, to);
    if !is_plain {
        to.truncate(begin);
    }
    is_plain
}

fn status_line<B>(answer: &Response<B>, to: &mut Vec<u8>) {
    let reason = match answer.extensions().get::<ReasonPhrase>() {
        Some(reason) => reason.as_bytes(),
        None => answer.status().canonical_reason().unwrap_or("<none>").as_bytes(),
    };
    for part in [b"HTTP/1.1 ", answer.status().as_str().as_bytes(), b" ", reason, b"\r\n"] {
        to.extend_from_slice(part);
    }
}

/// Whether they say when and how long, and nothing of how the answer, or the connection, ends.
fn lines<B>(answer: &Response<B>, length: u64, to: &mut Vec<u8>) -> bool {
    let (mut is_dated, mut is_long) = (false, false);
    for (name, value) in answer.headers() {
        match *name {
            CONNECTION | TRAILER | TRANSFER_ENCODING | UPGRADE => return false,
            CONTENT_LENGTH if is_long || !is_number(value, length) => return false,
            CONTENT_LENGTH => is_long = true,
            DATE => is_dated = true,
            _ => {}
        }
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            to.extend_from_slice(part);
        }
    }
    to.extend_from_slice(b"\r\n");
    is_dated && is_long
}

fn is_number(value: &HeaderValue, number: u64) -> bool {
    value.to_str().is_ok_and(|value| value.parse() == Ok(number))
}
