//! Answers as bytes, each to a request that only asks and to the same one with a body: both ways read them alike, wherever they
//! are cut.

use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio_util::task::TaskTracker;

use super::super::*;

/// What is seen of an answer: none of it, or its head, the body, the trailers, and whether that was all.
type Seen = Result<(String, String, String, bool), Fault>;

/// Which way a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Asks,
    Brings,
}

fn told(headers: &HeaderMap) -> String {
    let line = |(name, value): (&HeaderName, &HeaderValue)| format!("{name}: {}\n", value.as_bytes().escape_ascii());
    headers.iter().map(line).collect::<Vec<_>>().concat()
}

/// What is seen where a target says this, so many bytes at a time, and leaves.
async fn seen(way: Way, method: &Method, said: &[u8], step: usize) -> Seen {
    let (tasks, said) = (TaskTracker::new(), said.to_vec());
    let connector = {
        let tasks = tasks.clone();
        Connector::new(move |_| {
            let ((near, mut far), said) = (duplex(256 * 1024), said.clone());
            tasks.spawn(async move {
                let mut asked = Vec::new();
                let end: &[u8] = if way == Way::Asks { b"\r\n\r\n" } else { b"\r\n\r\nx" };
                while !asked.ends_with(end) {
                    far.read_buf(&mut asked).await.unwrap();
                }
                for piece in said.chunks(step) {
                    let _ = far.write_all(piece).await;
                    tokio::task::yield_now().await;
                }
            });
            async move { Ok(near) }
        })
    };
    let body = if way == Way::Asks { Body::empty() } else { Body::from("x") };
    let mut request = Request::builder().method(method).uri("/").header("host", "a.example").body(body).unwrap();
    let pool = Pool::new(connector, Tracked(tasks));
    let (answer, ..) = pool.answered(&mut request, Hold::Never, None).await?;
    let reason = answer.extensions().get::<hyper::ext::ReasonPhrase>().map(|reason| reason.as_bytes().escape_ascii());
    let reason = reason.map_or("-".to_owned(), |reason| reason.to_string());
    let head = format!("{:?} {} {reason}\n{}", answer.version(), answer.status().as_u16(), told(answer.headers()));
    let (mut body, mut data, mut trailers) = (answer.into_body(), Vec::new(), String::new());
    let is_whole = loop {
        match body.frame().await {
            Some(Ok(frame)) if frame.is_data() => data.extend(frame.into_data().unwrap()),
            Some(Ok(frame)) => trailers = told(&frame.into_trailers().unwrap()),
            Some(Err(_)) => break false,
            None => break true,
        }
    };
    Ok((head, data.escape_ascii().to_string(), trailers, is_whole))
}

/// That in short: `502`, or the status and the body, with `…` where more was to come.
fn short(seen: &Seen) -> String {
    match seen {
        Err(fault) => fault.status().as_str().to_owned(),
        Ok((head, body, trailers, is_whole)) => {
            let status = head.split(' ').nth(1).unwrap();
            format!("{status} {body}{}{}", trailers.trim_end(), if *is_whole { "" } else { "…" })
        }
    }
}

/// Both ways see this in an answer, and the same in each part of it.
#[track_caller]
fn check(method: &Method, said: &[u8], expected: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    // Of a long one there are too many parts.
    let cuts = if said.len() < 300 { 0..said.len() } else { 0..0 };
    let parts = cuts.map(|cut| (&said[..cut], usize::MAX)).chain([(said, usize::MAX), (said, 1)]);
    for (part, step) in parts {
        let asked = runtime.block_on(seen(Way::Asks, method, part, step));
        let brought = runtime.block_on(seen(Way::Brings, method, part, step));
        assert_eq!(asked, brought, "{} by {step}", part.escape_ascii());
        if part.len() == said.len() {
            assert_eq!(short(&asked), expected, "{} by {step}", part.escape_ascii());
        }
    }
}

