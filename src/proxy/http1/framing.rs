//! Where an answer's body ends. Pure: bytes in, bytes out.

use bytes::{Buf as _, Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::{Method, Response, StatusCode, Version};
use httparse::Status;

use super::super::chunks::{Chunks, Padding};
use super::super::headers::has;

#[cfg(test)]
mod tests;

/// The most that a trailer section may be, and the most lines that it may have.
const MAX_TRAILERS: usize = 16 * 1024;
const MAX_LINES: usize = 100;

/// What is no body of the kind that its head announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// How a body ends, and what is still to come of it. (RFC 9112, section 6.3)
#[derive(Debug)]
pub(super) enum Framing {
    /// After so many bytes.
    Length(u64),
    /// With a last chunk, and what follows that.
    Chunked(Chunks),
    /// With an empty line, before which so much has come.
    Trailers(BytesMut),
    /// With the stream.
    Stream,
    /// It has.
    Over,
}

/// What comes next of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    Data(Bytes),
    Trailers(HeaderMap),
    /// More bytes have to come first.
    Missing,
    End,
}

impl Framing {
    /// How the body ends of an answer with this head, to a request with this method.
    pub(super) fn of<T>(method: &Method, head: &Response<T>) -> Result<Self, Malformed> {
        let headers = head.headers();
        if *method == Method::HEAD || matches!(head.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
            return Ok(Self::Over);
        }
        if is_coded(headers) {
            return match head.version() {
                // What knows no such coding is not to say so. (RFC 9112, section 6.1)
                Version::HTTP_10 => Err(Malformed),
                _ if is_chunked(headers) => Ok(Self::Chunked(Chunks::new(Padding::Taken))),
                _ => Ok(Self::Stream),
            };
        }
        if !has(headers, &CONTENT_LENGTH) {
            return Ok(Self::Stream);
        }
        Ok(length(headers).ok_or(Malformed)?.into())
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::Over)
    }

    /// How many bytes are still to come, where that is known.
    pub(super) fn left(&self) -> Option<u64> {
        match self {
            Self::Length(left) => Some(*left),
            Self::Over => Some(0),
            Self::Chunked(_) | Self::Trailers(_) | Self::Stream => None,
        }
    }

    /// Takes what comes next out of the bytes that have come.
    pub(super) fn next(&mut self, came: &mut Bytes) -> Result<Part, Malformed> {
        loop {
            match self {
                Self::Over => return Ok(Part::End),
                _ if came.is_empty() => return Ok(Part::Missing),
                Self::Stream => return Ok(Part::Data(std::mem::take(came))),
                Self::Length(left) => {
                    let data = came.split_to(usize::try_from(*left).unwrap_or(usize::MAX).min(came.len()));
                    *self = (*left - data.len() as u64).into();
                    return Ok(Part::Data(data));
                }
                Self::Chunked(chunks) => {
                    let found = chunks.find(came).map_err(|_| Malformed)?;
                    came.advance(found.frame);
                    if found.data > 0 {
                        return Ok(Part::Data(came.split_to(found.data)));
                    }
                    if chunks.is_over() {
                        *self = Self::Trailers(BytesMut::new());
                    }
                }
                Self::Trailers(section) => {
                    let line = came.iter().position(|byte| *byte == b'\n').map_or(came.len(), |at| at + 1);
                    section.extend_from_slice(&came.split_to(line));
                    if section.ends_with(b"\n") && !section.ends_with(b"\r\n") {
                        return Err(Malformed);
                    }
                    if let Some(trailers) = trailers(section)? {
                        *self = Self::Over;
                        return Ok(if trailers.is_empty() { Part::End } else { Part::Trailers(trailers) });
                    }
                }
            }
        }
    }

    /// The stream has ended: whether the body has with it.
    pub(super) fn end(&mut self) -> Result<(), Malformed> {
        match self {
            Self::Stream | Self::Over => {
                *self = Self::Over;
                Ok(())
            }
            Self::Length(_) | Self::Chunked(_) | Self::Trailers(_) => Err(Malformed),
        }
    }
}

impl From<u64> for Framing {
    fn from(left: u64) -> Self {
        if left == 0 { Self::Over } else { Self::Length(left) }
    }
}

/// Whether a coding says how the body ends, whatever is said of its length. That nothing is done to it is no coding, though
/// once it had a name, and nor is a line without any. (RFC 2068, section 3.6; RFC 9112, section 6.3)
pub(super) fn is_coded(headers: &HeaderMap) -> bool {
    let is_none = |line: &HeaderValue| {
        let line = line.as_bytes().trim_ascii();
        line.is_empty() || line.eq_ignore_ascii_case(b"identity")
    };
    has(headers, &TRANSFER_ENCODING) && !headers.get_all(TRANSFER_ENCODING).into_iter().all(is_none)
}

/// Whether the last coding of all lines is `chunked`.
fn is_chunked(headers: &HeaderMap) -> bool {
    let last = headers.get_all(TRANSFER_ENCODING).into_iter().next_back();
    let coding = last.and_then(|line| line.to_str().ok()?.rsplit(',').next());
    coding.is_some_and(|coding| coding.trim().eq_ignore_ascii_case("chunked"))
}

/// Leaves of what an answer's head says of a length one number, and nothing where a coding says how the body ends: the visitor's
/// side would else believe it. (RFC 9112, section 6.3)
pub(in super::super) fn settle_length(headers: &mut HeaderMap) {
    if is_coded(headers) {
        headers.remove(CONTENT_LENGTH);
    } else if is_said_twice(headers)
        && let Some(length) = length(headers)
    {
        headers.insert(CONTENT_LENGTH, length.into());
    }
}

/// Whether a length is said in more lines than one, or as a list.
fn is_said_twice(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(CONTENT_LENGTH).into_iter();
    lines.next().is_some_and(|line| line.as_bytes().contains(&b',')) || lines.next().is_some()
}

/// The one length that all lines give, which may be lists of it. (RFC 9110, section 8.6)
fn length(headers: &HeaderMap) -> Option<u64> {
    let lines = headers.get_all(CONTENT_LENGTH).into_iter();
    let mut values = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')).map(digits);
    let first = values.next()??;
    values.all(|value| value == Some(first)).then_some(first)
}

/// A number of digits alone, which the library's own reading of one would let begin with a sign.
fn digits(value: &[u8]) -> Option<u64> {
    let value = value.trim_ascii();
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(value).ok().filter(|_| is_number)?.parse().ok()
}

/// Reads a trailer section; none if it is not whole.
fn trailers(section: &[u8]) -> Result<Option<HeaderMap>, Malformed> {
    if section.len() > MAX_TRAILERS {
        return Err(Malformed);
    }
    // Only a line that is empty ends it.
    if !(section == b"\r\n" || section.ends_with(b"\n\r\n")) {
        return Ok(None);
    }
    let mut lines = [httparse::EMPTY_HEADER; MAX_LINES];
    let Ok(Status::Complete((len, lines))) = httparse::parse_headers(section, &mut lines) else {
        return Err(Malformed);
    };
    if len < section.len() {
        return Err(Malformed);
    }
    let line = |line: &httparse::Header<'_>| {
        Some((HeaderName::from_bytes(line.name.as_bytes()).ok()?, HeaderValue::from_bytes(line.value).ok()?))
    };
    let mut trailers = HeaderMap::with_capacity(lines.len());
    for line in lines.iter().map(line) {
        let (name, value) = line.ok_or(Malformed)?;
        trailers.append(name, value);
    }
    Ok(Some(trailers))
}
