//! A line for a shell that has curl send a request again: the same bytes, as far as curl can be brought to send them. What
//! curl adds of its own is taken off, and what it would tidy is told to stay.
//!
//! It is for any POSIX shell. What is no text is written by `printf` in octal digits, or goes by a pipe, in base64.

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::inspect::exchange::Message;

/// The longest body that stands in an argument. Linux takes 128 KiB, and what people paste had better be short.
const MAX_ARGUMENT: usize = 32 * 1024;

/// Has curl send `request` to `target`, a URL without a path. What cannot be sent is told in comments before the line.
#[must_use]
pub fn curl(request: &Message, target: &str) -> String {
    let mut line = Line { comments: Vec::new(), words: vec!["curl -q --noproxy '*'".to_owned()] };
    let chunked = request.header("transfer-encoding").is_some();
    let body = Content::of(request, chunked);
    line.manner(request, &body);
    line.place(asked(request), target);
    let pipe = line.content(request, &body);
    line.headers(request, &body);
    line.whole(pipe.as_deref())
}

/// What goes as a body.
enum Content<'a> {
    /// None, not even an empty one.
    Nothing,
    /// Something that stands in an argument.
    Argument(&'a str),
    /// Something that goes by a pipe.
    Pipe(&'a [u8]),
}

impl<'a> Content<'a> {
    fn of(request: &'a Message, chunked: bool) -> Self {
        let bytes = request.body.kept.as_slice();
        match std::str::from_utf8(bytes) {
            // What has a length of nothing is told so by its header alone.
            Ok("") if !chunked => Self::Nothing,
            Ok(text) if text.len() <= MAX_ARGUMENT && is_plain(text) => Self::Argument(text),
            _ => Self::Pipe(bytes),
        }
    }
}

struct Line {
    comments: Vec<String>,
    words: Vec<String>,
}

impl Line {
    fn manner(&mut self, request: &Message, body: &Content<'_>) {
        let version = request.start_line().rsplit(|byte| *byte == b' ').next();
        self.words.push(if version == Some(b"HTTP/1.0") { "--http1.0" } else { "--http1.1" }.to_owned());
        match (request.method(), body) {
            (b"GET", Content::Nothing) | (b"POST", Content::Argument(_) | Content::Pipe(_)) => {}
            (b"HEAD", Content::Nothing) => self.words.push("--head".to_owned()),
            (method, _) => self.words.push(format!("-X {}", quoted(method))),
        }
    }

    /// Whom to ask, and for what. The simple ones stand in the URL, where people look for them.
    fn place(&mut self, path: &[u8], target: &str) {
        let target = target.trim_end_matches('/');
        let is_literal =
            |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'\\' | b'"' | b'<' | b'>' | b'^' | b'`');
        if !path.starts_with(b"/") || path.ends_with(b"?") || !path.iter().all(is_literal) {
            self.words.push(format!("--request-target {}", quoted(path)));
            self.words.push(quoted(target.as_bytes()));
            return;
        }
        if path.split(|byte| matches!(byte, b'/' | b'?')).any(is_dots) {
            self.words.push("--path-as-is".to_owned());
        }
        if path.iter().any(|byte| matches!(byte, b'[' | b']' | b'{' | b'}')) {
            self.words.push("--globoff".to_owned());
        }
        self.words.push(quoted(&[target.as_bytes(), path].concat()));
    }

    /// The body; what comes before the line, where it goes by a pipe.
    fn content(&mut self, request: &Message, body: &Content<'_>) -> Option<String> {
        if request.body.is_cut() {
            let (kept, size) = (request.body.kept.len(), request.body.size);
            self.comments.push(format!("only {kept} of the {size} bytes of the body were kept"));
        }
        if !request.trailers.is_empty() {
            self.comments.push("curl sends no trailers, and there were some".to_owned());
        }
        match body {
            Content::Nothing => None,
            // `--data-binary` would take what begins with an @ for a file's name.
            Content::Argument(text) => {
                self.words.push(format!("--data-raw {}", quoted(text.as_bytes())));
                None
            }
            Content::Pipe(bytes) => {
                self.words.push("--data-binary @-".to_owned());
                Some(format!("printf %s {} | base64 -d | ", STANDARD.encode(bytes)))
            }
        }
    }

    /// The lines of the head, and before them those that curl would add.
    fn headers(&mut self, request: &Message, body: &Content<'_>) {
        // Taken off first, it is sent where and how it stands among the others.
        self.words.push("-H Host:".to_owned());
        let mut own = vec!["User-Agent", "Accept"];
        if !matches!(body, Content::Nothing) {
            own.extend(["Content-Type", "Expect"]);
        }
        let absent = own.into_iter().filter(|name| request.header(name).is_none());
        self.words.extend(absent.map(|name| format!("-H {name}:")));
        for header in header_lines(&request.head) {
            match sent_as(header, request) {
                Some(header) => self.words.push(format!("-H {}", quoted(&header))),
                None => self.comments.push(format!("curl cannot send the header {}", printable(header))),
            }
        }
    }

    fn whole(self, pipe: Option<&str>) -> String {
        let mut text = String::new();
        for comment in self.comments {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "# {comment}");
        }
        text.push_str(pipe.unwrap_or_default());
        text.push_str(&self.words.join(" \\\n  "));
        text.push('\n');
        text
    }
}