#[test]
fn heads_that_are_taken() {
    for said in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"[..],
        b"\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
        b"\n\nHTTP/1.1 200 OK\nContent-Length: 1\n\nx",
        b"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 200 Very Fine\r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 200 \xffber\r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: \t 1 \t\r\nEmpty:\r\nB: \xff\xfe\r\nB:\tc, d \r\n\r\nx",
        b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\nx",
    ] {
        check(&Method::GET, said, "200 x");
    }
    check(&Method::GET, b"HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n", "999 ");
    let lines = |count: usize| format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(count));
    check(&Method::GET, lines(100).as_bytes(), "200 ");
    check(&Method::GET, lines(101).as_bytes(), "502");
}

#[test]
fn heads_that_are_none() {
    for said in [
        &b""[..],
        b"hello",
        b"SSH-2.0-x\r\n",
        b"\x15\x03\x01\0\x02\x02\x46",
        b"HTTP/0.9 200 OK\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/1.1 099 x\r\n\r\n",
        b"HTTP/1.1 000 x\r\n\r\n",
        b"HTTP/1.1 20 x\r\n\r\n",
        b"HTTP/1.1 2000 x\r\n\r\n",
        b"\rHTTP/1.1 200 OK\r\n\r\n",
        b"\r\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n A: b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n: b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: \0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: \x7f\r\n\r\n",
        b"HTTP/1.1 200 O\0K\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n",
        b"HTTP/1.1 103 x\r\n\r\n",
    ] {
        check(&Method::GET, said, "502");
    }
}

