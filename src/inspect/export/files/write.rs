//! From an exchange to files.

use super::{ANSWER, BESIDE, Files, SEPARATOR, is_comment};
use crate::inspect::{Body, Exchange, Message, State};

/// The longest part of a path in a file's name.
const MAX_SLUG: usize = 60;

/// Why an exchange cannot be written down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// It has no head that could be sent again.
    #[error("its request is not understood")]
    Opaque,
    /// Some of its request is missing.
    #[error("only {kept} of the {size} bytes of its request's body were kept")]
    Cut {
        /// How many bytes there are.
        kept: usize,
        /// How many there were.
        size: u64,
    },
}

/// An exchange as files.
///
/// # Errors
/// Where its request could not be sent again as it was.
pub fn write(exchange: &Exchange) -> Result<Files, Unwritable> {
    let request = &exchange.request;
    if request.body.is_cut() {
        return Err(Unwritable::Cut { kept: request.body.kept.len(), size: request.body.size });
    }
    let stem = stem(exchange);
    let mut files = Files { name: format!("{stem}.http"), text: Vec::new(), beside: Vec::new() };
    head(&mut files.text, request)?;
    files.text.push(b'\n');
    let body = &request.body.kept;
    if is_text(body) && !would_be_read_as_more(body) {
        files.text.extend_from_slice(body);
    } else {
        beside(&mut files, b"", format!("{stem}.request.bin"), body);
    }
    if !body.is_empty() {
        files.text.push(b'\n');
    }
    files.text.extend_from_slice(SEPARATOR);
    files.text.push(b'\n');
    answer(&mut files, exchange, &stem);
    Ok(files)
}

fn head(text: &mut Vec<u8>, request: &Message) -> Result<(), Unwritable> {
    let (method, path) = (request.method(), request.path());
    let plain = is_token(method) && !path.is_empty() && path.iter().all(|byte| *byte > b' ') && is_harmless(path);
    let line = [method, b" ", path, b" HTTP/1.1\n"].concat();
    if !plain || is_comment(&line) {
        return Err(Unwritable::Opaque);
    }
    text.extend_from_slice(&line);
    for (name, value) in request.headers() {
        if !is_token(name) || !is_harmless(value) {
            return Err(Unwritable::Opaque);
        }
        let space: &[u8] = if value.is_empty() { b"" } else { b" " };
        text.extend_from_slice(&[name, b":", space, value, b"\n"].concat());
    }
    Ok(())
}

/// Whether bytes of a head do nothing to the terminal on which somebody reads the file: what is no UTF-8 does nothing there.
fn is_harmless(bytes: &[u8]) -> bool {
    let turns = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    bytes.utf8_chunks().all(|chunk| !chunk.valid().contains(|c: char| c.is_control() && c != '\t' || turns(c)))
}

/// A name as RFC 9110, section 5.6.2 has it, unless it would be read as what ends a request.
fn is_token(name: &[u8]) -> bool {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !name.is_empty() && name.iter().all(fits) && !name.starts_with(SEPARATOR)
}

/// Whether an editor, git and a person's eye keep these bytes as they are.
fn is_text(body: &[u8]) -> bool {
    let plain = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    std::str::from_utf8(body).is_ok_and(|text| text.chars().all(plain))
}

fn would_be_read_as_more(body: &[u8]) -> bool {
    body.starts_with(b"< ") || body.split(|byte| *byte == b'\n').any(|line| line.starts_with(SEPARATOR))
}

fn beside(files: &mut Files, mark: &[u8], name: String, body: &[u8]) {
    files.text.extend_from_slice(&[mark, BESIDE, name.as_bytes()].concat());
    files.beside.push((name, body.to_vec()));
}

/// The answer as comments, for whoever reads; of it only the status is ever read again.
fn answer(files: &mut Files, exchange: &Exchange, stem: &str) {
    let Some(response) = &exchange.response else {
        let why = match &exchange.state {
            State::Unreachable(cause) => cause.as_str(),
            State::Unanswered(cause) | State::GivenUp(cause) => cause,
            _ => "it was cut",
        };
        files.text.extend_from_slice(format!("# no answer: {}\n", harmless(why.as_bytes())).as_bytes());
        return;
    };
    let lines = response.headers().map(|(name, value)| [name, b": ", value].concat());
    for line in std::iter::once(response.start_line().to_vec()).chain(lines) {
        files.text.extend_from_slice(ANSWER);
        files.text.extend_from_slice(harmless(&line).trim_end().as_bytes());
        files.text.push(b'\n');
    }
    answered(files, &response.body, stem);
}

fn answered(files: &mut Files, body: &Body, stem: &str) {
    if !body.kept.is_empty() {
        files.text.extend_from_slice(b"#\n");
    }
    match std::str::from_utf8(&body.kept) {
        _ if body.kept.is_empty() => {}
        Ok(text) if is_text(&body.kept) => {
            for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
                let space = if line.is_empty() { "" } else { " " };
                files.text.extend_from_slice(format!("#{space}{line}\n").as_bytes());
            }
        }
        _ => {
            beside(files, b"# ", format!("{stem}.response.bin"), &body.kept);
            files.text.push(b'\n');
        }
    }
    if body.is_cut() {
        let note = format!("# ({} of {} bytes)\n", body.kept.len(), body.size);
        files.text.extend_from_slice(note.as_bytes());
    }
}

/// A line of a target's as text that does nothing to a terminal.
fn harmless(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    text.chars().flat_map(|c| if c.is_control() { c.escape_unicode().collect() } else { vec![c] }).collect()
}

/// What the names of an exchange's files begin with: its number, and of method and path what every file system takes.
fn stem(exchange: &Exchange) -> String {
    let path = exchange.request.path();
    let path = path.split(|byte| *byte == b'?').next().unwrap_or_default();
    let words = [exchange.request.method(), b"-", path].concat();
    let mut slug = String::new();
    for byte in words {
        let fits = byte.is_ascii_alphanumeric() || byte == b'_';
        if fits {
            slug.push(char::from(byte));
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(MAX_SLUG);
    format!("{:04}-{}", exchange.id, slug.trim_matches('-')).trim_end_matches('-').to_owned()
}
