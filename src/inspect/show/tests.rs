//! Rows of a type, a coding and a body, with what is shown of them; and that the bounds hold for any bytes.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::prelude::*;

use super::*;
use crate::inspect::Body;

const HELLO: &[u8] = br#"{"hello":"world"}"#;

/// `HELLO`, as other libraries compress it.
const HELLO_ZSTD: [u8; 26] = *b"\x28\xb5\x2f\xfd\x20\x11\x89\x00\x00{\"hello\":\"world\"}";
/// The same in a window of 128 MiB.
const HELLO_WIDE: [u8; 26] = *b"\x28\xb5\x2f\xfd\x00\x88\x89\x00\x00{\"hello\":\"world\"}";
/// 10 MiB of zeros.
const BOMB_BR: [u8; 27] = [
    0xcb, 0xff, 0xff, 0x3f, 0xf8, 0x27, 0x00, 0xe2, 0xb1, 0x40, 0x20, 0xf7, 0xfe, 0x2f, 0xff, 0xff, 0x3f, 0xf0, 0x4f,
    0x00, 0xc4, 0x61, 0x11, 0x80, 0xee, 0xfd, 0x07,
];

fn message(headers: &str, body: &[u8]) -> Message {
    let head = format!("HTTP/1.1 200 OK\r\n{headers}\r\n").into_bytes();
    Message { head, body: Body { kept: body.to_vec(), size: body.len() as u64 }, trailers: Vec::new() }
}

fn named(media_type: &str, body: &[u8]) -> Shown {
    show(&message(&format!("Content-Type: {media_type}\r\n"), body))
}

fn coded(coding: &str, body: &[u8]) -> Shown {
    show(&message(&format!("Content-Encoding: {coding}\r\nContent-Type: application/json\r\n"), body))
}

fn cut(mut message: Message) -> Message {
    message.body.size += 1;
    message
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Digits of a base of 16 that follow no rule which a compressor could find.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut digit = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b"0123456789abcdef"[(state >> 28) as usize]
    };
    (0..length).map(|_| digit()).collect()
}

#[track_caller]
fn check(shown: &Shown, kind: Kind, text: Option<&str>, problem: Option<&str>) {
    assert_eq!((shown.kind, shown.text.as_deref(), shown.problem.as_deref()), (kind, text, problem));
}

