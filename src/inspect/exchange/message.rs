//! A request or an answer, and what its head says. Heads that are no HTTP say nothing, and harm nobody.

/// A request or an answer.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// Its head as it passed, up to and with the empty line.
    pub head: Vec<u8>,
    /// Its body, without the framing of chunks. Of a connection that went over to another protocol, how much followed.
    pub body: Body,
    /// What stood behind the last chunk, as it passed.
    pub trailers: Vec<u8>,
}

/// The bytes of a body, or as many as there is room for.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// Its beginning.
    pub kept: Vec<u8>,
    /// How many bytes there were, kept or not.
    pub size: u64,
}

impl Body {
    /// Whether there is more than was kept.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.size > self.kept.len() as u64
    }
}

impl Message {
    /// The first line of its head, without its end.
    #[must_use]
    pub fn start_line(&self) -> &[u8] {
        lines(&self.head).next().unwrap_or_default()
    }

    /// What a request wants done, such as `GET`; empty where its head says nothing of that.
    #[must_use]
    pub fn method(&self) -> &[u8] {
        self.word(0)
    }

    /// Path and query that a request is for, or `*`. Empty where its head says nothing of that.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        let target = self.word(1);
        // The absolute form names a scheme and a host before. (RFC 9112, section 3.2.2)
        let Some(at) = target.windows(3).position(|three| three == b"://").filter(|_| !target.starts_with(b"/")) else {
            return target;
        };
        let rest = &target[at + 3..];
        rest.iter().position(|byte| *byte == b'/').map_or(b"/", |at| &rest[at..])
    }

    /// How an answer came out: from 100 to 999. None where its head says nothing of that.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        let code = self.word(1);
        let three = code.len() == 3 && code.iter().all(u8::is_ascii_digit);
        let status = std::str::from_utf8(code).ok().filter(|_| three)?.parse().ok()?;
        (status >= 100).then_some(status)
    }

    /// Names and values of its headers in their order, as they passed; the values without the white space around them.
    pub fn headers(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        fields(lines(&self.head).skip(1))
    }

    /// The same of what stood behind its last chunk.
    pub fn trailer_fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        fields(lines(&self.trailers))
    }

    /// The value of the first header of this name, however that is spelt.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers().find(|(other, _)| other.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// A word of the first line.
    fn word(&self, at: usize) -> &[u8] {
        self.start_line().split(|byte| *byte == b' ').nth(at).unwrap_or_default()
    }
}

/// Lines without their ends; empty ones before the first are none. (RFC 9112, section 2.2)
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.skip_while(|line| line.is_empty())
}

/// What of lines are headers.
fn fields<'a>(lines: impl Iterator<Item = &'a [u8]>) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    lines.filter_map(|line| {
        let at = line.iter().position(|byte| *byte == b':')?;
        Some((&line[..at], line[at + 1..].trim_ascii()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(head: &[u8]) -> Message {
        Message { head: head.to_vec(), ..Message::default() }
    }

    #[test]
    fn a_request_says_what_it_wants() {
        let request =
            message(b"\r\nPOST /a/b?c=%20d HTTP/1.1\r\nHost:x\r\nx-empty:\r\nX-TWO: 1 : 2 \r\nx-two: 3\r\n\r\n");
        assert_eq!(request.start_line(), b"POST /a/b?c=%20d HTTP/1.1");
        assert_eq!((request.method(), request.path(), request.status()), (&b"POST"[..], &b"/a/b?c=%20d"[..], None));
        let headers: Vec<_> = request.headers().collect();
        let expected: [(&[u8], &[u8]); 4] =
            [(b"Host", b"x"), (b"x-empty", b""), (b"X-TWO", b"1 : 2"), (b"x-two", b"3")];
        assert_eq!(headers, expected);
        assert_eq!(request.header("x-two"), Some(&b"1 : 2"[..]));
        assert_eq!(request.header("x"), None);
    }

    #[test]
    fn paths_are_told_without_their_host() {
        let path = |target: &str| message(format!("GET {target} HTTP/1.1\r\n\r\n").as_bytes()).path().to_vec();
        assert_eq!(path("http://example.com/a?b"), b"/a?b");
        assert_eq!(path("http://example.com"), b"/");
        assert_eq!(path("/a?to=http://example.com/b"), b"/a?to=http://example.com/b");
        assert_eq!(path("*"), b"*");
    }

    #[test]
    fn an_answer_says_how_it_came_out() {
        assert_eq!(message(b"HTTP/1.1 404 Not Found\n\n").status(), Some(404));
        assert_eq!(message(b"HTTP/1.1 204\r\n\r\n").status(), Some(204));
        for other in
            [&b"HTTP/1.1 20 OK\r\n\r\n"[..], b"HTTP/1.1 099 x\r\n\r\n", b"HTTP/1.1 2x4 x", b"\x15\x03\x01", b""]
        {
            assert_eq!(message(other).status(), None, "{other:?}");
        }
    }
}
