//! Where an answer's body ends. Pure: bytes in, bytes out.

use bytes::{Buf as _, Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::{Method, Response, StatusCode, Version};
use httparse::Status;

use super::super::chunks::{Chunks, Padding};
use super::super::headers::has;

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
/// once it had a name. (RFC 2068, section 3.6; RFC 9112, section 6.3)
pub(in super::super) fn is_coded(headers: &HeaderMap) -> bool {
    let is_none = |line: &HeaderValue| line.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    has(headers, &TRANSFER_ENCODING) && !headers.get_all(TRANSFER_ENCODING).into_iter().all(is_none)
}

/// Whether the last coding of all lines is `chunked`.
fn is_chunked(headers: &HeaderMap) -> bool {
    let last = headers.get_all(TRANSFER_ENCODING).into_iter().next_back();
    let coding = last.and_then(|line| line.to_str().ok()?.rsplit(',').next());
    coding.is_some_and(|coding| coding.trim().eq_ignore_ascii_case("chunked"))
}

/// The one length that all lines give, which may be lists of it. (RFC 9110, section 8.6)
pub(super) fn length(headers: &HeaderMap) -> Option<u64> {
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

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn framing(method: &Method, status: u16, version: Version, lines: &[(&str, &str)]) -> Result<Framing, Malformed> {
        let head = lines.iter().fold(Response::builder().status(status).version(version), |head, (name, value)| {
            head.header(*name, *value)
        });
        Framing::of(method, &head.body(()).unwrap())
    }

    /// How many bytes the body is to have where these lines announce it, if that can be told.
    #[track_caller]
    fn check(lines: &[(&str, &str)], expected: Result<Option<u64>, Malformed>) {
        let framing = framing(&Method::GET, 200, Version::HTTP_11, lines);
        assert_eq!(framing.map(|framing| framing.left()), expected, "{lines:?}");
    }

    #[test]
    fn what_a_head_announces() {
        check(&[("content-length", "5")], Ok(Some(5)));
        check(&[("content-length", "0")], Ok(Some(0)));
        check(&[("content-length", "5"), ("content-length", "5")], Ok(Some(5)));
        check(&[("content-length", "5, 5")], Ok(Some(5)));
        check(&[("content-length", "18446744073709551615")], Ok(Some(u64::MAX)));
        for wrong in ["", "5, 6", "+5", "-5", "5 5", "0x5", "5,", "18446744073709551616", "\u{b2}"] {
            check(&[("content-length", wrong)], Err(Malformed));
        }
        check(&[("content-length", "5"), ("content-length", "6")], Err(Malformed));
        check(&[], Ok(None));
        for coded in ["chunked", "Chunked", "gzip, chunked", "gzip", "identity, gzip", "chunked, gzip", ""] {
            check(&[("transfer-encoding", coded), ("content-length", "5")], Ok(None));
        }
        check(&[("transfer-encoding", "identity"), ("content-length", "5")], Ok(Some(5)));
        check(
            &[("transfer-encoding", "identity"), ("transfer-encoding", "chunked"), ("content-length", "5")],
            Ok(None),
        );
    }

    #[test]
    fn what_has_no_body_whatever_is_announced() {
        let lines = [("content-length", "5"), ("transfer-encoding", "chunked")];
        for (method, status) in [(Method::HEAD, 200), (Method::GET, 204), (Method::GET, 304)] {
            assert!(framing(&method, status, Version::HTTP_11, &lines).unwrap().is_over(), "{status}");
        }
        assert!(framing(&Method::GET, 200, Version::HTTP_10, &lines).is_err(), "HTTP/1.0 knows no codings");
    }

    /// All that comes of a body, of which so many bytes come at a time, and whether it is whole.
    fn read(mut framing: Framing, bytes: &[u8], step: usize) -> (Vec<u8>, HeaderMap, bool, usize) {
        let (mut data, mut trailers, mut rest) = (Vec::new(), HeaderMap::new(), Bytes::copy_from_slice(bytes));
        let mut came = Bytes::new();
        loop {
            match framing.next(&mut came) {
                Ok(Part::Data(part)) => data.extend(part),
                Ok(Part::Trailers(part)) => trailers = part,
                Ok(Part::Missing) if rest.is_empty() => return (data, trailers, framing.end().is_ok(), 0),
                Ok(Part::Missing) => came = rest.split_to(step.min(rest.len())),
                Ok(Part::End) => return (data, trailers, true, came.len() + rest.len()),
                Err(Malformed) => return (data, trailers, false, came.len() + rest.len()),
            }
        }
    }

    #[track_caller]
    fn chunked(body: &str, expected: Option<&str>) {
        for step in [1, 2, 3, body.len().max(1)] {
            let (data, _, whole, _) = read(Framing::Chunked(Chunks::new(Padding::Taken)), body.as_bytes(), step);
            let data = String::from_utf8(data).unwrap();
            assert_eq!(whole.then_some(data.as_str()), expected, "{body:?} by {step}");
        }
    }

    #[test]
    fn chunks() {
        chunked("3\r\nabc\r\n0\r\n\r\n", Some("abc"));
        chunked("3  \r\nabc\r\n2;x=y\r\nde\r\n000\r\n\r\n", Some("abcde"));
        chunked("0\r\nA: b\r\nC: d\r\n\r\n", Some(""));
        chunked("0000000000000003\r\nabc\r\n0\r\n\r\n", Some("abc"));
        chunked("A\r\n0123456789\r\n0\r\n\r\n", Some("0123456789"));
        for cut in ["", "3", "3\r\nab", "3\r\nabc", "3\r\nabc\r\n", "3\r\nabc\r\n0\r\n", "0\r\nA: b\r\n"] {
            chunked(cut, None);
        }
        for wrong in [
            "\r\n",
            "g\r\n",
            "3\nabc\n0\n\n",
            "3\r\nabcd\r\n",
            "-1\r\n",
            "ffffffffffffffff\r\n",
            "0\r\nA b\r\n\r\n",
            " 3\r\n",
            "3 4\r\n",
            "3;\n",
            "00000000000000003\r\n",
            "0\r\nA: b\n\r\n",
            "0\r\n\n",
            "\r\n\r\n",
        ] {
            chunked(wrong, None);
        }
        chunked(&format!("0\r\n{}\r\n", "a: b\r\n".repeat(MAX_LINES)), Some(""));
        chunked(&format!("0\r\n{}\r\n", "a: b\r\n".repeat(MAX_LINES + 1)), None);
        chunked(&format!("0\r\na: {}\r\n\r\n", "b".repeat(MAX_TRAILERS)), None);
        chunked(&format!("0\r\n{}", "\r\n".repeat(2 * MAX_TRAILERS)), Some(""));
        // Extensions, in a line and in a body.
        chunked(&format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(1_000)), Some("a"));
        chunked(&format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(2_000)), None);
        chunked(&format!("{}0\r\n\r\n", format!("1;{}\r\na\r\n", "x".repeat(1_000)).repeat(17)), None);
        chunked(&format!("1{}\r\na\r\n0\r\n\r\n", " ".repeat(2_000)), None);
    }

    proptest! {
        /// Whatever the chunks are, and however they are cut on the way, the same bytes and trailers come out, and what is
        /// behind the body stays.
        #[test]
        fn chunks_are_found_wherever_they_are_cut(
            body in vec(vec(any::<u8>(), 1..40), 0..8),
            sums in vec("[a-z0-9]{0,12}", 0..4),
            behind in vec(any::<u8>(), 0..20),
            step in 1_usize..64,
        ) {
            let mut bytes = Vec::new();
            for chunk in &body {
                bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
                bytes.extend(chunk.iter().chain(b"\r\n"));
            }
            bytes.extend(b"0\r\n");
            for sum in &sums {
                bytes.extend(format!("x-sum: {sum}\r\n").bytes());
            }
            bytes.extend(b"\r\n");
            bytes.extend(&behind);
            let (data, trailers, whole, left) = read(Framing::Chunked(Chunks::new(Padding::Taken)), &bytes, step);
            prop_assert_eq!(data, body.concat());
            prop_assert_eq!(trailers.get_all("x-sum").iter().map(|sum| sum.to_str().unwrap()).collect::<Vec<_>>(), sums);
            prop_assert!(whole);
            prop_assert_eq!(left, behind.len());
        }

        /// Bytes of any kind give the same whether they come together or not, and never more than came.
        #[test]
        fn any_bytes_are_taken_the_same_way_however_they_come(bytes in vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'0'), Just(b'3'), any::<u8>()], 0..60), step in 1_usize..9) {
            let framing = || Framing::Chunked(Chunks::new(Padding::Taken));
            let ((data, _, whole, _), (other, _, other_whole, _)) = (read(framing(), &bytes, step), read(framing(), &bytes, bytes.len().max(1)));
            prop_assert_eq!((&data, whole), (&other, other_whole));
            prop_assert!(data.len() <= bytes.len());
        }

        #[test]
        fn a_length_is_kept(bytes in vec(any::<u8>(), 0..60), length in 0_u64..60, step in 1_usize..9) {
            let (data, _, whole, left) = read(length.into(), &bytes, step);
            let length = usize::try_from(length).unwrap();
            prop_assert_eq!(&data[..], &bytes[..length.min(bytes.len())]);
            prop_assert_eq!(whole, length <= bytes.len());
            prop_assert_eq!(left, bytes.len().saturating_sub(length));
        }
    }
}
