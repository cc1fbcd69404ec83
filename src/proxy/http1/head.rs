//! The heads of an exchange that only asks: the request's as it is written, the answer's as it is read.

use std::mem::MaybeUninit;

use axum::body::Body;
use bytes::{Buf as _, Bytes, BytesMut};
use http::header::TRANSFER_ENCODING;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Version};
use httparse::{ParserConfig, Status};
use hyper::ext::ReasonPhrase;

use super::MAX_HEAD;

/// The most lines that an answer's head may have.
const MAX_LINES: usize = 100;

/// What a request without a body is on the wire. (RFC 9112, section 3)
pub(super) fn spelt(request: &Request<Body>) -> Vec<u8> {
    // Not as one: what a visitor may have left out is the path.
    let (method, path, query) = (request.method().as_str(), request.uri().path(), request.uri().query());
    let lines = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    let rest = method.len() + path.len() + query.map_or(0, str::len) + 16;
    let mut head = Vec::with_capacity(lines.sum::<usize>() + rest);
    let (mark, query) = query.map_or(("", ""), |query| ("?", query));
    for part in [method, " ", path, mark, query, " HTTP/1.1\r\n"] {
        head.extend_from_slice(part.as_bytes());
    }
    // Nothing follows that could be coded.
    for (name, value) in request.headers().iter().filter(|(name, _)| **name != TRANSFER_ENCODING) {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// What is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// What has come of an answer's head.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// What is not the whole of it.
    partial: BytesMut,
    /// What came behind the last one.
    ahead: Bytes,
    /// How long the empty lines were before it.
    skipped: usize,
}

impl Reader {
    /// Takes in what has come, and reads the head that is whole with it, if one is. What is behind that is
    /// [`ahead`](Self::ahead), and may have another one, where no more has to come for it.
    pub(super) fn read(&mut self, piece: Bytes) -> Result<Option<Response<()>>, Malformed> {
        if self.partial.is_empty() {
            self.ahead = piece;
            return self.next();
        }
        let before = self.partial.len();
        self.partial.extend_from_slice(&piece);
        // Else a head that comes by bytes would be read as often.
        if !may_end(&self.partial, before) {
            return if self.partial.len() > MAX_HEAD { Err(Malformed) } else { Ok(None) };
        }
        self.ahead = std::mem::take(&mut self.partial).freeze();
        self.next()
    }

    /// Reads the head that the bytes behind the last one begin with, if it is whole.
    pub(super) fn next(&mut self) -> Result<Option<Response<()>>, Malformed> {
        self.skip()?;
        if let Some((mut head, len)) = parse(&self.ahead)? {
            if len > MAX_HEAD {
                return Err(Malformed);
            }
            // A few lines are not to keep all that came with them.
            if len < self.ahead.len() / 4 {
                head = parse(&Bytes::copy_from_slice(&self.ahead[..len]))?.map_or(head, |(own, _)| own);
            }
            self.ahead.advance(len);
            return Ok(Some(head));
        }
        let ahead = std::mem::take(&mut self.ahead);
        if ahead.len() > MAX_HEAD {
            return Err(Malformed);
        }
        self.partial = BytesMut::from(ahead);
        Ok(None)
    }

    /// Takes off empty lines, which some servers send behind a body. (RFC 9112, section 2.2) They count as a head does, or there
    /// might be no end of them.
    fn skip(&mut self) -> Result<(), Malformed> {
        loop {
            let len = match self.ahead[..] {
                [b'\n', ..] => 1,
                [b'\r', b'\n', ..] => 2,
                _ => break,
            };
            self.ahead.advance(len);
            self.skipped += len;
        }
        if self.skipped > MAX_HEAD { Err(Malformed) } else { Ok(()) }
    }

    /// What came behind the head.
    pub(super) fn ahead(self) -> Bytes {
        self.ahead
    }
}

/// Whether a head may end in the bytes from `from` on.
fn may_end(bytes: &[u8], from: usize) -> bool {
    let tail = &bytes[from.saturating_sub(2)..];
    let is_end = |at: usize| tail[at + 1..].starts_with(b"\n") || tail[at + 1..].starts_with(b"\r\n");
    (0..tail.len()).any(|at| tail[at] == b'\n' && is_end(at))
}

/// The head that `bytes` begin with, and its length; none if it is not whole. (RFC 9112, section 4)
fn parse(bytes: &Bytes) -> Result<Option<(Response<()>, usize)>, Malformed> {
    let mut lines = [const { MaybeUninit::uninit() }; MAX_LINES];
    let mut read = httparse::Response::new(&mut []);
    let status = ParserConfig::default().parse_response_with_uninit_headers(&mut read, bytes, &mut lines);
    let Status::Complete(len) = status.map_err(|_| Malformed)? else { return Ok(None) };
    let mut head = Response::new(());
    *head.status_mut() = read.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(Malformed)?;
    *head.version_mut() = if read.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
    if let Some(reason) = read.reason.filter(|reason| Some(*reason) != head.status().canonical_reason()) {
        let reason = bytes.slice_ref(reason.as_bytes());
        head.extensions_mut().insert(ReasonPhrase::try_from(reason).map_err(|_| Malformed)?);
    }
    head.headers_mut().reserve(read.headers.len());
    for line in &*read.headers {
        let name = HeaderName::from_bytes(line.name.as_bytes()).map_err(|_| Malformed)?;
        let value = HeaderValue::from_maybe_shared(bytes.slice_ref(line.value)).map_err(|_| Malformed)?;
        head.headers_mut().append(name, value);
    }
    Ok(Some((head, len)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_request_is_spelt_as_it_is() {
        let request = Request::head("/a/%2F?b=c?d")
            .header("host", "a.example")
            .header("Accept", "a")
            .header("accept", "b")
            .header("x-raw", HeaderValue::from_bytes(b"\xff").unwrap())
            .header("content-length", "0")
            .body(Body::empty())
            .unwrap();
        let spelt = spelt(&request);
        let expected = b"HEAD /a/%2F?b=c?d HTTP/1.1\r\nhost: a.example\r\naccept: a\r\naccept: b\r\nx-raw: \xff\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(spelt.escape_ascii().to_string(), expected.escape_ascii().to_string());
    }

    /// The head that these bytes begin with, where so many come at a time, and what is behind it.
    fn read(bytes: &[u8], step: usize) -> Result<Option<(Response<()>, Bytes)>, Malformed> {
        let (mut reader, mut rest) = (Reader::default(), Bytes::copy_from_slice(bytes));
        while !rest.is_empty() {
            if let Some(head) = reader.read(rest.split_to(step.min(rest.len())))? {
                return Ok(Some((head, [reader.ahead(), rest].concat().into())));
            }
        }
        Ok(None)
    }

    #[test]
    fn heads() {
        let text =
            b"\r\nHTTP/1.1 299 Very Fine\r\nSet-Cookie: a\r\nset-cookie:  b \r\nX-Raw: \xff\r\nEmpty:\r\n\r\nbody";
        for step in 1..=text.len() {
            let (head, _) = read(text, step).unwrap().unwrap();
            assert_eq!((head.status().as_u16(), head.version()), (299, Version::HTTP_11));
            assert_eq!(head.extensions().get::<ReasonPhrase>().unwrap().as_bytes(), b"Very Fine");
            let cookies: Vec<_> = head.headers().get_all("set-cookie").into_iter().map(HeaderValue::as_bytes).collect();
            assert_eq!((cookies, head.headers()["x-raw"].as_bytes()), (vec![&b"a"[..], b"b"], &b"\xff"[..]));
            assert_eq!(head.headers()["empty"], "");
        }
        let (old, behind) = read(b"HTTP/1.0 404 Not Found\nA: b\n\nx", 1).unwrap().unwrap();
        assert_eq!((old.version(), old.status().as_u16(), &behind[..]), (Version::HTTP_10, 404, &b"x"[..]));
        assert!(old.extensions().get::<ReasonPhrase>().is_none(), "everybody says that");
        for wrong in [
            &b"hello\r\n\r\n"[..],
            b"HTTP/2.0 200 OK\r\n\r\n",
            b"HTTP/1.1 099 x\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nA b\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nA: \0\r\n\r\n",
        ] {
            assert_eq!(read(wrong, 1).map(drop), Err(Malformed), "{}", wrong.escape_ascii());
            assert_eq!(read(wrong, wrong.len()).map(drop), Err(Malformed), "{}", wrong.escape_ascii());
        }
    }

    #[test]
    fn no_head_is_too_long() {
        let lines = |count: usize| format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(count));
        let long = |len: usize| format!("HTTP/1.1 200 OK\r\na: {}\r\n\r\n", "b".repeat(len));
        for step in [1, 1_000, 1_000_000] {
            assert!(read(lines(MAX_LINES).as_bytes(), step).unwrap().is_some());
            assert!(read(lines(MAX_LINES + 1).as_bytes(), step).is_err());
            assert!(read(long(MAX_HEAD - 100).as_bytes(), step).unwrap().is_some());
            assert!(read(long(MAX_HEAD).as_bytes(), step).is_err());
            assert!(read("b".repeat(2 * MAX_HEAD).as_bytes(), step).is_err());
            assert!(read(format!("HTTP/1.1 200 OK\r\na: {}", "b".repeat(MAX_HEAD)).as_bytes(), step).is_err());
        }
    }

    proptest! {
        /// However a head is cut on the way, it is the same, and so is what is behind it.
        #[test]
        fn heads_are_found_wherever_they_are_cut(
            lines in proptest::collection::vec(("[a-zA-Z-]{1,9}", "[!-~]{0,9}"), 0..9),
            behind in "[a-z\r\n]{0,20}",
            step in 1_usize..80,
        ) {
            let lines: Vec<_> = lines.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let lines = lines.concat();
            let bytes = format!("HTTP/1.1 200 OK\r\n{lines}\r\n{behind}");
            let (whole, cut) = (read(bytes.as_bytes(), bytes.len()).unwrap().unwrap(), read(bytes.as_bytes(), step).unwrap().unwrap());
            prop_assert_eq!(whole.0.headers(), cut.0.headers());
            prop_assert_eq!((&whole.1[..], &cut.1[..]), (behind.as_bytes(), behind.as_bytes()));
        }

        #[test]
        fn any_bytes_are_read_the_same_way_however_they_come(bytes in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b':'), Just(b'a'), any::<u8>()], 0..60), step in 1_usize..9) {
            let bytes = [b"HTTP/1.1 200 OK\r\n", &bytes[..]].concat();
            let told = |read: Result<Option<(Response<()>, Bytes)>, Malformed>| read.map(|read| read.map(|(head, ahead)| (head.headers().clone(), ahead)));
            let (whole, cut) = (told(read(&bytes, bytes.len())), told(read(&bytes, step)));
            // What is wrong is told at the end of the head at the latest.
            prop_assert!(whole == cut || matches!((&whole, &cut), (Err(_), Ok(None))), "{whole:?} {cut:?}");
        }
    }
}