/// What a request is for, in whatever form it was written.
fn asked(request: &Message) -> &[u8] {
    request.start_line().split(|byte| *byte == b' ').nth(1).unwrap_or_default()
}

fn header_lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.skip(1).filter(|line| !line.is_empty())
}

/// A line of a head as curl wants it; none where curl would make something else of it. A length that does not fit what is
/// there would have curl, or the target, wait.
fn sent_as<'a>(line: &'a [u8], request: &Message) -> Option<Cow<'a, [u8]>> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let fits = !(name.eq_ignore_ascii_case(b"content-length") && request.body.is_cut());
    if name.is_empty() || !name.iter().all(is_token) || line.contains(&0) || line.contains(&b'\r') || !fits {
        return None;
    }
    // Without a value it would take a header of its own off.
    Some(if value.is_empty() { [name, b";"].concat().into() } else { line.into() })
}

fn is_dots(segment: &[u8]) -> bool {
    let plain = String::from_utf8_lossy(segment).to_ascii_lowercase().replace("%2e", ".");
    plain == "." || plain == ".."
}

/// Whether a text does nothing to a terminal that it is pasted into, and is seen as it is.
fn is_plain(text: &str) -> bool {
    !text.contains(|c: char| {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        turns || (c.is_control() && c != '\n') || matches!(c, '\u{2028}' | '\u{2029}')
    })
}

fn printable(bytes: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(bytes))
}

/// Bytes as one word of a shell. There is no NUL among them, which no argument can have.
fn quoted(bytes: &[u8]) -> String {
    let is_bare = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._/:@%+=,".contains(byte);
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.is_empty() && bytes.iter().all(is_bare) => text.to_owned(),
        Ok(text) if is_plain(text) => format!("'{}'", text.replace('\'', r"'\''")),
        _ => printed(bytes),
    }
}

/// Bytes as what `printf` makes of octal digits. A shell takes line feeds off its end, so the last byte is no such.
fn printed(bytes: &[u8]) -> String {
    let mut word = "\"$(printf '".to_owned();
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b" -._/:;=,".contains(byte) {
            word.push(char::from(*byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(word, "\\{byte:03o}");
        }
    }
    word + "')\""
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::Body;

    #[track_caller]
    fn check(body: &[u8], stands_in_an_argument: bool) {
        let body = Body { kept: body.to_vec(), size: body.len() as u64 };
        let request = Message { head: b"POST / HTTP/1.1\r\n\r\n".to_vec(), body, trailers: Vec::new() };
        let content = Content::of(&request, false);
        assert_eq!(matches!(content, Content::Argument(_)), stands_in_an_argument);
    }

    #[test]
    fn what_is_long_or_does_something_to_a_terminal_goes_by_a_pipe() {
        check(&vec![b'a'; MAX_ARGUMENT], true);
        check(&vec![b'a'; MAX_ARGUMENT + 1], false);
        check(b"a\x1b[2J", false);
        check(b"\xff", false);
    }
}
