//! That what is written is what is read.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::inspect::{Body, Exchange, Message, State};

fn body(bytes: &[u8]) -> Body {
    Body { kept: bytes.to_vec(), size: bytes.len() as u64 }
}

fn exchange(head: &str, bytes: &[u8], answer: Option<(&str, &[u8])>) -> Exchange {
    let message = |head: &str, bytes: &[u8]| Message { head: head.into(), body: body(bytes), trailers: Vec::new() };
    Exchange { id: 7, response: answer.map(|(head, bytes)| message(head, bytes)), ..Exchange::of(message(head, bytes)) }
}

/// What is read of files as if they lay in a folder.
fn read_back(files: &Files) -> Result<Vec<Recorded>, Unreadable> {
    read(&files.text, |name| {
        let found = files.beside.iter().find(|(other, _)| other == name);
        found.map(|(_, bytes)| bytes.clone()).ok_or_else(|| format!("no `{name}`"))
    })
}

fn asked(text: &str) -> Result<Vec<Recorded>, Unreadable> {
    read(text.as_bytes(), |name| Err(format!("no `{name}`")))
}

const HOOK: &str = "POST /my-app/hook?a=1 HTTP/1.1\r\nHost: example.com\r\nX-Empty:\r\n\r\n";

#[test]
fn a_text_that_people_read() {
    let answer = ("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", &b"thanks\n\nbye\n"[..]);
    let files = write(&exchange(HOOK, b"{\"order\":7}", Some(answer))).unwrap();
    assert_eq!(files.name, "0007-POST-my-app-hook.http");
    assert_eq!(
        String::from_utf8(files.text.clone()).unwrap(),
        "POST /my-app/hook?a=1 HTTP/1.1\nHost: example.com\nX-Empty:\n\n{\"order\":7}\n###\n\
         # < HTTP/1.1 200 OK\n# < Content-Type: text/plain\n#\n# thanks\n#\n# bye\n"
    );
    assert_eq!(files.beside, []);
    let read = read_back(&files).unwrap();
    assert_eq!((read.len(), read[0].status, &read[0].request.body[..]), (1, Some(200), &b"{\"order\":7}"[..]));
}

#[test]
fn what_an_editor_would_change_stands_beside_it() {
    for bytes in
        [&b"\x00\xff"[..], b"a\r\nb", b"### not the end", b"x\n###", b"< ./of-a-stranger", "\u{1b}[2J".as_bytes()]
    {
        let answer = ("HTTP/1.1 500 Oh\r\n\r\n", &b"\x1b]0;title\x07"[..]);
        let files = write(&exchange(HOOK, bytes, Some(answer))).unwrap();
        let names: Vec<_> = files.beside.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["0007-POST-my-app-hook.request.bin", "0007-POST-my-app-hook.response.bin"], "{bytes:?}");
        let text = String::from_utf8(files.text.clone()).unwrap();
        assert!(text.contains("\n\n< ./0007-POST-my-app-hook.request.bin\n###\n"), "{text}");
        assert!(text.ends_with("#\n# < ./0007-POST-my-app-hook.response.bin\n"), "{text}");
        let read = read_back(&files).unwrap();
        assert_eq!((&read[0].request.body[..], read[0].status), (bytes, Some(500)));
    }
}

#[test]
fn a_target_that_was_not_reached() {
    let mut silent = exchange(HOOK, b"", None);
    silent.state = State::Unreachable("connection refused\u{1b}".to_owned());
    let files = write(&silent).unwrap();
    let text = String::from_utf8(files.text.clone()).unwrap();
    assert!(text.ends_with("X-Empty:\n\n###\n# no answer: connection refused\\u{1b}\n"), "{text}");
    assert_eq!(read_back(&files).unwrap()[0].status, None);
}

#[test]
fn what_cannot_be_sent_again_is_not_written() {
    let mut cut = exchange(HOOK, b"1234", None);
    cut.request.body.size = 9;
    assert_eq!(write(&cut), Err(Unwritable::Cut { kept: 4, size: 9 }));
    for head in [
        "",
        "\u{16}\u{3}\u{1}",
        "GET /\u{7f} HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nA: \u{1}\r\n\r\n",
        "GET /\u{9b}31m HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nA: \u{202e}\r\n\r\n",
        "### / HTTP/1.1\r\n\r\n",
        "# / HTTP/1.1\r\n\r\n",
    ] {
        assert_eq!(write(&exchange(head, b"", None)), Err(Unwritable::Opaque), "{head:?}");
    }
}