#[track_caller]
fn check_hello(coding: &str, body: &[u8]) {
    let shown = coded(coding, body);
    assert!(shown.decoded, "{coding}");
    assert_eq!(shown.bytes, HELLO, "{coding}");
    check(&shown, Kind::Json, Some(r#"{"hello":"world"}"#), None);
}

#[test]
fn what_a_type_says_and_the_bytes_bear_out() {
    check(&named("application/json; charset=utf-8", HELLO), Kind::Json, Some(r#"{"hello":"world"}"#), None);
    check(&named("application/problem+json", b"\xef\xbb\xbf[]"), Kind::Json, Some("[]"), None);
    check(&named("application/x-www-form-urlencoded", b"a=1&b=%20"), Kind::Form, Some("a=1&b=%20"), None);
    check(&named("text/xml", b"<a/>"), Kind::Xml, Some("<a/>"), None);
    check(&named("image/svg+xml", b"<svg/>"), Kind::Xml, Some("<svg/>"), None);
    check(&named("text/html", b"<p>\x1b[1m"), Kind::Text, Some("<p>\u{1b}[1m"), None);
    check(&named("image/png", b"\x89PNG\r\n\x1a\n..."), Kind::Image, None, None);
    check(&named("image/avif", b"\0\0\0\x1cftypavif"), Kind::Image, None, None);
    check(&named("application/octet-stream", b"\0\xff"), Kind::Binary, None, None);
    check(&named("application/json", b""), Kind::Empty, None, None);
    assert_eq!(named("Text/HTML;charset=x", b"").media_type.as_deref(), Some("text/html"));
}

#[test]
fn what_nothing_is_said_of() {
    let plain = |body: &[u8]| show(&message("", body));
    check(&plain(HELLO), Kind::Json, Some(r#"{"hello":"world"}"#), None);
    check(&plain(b"[not json"), Kind::Text, Some("[not json"), None);
    check(&plain(b"GIF89a"), Kind::Image, None, None);
    check(&plain(b"caf\xe9"), Kind::Binary, None, None);
    check(&plain(b"a\0b"), Kind::Binary, None, None);
    check(&named("application/x-ndjson", b"1\n2\n"), Kind::Text, Some("1\n2\n"), None);
    assert_eq!(plain(b"x").media_type, None);
}

#[test]
fn wrong_types() {
    let not_json = "it says that it is JSON, and is not: expected value at line 1 column 1";
    check(&named("application/json", b"<html>"), Kind::Text, Some("<html>"), Some(not_json));
    check(&named("application/json", b"\0"), Kind::Binary, None, Some(not_json));
    let half = "it says that it is JSON, and is not: EOF while parsing an object at line 1 column 7";
    check(&named("application/json", b"{\"a\": 1"), Kind::Text, Some("{\"a\": 1"), Some(half));
    let no_png = "it says that it is `image/png`, and does not begin so";
    check(&named("image/png", b"<script>"), Kind::Text, Some("<script>"), Some(no_png));
    check(&named("text/plain", b"\0\x01"), Kind::Binary, None, Some("it says that it is `text/plain`, and is no text"));
}

#[test]
fn multipart() {
    let whole = b"preamble\r\n--b\r\nA: b\r\n\r\n\xff\0\r\n--b--\r\n";
    let text = "preamble\r\n--b\r\nA: b\r\n\r\n\u{fffd}\0\r\n--b--\r\n";
    check(&named("multipart/form-data; boundary=\"b\"", whole), Kind::Multipart, Some(text), None);
    let half = "it has no last boundary: a part of it may be missing";
    check(&named("multipart/mixed; boundary=b", b"--b\r\n\r\nx"), Kind::Multipart, Some("--b\r\n\r\nx"), Some(half));
    let cut = cut(message("Content-Type: multipart/mixed; boundary=b\r\n", b"--b\r\n\r\nx"));
    check(&show(&cut), Kind::Multipart, Some("--b\r\n\r\nx"), None);
    let none = "it says that it is `multipart/mixed`, and names no boundary";
    check(&named("multipart/mixed", b"--b"), Kind::Text, Some("--b"), Some(none));
    let nowhere = "it says that it is `multipart/mixed`, and its boundary occurs nowhere in it";
    check(&named("multipart/mixed; boundary=c", b"x--c"), Kind::Text, Some("x--c"), Some(nowhere));
}

#[test]
fn charsets() {
    check(&named("text/plain; charset=ISO-8859-1", b"caf\xe9"), Kind::Text, Some("café"), None);
    check(&named("text/plain", "café".as_bytes()), Kind::Text, Some("café"), None);
    let not_utf8 = "from byte 3 on it is not all UTF-8; what cannot be read is shown as `\u{fffd}`";
    check(&named("text/plain", b"caf\xe9 au lait"), Kind::Text, Some("caf\u{fffd} au lait"), Some(not_utf8));
    check(&named("text/plain", b"caf\xc3"), Kind::Text, Some("caf\u{fffd}"), Some(not_utf8));
    check(&show(&cut(message("Content-Type: text/plain\r\n", b"caf\xc3"))), Kind::Text, Some("caf"), None);
    let unknown = "the charset `shift_jis` is not known here; it is shown as UTF-8";
    check(&named("text/plain; charset=Shift_JIS", b"a"), Kind::Text, Some("a"), Some(unknown));
}

#[test]
fn codings() {
    let br = STANDARD.decode("CwiAeyJoZWxsbyI6IndvcmxkIn0D").unwrap();
    check_hello("gzip", &gzip(HELLO));
    check_hello("X-GZIP", &gzip(HELLO));
    check_hello("gzip", &[gzip(&HELLO[..5]), gzip(&HELLO[5..])].concat());
    check_hello("deflate", &zlib(HELLO));
    check_hello("deflate", &deflate(HELLO));
    check_hello("br", &br);
    check_hello("zstd", &HELLO_ZSTD);
    check_hello("zstd", &[HELLO_ZSTD.as_slice(), &[0x28, 0xb5, 0x2f, 0xfd, 0x20, 0, 1, 0, 0]].concat());
    check_hello("deflate, identity, gzip", &gzip(&zlib(HELLO)));
    let twice = show(&message("Content-Encoding: br\r\nContent-Encoding: gzip\r\n", &gzip(&br)));
    assert_eq!((twice.encoding.as_deref(), &twice.bytes[..]), (Some("br, gzip"), HELLO));
    assert_eq!(coded("gzip", b"").kind, Kind::Empty);
}

#[test]
fn broken_codings() {
    #[track_caller]
    fn check(shown: &Shown, decoded: bool, bytes: &[u8], problem: &str) {
        assert_eq!((shown.decoded, shown.bytes.as_slice()), (decoded, bytes));
        let seen = shown.problem.as_deref().unwrap_or_default();
        assert!(seen.starts_with(problem), "{seen}");
    }
    let noise = noise(2_000);
    let half = gzip(&noise);
    let half = &half[..half.len() - 100];
    let shown = coded("gzip", half);
    assert!(shown.bytes.len() > 1_000, "{} {:?}", shown.bytes.len(), shown.problem);
    assert!(noise.starts_with(&shown.bytes));
    check(&shown, true, &shown.bytes, "it is gzip, and breaks off: ");
    let kept = cut(message("Content-Encoding: gzip\r\nContent-Type: text/plain\r\n", half));
    check(&show(&kept), true, &shown.bytes, "it is gzip, and shown as far as it was kept");
    check(&coded("gzip", HELLO), false, HELLO, "it says that it is gzip, and is not; it is shown raw");
    check(&coded("zstd", &HELLO_WIDE), false, &HELLO_WIDE, "it says that it is zstd, and is not; it is shown raw");
    check(&coded("aws-chunked", HELLO), false, HELLO, "the coding `aws-chunked` is not known here; it is shown raw");
    check(&coded("br,br,br,br", HELLO), false, HELLO, "it has 4 codings one above the other; it is shown raw");
}

#[test]
fn bombs() {
    let shown = coded("br", &BOMB_BR);
    assert_eq!((shown.decoded, shown.bytes.len()), (true, 27 * MAX_RATIO));
    let problem = shown.problem.unwrap();
    assert!(problem.starts_with("it inflates to more than 100 times its size; only that much is shown"), "{problem}");
    let zeros = gzip(&vec![b'0'; 10 * MAX_SHOWN]);
    assert_eq!(coded("gzip", &zeros).bytes.len(), MAX_SHOWN.min(zeros.len() * MAX_RATIO));
    // What is within the ratio meets the other bound.
    let text = noise(2 * MAX_SHOWN);
    let shown = show(&message("Content-Encoding: gzip\r\nContent-Type: text/plain\r\n", &gzip(&text)));
    assert_eq!(shown.bytes, text[..MAX_SHOWN]);
    assert_eq!(shown.problem.as_deref(), Some("only the first 1 MiB of what it inflates to is shown"));
    let plain = named("text/plain; charset=latin1", &vec![0xe9; 2 * MAX_SHOWN]);
    assert_eq!((plain.bytes.len(), plain.text.map(|text| text.len())), (MAX_SHOWN, Some(MAX_SHOWN)));
}

const CODINGS: [&str; 7] = ["gzip", "deflate", "br", "zstd", "gzip, br", "zstd,deflate,gzip", "identity"];
const TYPES: [&str; 8] = [
    "application/json",
    "multipart/form-data; boundary=b",
    "application/x-www-form-urlencoded",
    "text/plain; charset=latin1",
    "text/plain; charset=\"",
    "image/png",
    "a/b+xml",
    "",
];

/// Bytes that are compressed, and then harmed at one place.
fn harmed() -> impl Strategy<Value = Vec<u8>> {
    let br = STANDARD.decode("CwiAeyJoZWxsbyI6IndvcmxkIn0D").unwrap();
    let streams = prop_oneof![
        Just(br),
        Just(BOMB_BR.to_vec()),
        Just(HELLO_ZSTD.to_vec()),
        Just(HELLO_WIDE.to_vec()),
        any::<Vec<u8>>().prop_map(|bytes| gzip(&bytes)),
        any::<Vec<u8>>().prop_map(|bytes| zlib(&bytes)),
    ];
    (streams, any::<prop::sample::Index>(), any::<u8>(), any::<prop::sample::Index>()).prop_map(
        |(mut bytes, at, byte, end)| {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes.truncate(end.index(bytes.len()) + 1);
            bytes
        },
    )
}

proptest! {
    #[test]
    fn the_bounds_hold_for_any_bytes(
        body in prop_oneof![any::<Vec<u8>>(), harmed()],
        head in any::<Vec<u8>>(),
        coding in prop::sample::select(&CODINGS[..]),
        media_type in prop::sample::select(&TYPES[..]),
        more in 0_u64..3,
    ) {
        let mut message = message(&format!("Content-Encoding: {coding}\r\nContent-Type: {media_type}\r\n"), &body);
        message.body.size += more;
        message.head.extend(&head);
        let shown = show(&message);
        prop_assert!(shown.bytes.len() <= MAX_SHOWN);
        prop_assert!(!shown.decoded || shown.bytes.len() <= body.len() * MAX_RATIO);
        prop_assert!(shown.decoded || shown.bytes == body);
        prop_assert!(shown.text.as_ref().is_none_or(|text| text.len() <= 3 * shown.bytes.len()));
        prop_assert_eq!(shown.kind == Kind::Empty, message.body.size == 0);
    }

    #[test]
    fn any_head_is_read(head in any::<Vec<u8>>(), body in any::<Vec<u8>>()) {
        show(&Message { head, body: Body { size: body.len() as u64, kept: body }, trailers: Vec::new() });
    }
}
