//! What a body is: what its type says where its bytes bear that out, else what they look like. Knows beginnings and
//! grammars, and shows nothing.

use serde::de::IgnoredAny;

use super::{Kind, MediaType};

/// What a body was found to be.
pub(super) struct Found {
    pub(super) kind: Kind,
    pub(super) problem: Option<String>,
}

/// How images begin that every browser shows.
const IMAGES: [(&str, &[u8]); 7] = [
    ("image/png", b"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", b"\xff\xd8\xff"),
    ("image/gif", b"GIF8"),
    ("image/webp", b"RIFF"),
    ("image/bmp", b"BM"),
    ("image/x-icon", b"\0\0\x01\0"),
    ("image/vnd.microsoft.icon", b"\0\0\x01\0"),
];

/// Finds out what `bytes` are, of which `named` says what they should be. `whole` is whether they are all there are.
pub(super) fn sniff(named: &MediaType, bytes: &[u8], whole: bool) -> Found {
    let essence = named.essence.as_str();
    if named.is_or_ends_in(&["application/json", "text/json"], "+json") {
        return json(bytes, whole);
    }
    if essence.starts_with("multipart/") {
        return multipart(named, bytes, whole);
    }
    let kind = if essence == "application/x-www-form-urlencoded" {
        Kind::Form
    } else if named.is_or_ends_in(&["application/xml", "text/xml"], "+xml") {
        Kind::Xml
    } else if essence.starts_with("image/") {
        return image(essence, bytes, whole);
    } else if essence.starts_with("text/") {
        Kind::Text
    } else {
        return Found { kind: look(bytes, whole), problem: None };
    };
    if is_text(bytes) {
        return Found { kind, problem: None };
    }
    contradiction(essence, "and is no text", look(bytes, whole))
}

fn contradiction(essence: &str, but: &str, kind: Kind) -> Found {
    Found { kind, problem: Some(format!("it says that it is `{essence}`, {but}")) }
}

fn json(bytes: &[u8], whole: bool) -> Found {
    match is_json(bytes) {
        Err(error) if whole || !error.is_eof() => {
            let kind = if is_text(bytes) { Kind::Text } else { look(bytes, whole) };
            Found { kind, problem: Some(format!("it says that it is JSON, and is not: {error}")) }
        }
        _ => Found { kind: Kind::Json, problem: None },
    }
}

fn is_json(bytes: &[u8]) -> Result<IgnoredAny, serde_json::Error> {
    serde_json::from_slice(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))
}

/// Parts stand between lines that begin with two dashes and the boundary; two more end the last. (RFC 2046, section 5.1.1)
fn multipart(named: &MediaType, bytes: &[u8], whole: bool) -> Found {
    let Some(boundary) = named.parameter("boundary").filter(|boundary| !boundary.is_empty()) else {
        return contradiction(&named.essence, "and names no boundary", look(bytes, whole));
    };
    let line = format!("--{boundary}");
    let first = find(bytes, line.as_bytes(), 0);
    if first.is_none() && whole {
        return contradiction(&named.essence, "and its boundary occurs nowhere in it", look(bytes, whole));
    }
    let is_ended = find(bytes, format!("{line}--").as_bytes(), first.unwrap_or_default()).is_some();
    let problem = (whole && !is_ended).then(|| "it has no last boundary: a part of it may be missing".to_owned());
    Found { kind: Kind::Multipart, problem }
}

/// Where `wanted` begins in `bytes`, as the first of a line, from `start` on.
fn find(bytes: &[u8], wanted: &[u8], start: usize) -> Option<usize> {
    let begins = |at: &usize| bytes[*at..].starts_with(wanted) && (*at == 0 || bytes[at - 1] == b'\n');
    (start..bytes.len()).find(begins)
}

fn image(essence: &str, bytes: &[u8], whole: bool) -> Found {
    let begins = |(_, begin): &(&str, &[u8])| bytes.starts_with(begin);
    match IMAGES.iter().find(|(name, _)| *name == essence) {
        Some(known) if !begins(known) => contradiction(essence, "and does not begin so", look(bytes, whole)),
        Some(_) => Found { kind: Kind::Image, problem: None },
        None if essence == "image/avif" && bytes.get(4..8) == Some(b"ftyp") => {
            Found { kind: Kind::Image, problem: None }
        }
        None => Found { kind: look(bytes, whole), problem: None },
    }
}

/// What bytes are that nothing is said of, or nothing true.
fn look(bytes: &[u8], whole: bool) -> Kind {
    // Two letters, or the name of a container, may begin anything.
    let begins = |(_, begin): &(&str, &[u8])| !matches!(*begin, b"BM" | b"RIFF") && bytes.starts_with(begin);
    if IMAGES.iter().any(begins) {
        Kind::Image
    } else if !is_text(bytes) || !is_utf8(bytes, whole) {
        Kind::Binary
    } else if matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'[')) && is_json(bytes).is_ok() {
        Kind::Json
    } else {
        Kind::Text
    }
}

/// Whether there are no control characters in it but those of lines and colours.
fn is_text(bytes: &[u8]) -> bool {
    let control = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | b'\x0c' | b'\x1b');
    !bytes.iter().any(control)
}

fn is_utf8(bytes: &[u8], whole: bool) -> bool {
    std::str::from_utf8(bytes).map_or_else(|error| !whole && error.error_len().is_none(), |_| true)
}