#[test]
fn texts_of_people() {
    let text = "### The first\n# a comment\nGET https://example.com/a HTTP/1.1\n// another\nAccept: */*\n\n\n### The second\r\n\
                DELETE /b\r\nhost: x\r\n\r\n###\r\n# < HTTP/1.1 204\r\n";
    let found = asked(text).unwrap();
    let seen: Vec<_> = found
        .iter()
        .map(|Recorded { request, status }| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let headers: Vec<_> = request.headers.iter().map(|(name, value)| text(name) + "=" + &text(value)).collect();
            (text(&request.method), text(&request.path), headers.join(" "), request.body.len(), *status)
        })
        .collect();
    let row = |method: &str, path: &str, headers: &str, body, status| {
        (method.to_owned(), path.to_owned(), headers.to_owned(), body, status)
    };
    let expected =
        [row("GET", "/a", "Host=example.com Accept=*/*", 0, None), row("DELETE", "/b", "host=x", 0, Some(204))];
    assert_eq!(seen, expected);
}

#[test]
fn what_cannot_be_meant_is_told_by_its_line() {
    let check = |text: &str, sentence: &str| assert_eq!(asked(text).unwrap_err().to_string(), sentence);
    let first = "a request begins with a method and a path, such as `POST /my-app/hook HTTP/1.1`";
    check("# x\n\nGET\n", &format!("line 3: {first}"));
    check("GET / HTTP/1.1 x", &format!("line 1: {first}"));
    check("GET / x\n", &format!("line 1: {first}"));
    check("GET /\nHost example.com\n", "line 2: a header is `Name: value`");
    check("GET /\n\n< ./gone\n", "line 3: no `gone`");
    check("GET /\n\n< ./../secret\n", "line 3: `< ./NAME` names a file of the same folder");
    assert_eq!(asked("\n# nothing\n###\n"), Ok(Vec::new()));
}

fn token() -> impl Strategy<Value = String> {
    "[A-Za-z0-9!#$%&'*+.^_`|~-]{1,12}".prop_filter("it would end a request", |name| !name.starts_with("###"))
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..64),
        "[a#< \n./\t{}\r]{0,24}".prop_map(String::into_bytes),
        "\\PC{0,16}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever was asked is asked again as it was: method, path, headers in their order, and the body.
    #[test]
    fn a_request_comes_back_as_it_was(
        method in token().prop_filter("it would be a comment", |method| method != "#"),
        path in "/[!-~é]{0,20}",
        headers in vec((token(), "([!-~]([ -~\té]{0,12}[!-~])?)?"), 0..6),
        bytes in content(),
        answer in prop::option::of(content()),
    ) {
        let lines = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect::<Vec<_>>().concat();
        let head = format!("{method} {path} HTTP/1.1\r\n{lines}\r\n");
        let answer = answer.as_deref().map(|bytes| ("HTTP/1.1 201 Created\r\nX: y\r\n\r\n", bytes));
        let files = write(&exchange(&head, &bytes, answer)).unwrap();
        let stem = files.name.strip_suffix(".http").expect("it is a text for editors");
        prop_assert!(stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{stem}");
        let expected = Recorded {
            request: Replay {
                method: method.into_bytes(),
                path: path.into_bytes(),
                headers: headers.into_iter().map(|(name, value)| (name.into_bytes(), value.into_bytes())).collect(),
                body: bytes,
            },
            status: answer.map(|_| 201),
        };
        prop_assert_eq!(read_back(&files), Ok(vec![expected]));
    }

    #[test]
    fn no_text_is_trouble(text in vec(any::<u8>(), 0..80), words in "[#</ :.aHTP1\r\n-]{0,60}") {
        let _ = read(&text, |_| Ok(Vec::new()));
        let _ = read(words.as_bytes(), |_| Ok(Vec::new()));
    }
}
