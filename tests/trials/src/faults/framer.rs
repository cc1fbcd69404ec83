//! Where HTTP/1.1 messages begin and end in a stream of bytes, which it hands out again unchanged. What is no HTTP is
//! one endless body.

use bytes::{Bytes, BytesMut};

use super::Kind;

/// A head beyond this is no head that this proxy knows how to treat.
const MAX_HEAD: usize = 64 * 1024;

const MAX_HEADERS: usize = 100;

/// The size line of a chunk, extensions included.
const MAX_SIZE_LINE: usize = 4096;

/// A part of a stream.
pub(super) enum Piece {
    Head(Bytes, Head),
    /// Bytes of a body, with the framing of its chunks.
    Body(Bytes),
    /// The message is over.
    End,
}

/// What a head says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) kind: Kind,
    pub(super) is_post: bool,
    /// The answer to it has no body.
    pub(super) bodiless: bool,
    pub(super) length: Option<u64>,
    /// Of an answer; 0 in a request.
    pub(super) status: u16,
}

enum State {
    Head,
    Counted(u64),
    Chunked(Chunk),
    /// To the end of the connection.
    Endless,
}

enum Chunk {
    Size(Vec<u8>),
    Data(u64),
    Trailer(Vec<u8>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Requests,
    Responses,
}

pub(super) struct Framer {
    side: Side,
    state: State,
}

impl Framer {
    pub(super) fn new(side: Side) -> Self {
        Self { side, state: State::Head }
    }

    /// From here on the bytes are no HTTP.
    pub(super) fn let_go(&mut self) {
        self.state = State::Endless;
    }

    /// Takes the next piece out of `buffer`; none where more bytes are needed. `bodiless` is whether the answer that
    /// comes next has no body whatever its head says.
    pub(super) fn next(&mut self, buffer: &mut BytesMut, bodiless: bool) -> Option<Piece> {
        match &mut self.state {
            State::Counted(0) => {
                self.state = State::Head;
                Some(Piece::End)
            }
            _ if buffer.is_empty() => None,
            State::Head => self.head(buffer, bodiless),
            State::Counted(left) => {
                let taken = buffer.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= taken as u64;
                Some(Piece::Body(buffer.split_to(taken).freeze()))
            }
            State::Chunked(chunk) => {
                let (taken, over) = chunk.advance(buffer);
                if over {
                    // The end follows as a piece of its own.
                    self.state = State::Counted(0);
                }
                Some(Piece::Body(buffer.split_to(taken).freeze()))
            }
            State::Endless => Some(Piece::Body(buffer.split().freeze())),
        }
    }

    fn head(&mut self, buffer: &mut BytesMut, bodiless: bool) -> Option<Piece> {
        let parsed = match self.side {
            Side::Requests => request(buffer),
            Side::Responses => response(buffer, bodiless),
        };
        match parsed {
            Ok(Some((length, head, state))) => {
                self.state = state;
                Some(Piece::Head(buffer.split_to(length).freeze(), head))
            }
            Ok(None) if buffer.len() < MAX_HEAD => None,
            Ok(None) | Err(_) => {
                self.let_go();
                Some(Piece::Body(buffer.split().freeze()))
            }
        }
    }
}

type Parsed = Result<Option<(usize, Head, State)>, httparse::Error>;

fn request(bytes: &[u8]) -> Parsed {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head_length) = request.parse(bytes)? else { return Ok(None) };
    let method = request.method.unwrap_or_default();
    let (state, _) = body(request.headers, State::Counted(0));
    // One that says nothing of a body has none.
    let length = if let State::Counted(length) = state { Some(length) } else { None };
    let head = Head {
        kind: Kind::of(request.path.unwrap_or_default()),
        is_post: method == "POST",
        bodiless: method == "HEAD",
        length,
        status: 0,
    };
    Ok(Some((head_length, head, state)))
}

fn response(bytes: &[u8], bodiless: bool) -> Parsed {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = response.parse(bytes)? else { return Ok(None) };
    let status = response.code.unwrap_or_default();
    let (state, counted) = match status {
        101 => (State::Endless, None),
        100..=199 | 204 | 304 => (State::Counted(0), None),
        _ if bodiless => (State::Counted(0), None),
        _ => body(response.headers, State::Endless),
    };
    let head = Head { kind: Kind::Other, is_post: false, bodiless: false, length: counted, status };
    Ok(Some((length, head, state)))
}

