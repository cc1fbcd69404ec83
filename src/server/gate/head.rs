//! The strict reading of a request's head and of a trailer section: what the grammar of RFC 9112 does not give, or two
//! readers could take for different things, is refused. Knows bytes alone.

use http::{Method, Uri};

use super::REFUSED;
use crate::proxy::{Fault, is_framing_alias};

/// The most header lines that a message may have, and trailer lines.
const MAX_LINES: usize = 100;

/// A head as it has to be known to find where the message ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) body: Body,
    /// It asks for another protocol: what follows the message may be no HTTP.
    pub(super) upgrade: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// So many bytes, none where nothing is said of it.
    Length(u64),
    Chunked,
}

/// The length of the lines that `bytes` begin with, with the empty one that ends them; none if that has not come.
/// `searched` is what was looked at before, and is kept by the caller.
pub(super) fn block(bytes: &[u8], searched: &mut usize) -> Result<Option<usize>, Fault> {
    while let Some(plain) = bytes[*searched..].iter().position(|byte| is_barred(*byte)) {
        let at = *searched + plain;
        match bytes[at..] {
            // What follows it is not there yet.
            [b'\r'] => {
                *searched = at;
                return Ok(None);
            }
            [b'\r', b'\n', ..] if at == 0 || bytes[at - 1] == b'\n' => return Ok(Some(at + 2)),
            [b'\r', b'\n', ..] => *searched = at + 2,
            // Half a line's end, which some take for a whole one. (RFC 9112, section 2.2)
            _ => return Err(Fault::BadRequest),
        }
    }
    *searched = bytes.len();
    Ok(None)
}

/// Whether no line may hold it. (RFC 9110, section 5.5)
fn is_barred(byte: u8) -> bool {
    matches!(byte, 0..0x20 | 0x7f) && byte != b'\t'
}

/// Reads a whole head, whose bytes [`block`] has looked at.
pub(super) fn read(head: &[u8]) -> Result<Head, Fault> {
    let mut lines = lines(head);
    let is_http_11 = request_line(lines.next().unwrap_or_default()).ok_or(Fault::BadRequest)?;
    let (mut length, mut coding, mut upgrade) = (None, None, false);
    for field in fields(lines) {
        let (name, value) = field?;
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("content-length") {
            // What has two lengths has none. Equal lines are what some senders make. (RFC 9112, section 6.3)
            if length.replace(value).is_some_and(|earlier| earlier != value) {
                return Err(Fault::BadRequest);
            }
        } else if is("transfer-encoding") {
            if coding.replace(value).is_some() || !is_http_11 {
                return Err(Fault::BadRequest);
            }
        } else if is_framing_alias(name) {
            return Err(Fault::BadRequest);
        } else if is("upgrade") {
            upgrade = is_http_11;
        }
    }
    let body = match (length, coding) {
        (None, None) => Body::Length(0),
        (Some(length), None) => Body::Length(self::length(length).ok_or(Fault::BadRequest)?),
        // Any other coding would be lost at the hop, and the body with it.
        (None, Some(coding)) if coding.eq_ignore_ascii_case(b"chunked") => Body::Chunked,
        // Both: the one is meant for one reader, the other for another. (RFC 9112, section 6.3)
        (_, Some(_)) => return Err(Fault::BadRequest),
    };
    Ok(Head { body, upgrade })
}

/// Reads a whole trailer section.
pub(super) fn trailers(section: &[u8]) -> Result<(), Fault> {
    fields(lines(section)).try_for_each(|field| field.map(drop))
}

fn lines(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = block.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.take_while(|line| !line.is_empty())
}

/// Whether a request line is one of HTTP/1.1; none where it is no request line. (RFC 9112, section 3)
fn request_line(line: &[u8]) -> Option<bool> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (method, target, version) = (parts.next()?, parts.next()?, parts.next()?);
    let method = Method::from_bytes(method).ok()?;
    // The one asks for a tunnel of its own, to a place that is not the target; the other stands for what was refused.
    let is_barred = method == Method::CONNECT || method.as_str() == REFUSED;
    // A fragment is nobody's but the sender's. (RFC 9112, section 3.2)
    if parts.next().is_some() || is_barred || target.contains(&b'#') {
        return None;
    }
    // Nearly always, and that is sooner seen than taken apart.
    if !is_plain_path(target) {
        // A host alone is for CONNECT. (RFC 9112, section 3.2.3)
        Uri::try_from(target).ok().filter(|uri| uri.scheme().is_some() || uri.authority().is_none())?;
    }
    match version {
        b"HTTP/1.1" => Some(true),
        b"HTTP/1.0" => Some(false),
        _ => None,
    }
}

/// Whether it is a path, with a query or without, of characters that have no other place. (RFC 3986, section 3.3)
fn is_plain_path(target: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/?-._~%!$&'()*+,;=:@".contains(byte);
    target.starts_with(b"/") && target.iter().all(is_plain)
}

/// The names as they were written, each with its value.
fn fields<'a>(lines: impl Iterator<Item = &'a [u8]>) -> impl Iterator<Item = Result<(&'a [u8], &'a [u8]), Fault>> {
    let within = |number| if number < MAX_LINES { Ok(()) } else { Err(Fault::HeadTooLarge) };
    lines.enumerate().map(move |(number, line)| within(number).and_then(|()| field(line).ok_or(Fault::BadRequest)))
}

/// One line. A name is a token, so neither a space before the colon is one nor what continues the line before.
/// (RFC 9112, section 5)
fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    (!name.is_empty() && name.iter().all(is_token)).then(|| (name, value.trim_ascii()))
}

/// Digits, and no more of them than a length has: zeros before it are octal to some. (RFC 9110, section 8.6)
fn length(value: &[u8]) -> Option<u64> {
    let plain = value.iter().all(u8::is_ascii_digit) && (value.len() == 1 || !value.starts_with(b"0"));
    // So long that no sum with it overflows.
    if plain && value.len() < 19 { std::str::from_utf8(value).ok()?.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn plain_paths_are_what_the_library_takes_for_paths(target in "/[/?a-z0-9%.~:@#\\[\"|^ é-]{0,8}") {
            let theirs = Uri::try_from(target.as_bytes()).is_ok_and(|uri| uri.authority().is_none());
            prop_assert!(theirs || !is_plain_path(target.as_bytes()), "{}", target);
        }
    }
}