#[test]
fn what_has_no_body() {
    for lines in ["Content-Length: 5", "Transfer-Encoding: chunked", "Content-Length: x", "A: b"] {
        for status in ["204 No Content", "304 Not Modified"] {
            let said = format!("HTTP/1.1 {status}\r\n{lines}\r\n\r\nhello");
            check(&Method::GET, said.as_bytes(), &format!("{} ", &status[..3]));
        }
        check(&Method::HEAD, format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\nhello").as_bytes(), "200 ");
    }
    check(&Method::GET, b"HTTP/1.1 103 x\r\nA: b\r\n\r\nHTTP/1.1 100 x\r\n\r\nHTTP/1.1 204 x\r\n\r\n", "204 ");
    check(&Method::GET, b"HTTP/1.1 103 x\r\nContent-Length: 9\r\n\r\nHTTP/1.1 204 x\r\n\r\n", "204 ");
    check(&Method::GET, b"HTTP/1.1 205 x\r\nContent-Length: 1\r\n\r\nx", "205 x");
}

#[test]
fn bodies_by_their_announcement() {
    for (lines, body, expected) in [
        ("A: b", "hello", "200 hello"),
        ("Content-Length: 0", "", "200 "),
        ("Content-Length: 5", "hello", "200 hello"),
        ("Content-Length: 5", "hello, you", "200 hello"),
        ("Content-Length: 05, 5,5", "hello", "200 hello"),
        ("Content-Length: 5\r\nContent-Length: 5", "hello", "200 hello"),
        ("Content-Length: 0, 0", "", "200 "),
        ("Content-Length: 6", "hello", "200 hello…"),
        ("Content-Length: 18446744073709551613", "hello", "200 hello…"),
        ("Content-Length: 18446744073709551616", "hello", "502"),
        ("Content-Length: 5\r\nContent-Length: 6", "hello", "502"),
        ("Content-Length: 5, 6", "hello", "502"),
        ("Content-Length: 5,", "hello", "502"),
        ("Content-Length: +5", "hello", "502"),
        ("Content-Length: -5", "hello", "502"),
        ("Content-Length: 5 5", "hello", "502"),
        ("Content-Length:", "hello", "502"),
        ("Transfer-Encoding: gzip", "5\r\nhello\r\n0\r\n\r\n", r"200 5\r\nhello\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked;q=1", "hello", "200 hello"),
        ("Transfer-Encoding: chunked,", "hello", "200 hello"),
        ("Transfer-Encoding: chunked, gzip", "hello", "200 hello"),
        ("Transfer-Encoding:", "hello", "200 hello"),
        ("Transfer-Encoding: gzip, Chunked", "5\r\nhello\r\n0\r\n\r\n", "200 hello"),
        ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n", "200 hello"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip", "hello", "200 hello"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 2", "5\r\nhello\r\n0\r\n\r\n", "200 hello"),
        ("Content-Length: 99\r\nTransfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n", "200 hello"),
        ("Content-Length: x\r\nTransfer-Encoding: gzip", "hello", "200 hello"),
    ] {
        check(&Method::GET, format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\n{body}").as_bytes(), expected);
    }
    check(&Method::GET, b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "502");
}

#[test]
fn chunks() {
    let lines = |count: usize| format!("0\r\n{}\r\n", "a: b\r\n".repeat(count));
    for (body, expected) in [
        ("5\r\nhello\r\n0\r\n\r\n", "200 hello"),
        ("5\r\nhello\r\n1;x=y;z=\"a\"\r\n!\r\n000\r\n\r\n", "200 hello!"),
        ("5 \t\r\nhello\r\n0\r\n\r\n", "200 hello"),
        ("00000005\r\nhello\r\n0\r\n\r\nbehind", "200 hello"),
        ("A\r\n0123456789\r\n0\r\n\r\n", "200 0123456789"),
        ("1\r\nx\r\n0\r\nSum: 1\r\nsum:  2\r\n\r\n", "200 xsum: 1\nsum: 2"),
        ("", "200 …"),
        ("5\r\nhello", "200 hello…"),
        ("5\r\nhello\r\n", "200 hello…"),
        ("5\r\nhello\r\n0\r\n", "200 hello…"),
        ("5\r\nhello\r\n0\r\nSum: 1\r\n", "200 hello…"),
        ("5\r\nhello\r\n\r\n0\r\n\r\n", "200 hello…"),
        ("5\r\nhello!\r\n0\r\n\r\n", "200 hello…"),
        ("\r\n", "200 …"),
        ("5 6\r\nhello\r\n0\r\n\r\n", "200 …"),
        (" 5\r\nhello\r\n0\r\n\r\n", "200 …"),
        ("+5\r\nhello\r\n0\r\n\r\n", "200 …"),
        ("0x5\r\nhello\r\n0\r\n\r\n", "200 …"),
        ("5;a\nb\r\nhello\r\n0\r\n\r\n", "200 …"),
        ("5\nhello\n0\n\n", "200 …"),
        ("10000000000000005\r\nhello\r\n0\r\n\r\n", "200 …"),
        ("1\r\nx\r\n0\r\nSum 1\r\n\r\n", "200 x…"),
        ("1\r\nx\r\n0\r\nSum: 1\r\n 2\r\n\r\n", "200 x…"),
        (&lines(101), "200 …"),
        (&format!("0\r\na: {}\r\n\r\n", "b".repeat(17 * 1024)), "200 …"),
        (&format!("1;{}\r\nx\r\n0\r\n\r\n", "y".repeat(17 * 1024)), "200 …"),
    ] {
        check(
            &Method::GET,
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}").as_bytes(),
            expected,
        );
    }
}

/// What the two are known to read otherwise: of the visitor's own task first, of the library second.
#[test]
fn what_is_read_otherwise() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let chunked = "Transfer-Encoding: chunked";
    let extension = format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(2_000));
    let spaces = format!("5{}\r\nhello\r\n0\r\n\r\n", " ".repeat(2_000));
    for (lines, body, ours, theirs) in [
        // That nothing is done to a body does not take away its length.
        ("Transfer-Encoding: identity\r\nContent-Length: 5", "hello, you", "200 hello", "200 hello, you"),
        // The lines of trailers end as those of chunks do.
        (chunked, "0\r\nA: b\n\r\n\r\n", "200 …", "200 a: b"),
        // More digits than a number of them can have.
        (chunked, "00000000000000005\r\nhello\r\n0\r\n\r\n", "200 …", "200 hello"),
        // What means nothing has its bound in each chunk.
        (chunked, &extension, "200 …", "200 hello"),
        (chunked, &spaces, "200 …", "200 hello"),
    ] {
        let said = format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\n{body}");
        for step in [1, usize::MAX] {
            for (way, expected) in [(Way::Asks, ours), (Way::Brings, theirs)] {
                let seen = runtime.block_on(seen(way, &Method::GET, said.as_bytes(), step));
                assert_eq!(short(&seen), expected, "{way:?} {lines} by {step}");
            }
        }
    }
}