fn body(headers: &[httparse::Header<'_>], without: State) -> (State, Option<u64>) {
    let value = |name: &str| {
        let header = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok()
    };
    if value("transfer-encoding").is_some_and(|value| value.to_ascii_lowercase().contains("chunked")) {
        return (State::Chunked(Chunk::Size(Vec::new())), None);
    }
    match value("content-length").and_then(|value| value.trim().parse().ok()) {
        Some(length) => (State::Counted(length), Some(length)),
        None => (without, None),
    }
}

impl Chunk {
    /// How many bytes belong to this step, and whether they end the body.
    fn advance(&mut self, bytes: &[u8]) -> (usize, bool) {
        match self {
            Self::Data(left) => {
                let taken = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= taken as u64;
                if *left == 0 {
                    *self = Self::Size(Vec::new());
                }
                (taken, false)
            }
            Self::Size(line) => {
                let (taken, whole) = take_line(line, bytes);
                if whole {
                    *self = match size(line) {
                        0 => Self::Trailer(Vec::new()),
                        // Its line end belongs to the chunk.
                        size => Self::Data(size.saturating_add(2)),
                    };
                }
                (taken, false)
            }
            Self::Trailer(line) => {
                let (taken, whole) = take_line(line, bytes);
                let over = whole && line.trim_ascii().is_empty();
                if whole {
                    line.clear();
                }
                (taken, over)
            }
        }
    }
}

/// Moves bytes up to a line's end into `line`.
fn take_line(line: &mut Vec<u8>, bytes: &[u8]) -> (usize, bool) {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let taken = end.map_or(bytes.len(), |end| end + 1);
    let room = MAX_SIZE_LINE.saturating_sub(line.len());
    line.extend_from_slice(&bytes[..taken.min(room)]);
    (taken, end.is_some())
}

/// What is no size makes a chunk that never ends, so that the rest passes as it is.
fn size(line: &[u8]) -> u64 {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let digits = std::str::from_utf8(digits).unwrap_or_default();
    u64::from_str_radix(digits, 16).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(side: Side, chunks: &[&[u8]]) -> Vec<String> {
        let mut framer = Framer::new(side);
        let mut buffer = BytesMut::new();
        let mut seen: Vec<String> = Vec::new();
        for chunk in chunks {
            buffer.extend_from_slice(chunk);
            while let Some(piece) = framer.next(&mut buffer, false) {
                match piece {
                    Piece::Head(_, head) => seen.push(format!("{:?}", head.kind)),
                    Piece::End => seen.push("end".to_owned()),
                    Piece::Body(bytes) => {
                        let text = String::from_utf8_lossy(&bytes).into_owned();
                        match seen.last_mut().filter(|last| last.starts_with('=')) {
                            Some(last) => *last += &text,
                            None => seen.push(format!("={text}")),
                        }
                    }
                }
            }
        }
        seen
    }

    #[track_caller]
    fn check(side: Side, text: &str, expected: &[&str]) {
        assert_eq!(pieces(side, &[text.as_bytes()]), expected, "{text}");
        let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(pieces(side, &bytes), expected, "byte by byte: {text}");
    }

    #[test]
    fn messages_are_found_and_kept_as_they_are() {
        let chunked = "3;a=b\r\nabc\r\n0\r\nt: 1\r\n\r\n";
        check(Side::Requests, "GET /read HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n", &["Read", "end", "Other", "end"]);
        check(Side::Requests, "POST /a/write?t=/x HTTP/1.1\r\ncontent-length: 2\r\n\r\nab", &["Write", "=ab", "end"]);
        let request = format!("POST /read HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}");
        check(Side::Requests, &request, &["Read", &format!("={chunked}"), "end"]);
        check(Side::Requests, "\u{1}no HTTP", &["=\u{1}no HTTP"]);
        check(
            Side::Responses,
            "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 100 C\r\n\r\n",
            &["Other", "end", "Other", "end"],
        );
        check(Side::Responses, "HTTP/1.1 200 OK\r\n\r\nto the end", &["Other", "=to the end"]);
        check(Side::Responses, "HTTP/1.1 101 S\r\n\r\nabc", &["Other", "=abc"]);
    }
}
