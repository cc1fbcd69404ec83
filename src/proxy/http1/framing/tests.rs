//! Bodies as they are announced, and as they come.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn framing(method: &Method, status: u16, version: Version, lines: &[(&str, &str)]) -> Result<Framing, Malformed> {
    let head = lines
        .iter()
        .fold(Response::builder().status(status).version(version), |head, (name, value)| head.header(*name, *value));
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
    for coded in ["chunked", "Chunked", "gzip, chunked", "gzip", "identity, gzip", "chunked, gzip"] {
        check(&[("transfer-encoding", coded), ("content-length", "5")], Ok(None));
    }
    check(&[("transfer-encoding", "identity"), ("content-length", "5")], Ok(Some(5)));
    check(&[("transfer-encoding", ""), ("content-length", "5")], Ok(Some(5)));
    check(&[("transfer-encoding", "identity"), ("transfer-encoding", "chunked"), ("content-length", "5")], Ok(None));
}

/// What is left of these lines for a visitor.
#[track_caller]
fn settled(lines: &[(&str, &str)], expected: &[&str]) {
    let named = |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    let mut headers: HeaderMap = lines.iter().map(named).collect();
    settle_length(&mut headers);
    assert_eq!(headers.get_all(CONTENT_LENGTH).iter().collect::<Vec<_>>(), expected, "{lines:?}");
}

#[test]
fn what_a_visitor_is_told_of_a_length() {
    settled(&[], &[]);
    settled(&[("content-length", "05")], &["05"]);
    settled(&[("content-length", "5, 05,5")], &["5"]);
    settled(&[("content-length", "0"), ("content-length", "0")], &["0"]);
    settled(&[("content-length", "5"), ("transfer-encoding", "identity")], &["5"]);
    settled(&[("content-length", "5"), ("transfer-encoding", "chunked"), ("content-length", "6")], &[]);
    settled(&[("content-length", "5"), ("transfer-encoding", "gzip")], &[]);
    // It is no body's: those are refused.
    settled(&[("content-length", "5, x")], &["5, x"]);
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
