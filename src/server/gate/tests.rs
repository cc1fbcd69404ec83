//! What passes, what is refused, and what waits for an answer.

use std::future::poll_fn;
use std::pin::pin;

use axum::body::Body;
use futures_util::stream::pending;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::{Instant, timeout};
use tower_service::Service as _;

use super::*;
use crate::proxy::{Breaker, Visitor};
use crate::server::accept::{HEAD_DEADLINE, IDLE};
use crate::server::public::Arrival;
use crate::server::waiting::Waiting;
use crate::server::{Config, Server};

/// What passes of `bytes` that come in pieces of `step`, and how that ends.
fn passed(bytes: &[u8], step: usize) -> (Vec<u8>, Option<Fault>) {
    let mut scan = Scan::new(256);
    let (mut held, mut passed) = (Vec::new(), Vec::new());
    for piece in bytes.chunks(step.max(1)) {
        held.extend_from_slice(piece);
        loop {
            match scan.scan(&held) {
                Ok(0) if scan.is_undecided() => scan.go_on(),
                Ok(0) => break,
                Ok(count) => passed.extend(held.drain(..count)),
                Err(fault) => return (passed, Some(fault)),
            }
            if held.is_empty() {
                break;
            }
        }
    }
    (passed, None)
}

/// However the bytes come in, the same pass.
#[track_caller]
fn check(bytes: &str, passes: &str, fault: Option<Fault>) {
    for step in [1, 2, 3, 7, 4096] {
        let (seen, ended) = passed(bytes.as_bytes(), step);
        assert_eq!((String::from_utf8_lossy(&seen).as_ref(), ended), (passes, fault), "{bytes:?} by {step}");
    }
}

const BAD: Option<Fault> = Some(Fault::BadRequest);

#[test]
fn heads() {
    let get = |lines: &str| format!("GET / HTTP/1.1\r\n{lines}\r\n");
    for lines in ["", "A: b\r\n", "A:\r\n", "A: \u{e9}\r\n", "A: b: c\r\n", "A:b \t\r\n"] {
        check(&get(lines), &get(lines), None);
    }
    for lines in [
        "A : b\r\n",
        " A: b\r\n",
        "A: b\r\n c\r\n",
        "A\r\n",
        ": b\r\n",
        "A: b\n",
        "A: b\rc\r\n",
        "A: b\0\r\n",
        "A\u{b}: b\r\n",
        "Content-Length: 1\r\nContent-Length: 2\r\n",
        "Content-Length: 1, 1\r\n",
        "Content-Length: +1\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 01\r\n",
        "Content-Length: 0x1\r\n",
        "Content-Length:\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Content_Length: 1\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding:\r\n",
        "Transfer_Encoding: chunked\r\n",
    ] {
        check(&get(lines), "", BAD);
    }
    for line in [
        "GET  / HTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET /",
        "GET / HTTP/2.0",
        "GET / http/1.1",
        "G@T / HTTP/1.1",
        "GET /#a HTTP/1.1",
        "GET a:80 HTTP/1.1",
        "CONNECT / HTTP/1.1",
        "SENDIT-REFUSED /431 HTTP/1.1",
        "PRI * HTTP/2.0",
        "",
    ] {
        let passes = if line.is_empty() { "\r\n" } else { "" };
        check(&format!("{line}\r\nHost: a\r\n\r\n"), passes, BAD);
    }
    let old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
    check(old, "", BAD);
}

#[test]
fn few_empty_lines_pass_before_a_head() {
    let get = "GET / HTTP/1.1\r\n\r\n";
    check(&format!("\r\n\r\n{get}").repeat(3), &format!("\r\n\r\n{get}").repeat(3), None);
    check(&format!("\r\n\r\n\r\n{get}"), "\r\n\r\n", BAD);
    check(&format!("{get}{}", "\r\n".repeat(3)), &format!("{get}\r\n\r\n"), BAD);
}

#[test]
fn sizes() {
    check(&format!("GET /{}", "a".repeat(300)), "", Some(Fault::UriTooLong));
    check(&format!("GET / HTTP/1.1\r\nA: {}", "a".repeat(300)), "", Some(Fault::HeadTooLarge));
    let mut scan = Scan::new(64 * 1024);
    let many = |count| format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(count));
    assert_eq!(scan.scan(many(100).as_bytes()), Ok(many(100).len()));
    assert_eq!(scan.scan(many(101).as_bytes()), Err(Fault::HeadTooLarge));
}

#[test]
fn bodies_and_what_follows_them() {
    let next = "GET /next HTTP/1.1\r\n\r\n";
    for body in [
        "Content-Length: 0\r\n\r\n",
        "Content-Length: 3\r\n\r\na\0\n",
        "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n3\r\na\r\n\r\n00a;x=\"y\"\r\n0123456789\r\n0\r\nSum: 1\r\n\r\n",
        "Upgrade: h2c\r\nContent-Length: 1\r\n\r\na",
    ] {
        // An empty line between two messages is no harm.
        let all = format!("POST / HTTP/1.1\r\n{body}\r\n{next}{next}");
        check(&all, &all, None);
    }
    for (body, passes) in [
        ("3\nabc\r\n0\r\n\r\n", "3"),
        ("3\r\nabc\n0\r\n\r\n", "3\r\nabc"),
        ("3\r\nabcd\r\n0\r\n\r\n", "3\r\nabc"),
        ("\r\n", ""),
        ("+3\r\nabc", ""),
        ("-1\r\n", ""),
        ("0x3\r\nabc", "0"),
        ("3 \r\nabc", "3"),
        (" 3\r\nabc", ""),
        ("3;a\nb\r\nabc", "3;a"),
        ("3;a\rb\r\nabc", "3;a\r"),
        ("g\r\n", ""),
        ("0000000000000003\r\nabc", "000000000000000"),
        ("0\r\nA: b\r\n c\r\n\r\n", "0\r\n"),
        ("0\r\nA : b\r\n\r\n", "0\r\n"),
        ("0\r\nGET / HTTP/1.1\r\n\r\n", "0\r\n"),
        ("0\r\nA: b\n\r\n", "0\r\n"),
    ] {
        let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        check(&format!("{head}{body}{next}"), &format!("{head}{passes}"), BAD);
    }
}

proptest! {
    /// Nothing panics, and the bytes that pass are those that came, however they are cut.
    #[test]
    fn whatever_comes_is_passed_or_refused(
        pieces in proptest::collection::vec(proptest::sample::select(vec![
            "GET / HTTP/1.1\r\n", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "Upgrade: a\r\n", "A: b\r\n",
            "\r\n", "\n", "3", "0", ";", "abc", "\0", " ", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ]), 0..24),
        step in 1_usize..40,
    ) {
        let bytes = pieces.concat();
        let (cut, whole) = (passed(bytes.as_bytes(), step), passed(bytes.as_bytes(), bytes.len()));
        prop_assert_eq!(&cut, &whole);
        prop_assert!(bytes.as_bytes().starts_with(&cut.0));
    }
}

impl Breakable for DuplexStream {
    fn error(&self) -> Option<io::Error> {
        None
    }
}

fn gate(server: DuplexStream, course: &Course) -> Gate<DuplexStream> {
    let patience = Patience::new(Instant::now() + HEAD_DEADLINE, Waiting::default());
    Gate::new(server, course.clone(), patience)
}

/// What comes out of a gate for bytes that are followed by an end.
async fn through(bytes: &str, course: &Course) -> Vec<u8> {
    let (mut visitor, server) = duplex(64);
    let mut gate = gate(server, course);
    let sending = async {
        visitor.write_all(bytes.as_bytes()).await.unwrap();
        visitor.shutdown().await.unwrap();
    };
    let mut seen = Vec::new();
    let _ = tokio::join!(sending, timeout(LOOK * 60, gate.read_to_end(&mut seen)));
    seen
}

#[tokio::test(start_paused = true)]
async fn a_refused_head_is_replaced_and_nothing_follows() {
    let (good, bad) = ("GET /1 HTTP/1.1\r\n\r\n", "GET /2 HTTP/1.1\r\nAccept: text/html\r\nA : b\r\n\r\n");
    let seen = through(&format!("{good}{bad}{good}"), &Course::default()).await;
    let substitute = "SENDIT-REFUSED /400 HTTP/1.1\r\nhost: refused\r\naccept: text/html\r\n\r\n";
    assert_eq!(String::from_utf8(seen).unwrap(), format!("{good}{substitute}"));
}

#[tokio::test(start_paused = true)]
async fn the_end_waits_for_an_answer_that_is_owed() {
    let (visitor, server) = duplex(64);
    let course = Course::default();
    let owed = course.begin();
    drop(visitor);
    let mut gate = gate(server, &course);
    let mut end = Box::pin(async move { gate.read(&mut [0]).await });
    assert!(timeout(LOOK * 60, &mut end).await.is_err(), "an answer is owed");
    let also = course.begin();
    drop(owed);
    assert!(timeout(LOOK * 60, &mut end).await.is_err(), "it is still owed");
    drop(also);
    assert_eq!(end.await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_end_waits_until_what_was_said_is_taken() {
    let (visitor, server) = duplex(64);
    let course = Course::default();
    course.written(true);
    drop(visitor);
    let mut gate = gate(server, &course);
    let mut end = Box::pin(async move { gate.read(&mut [0]).await });
    assert!(timeout(LOOK * 60, &mut end).await.is_err(), "the visitor takes nothing yet");
    let taking = async { course.written(false) };
    let (end, ()) = tokio::join!(timeout(LOOK, end), taking);
    assert_eq!(end.expect("the one who reads is woken").unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_idle_visitor_is_waited_for_from_the_end_of_the_last_exchange() {
    let (mut visitor, server) = duplex(64);
    let course = Course::default();
    let under_way = course.exchange();
    let mut gate = gate(server, &course);
    visitor.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert!(gate.read(&mut [0; 64]).await.unwrap() > 0);
    let mut end = Box::pin(async move { gate.read(&mut [0]).await });
    assert!(timeout(IDLE * 2, &mut end).await.is_err(), "an exchange is under way");
    let begin = Instant::now();
    let ending = async { drop(under_way) };
    let (end, ()) = tokio::join!(timeout(IDLE * 2, end), ending);
    assert_eq!(end.expect("the one who reads is woken").unwrap(), 0);
    assert_eq!(begin.elapsed(), IDLE);
}

#[tokio::test(start_paused = true)]
async fn one_who_has_said_a_part_may_still_leave() {
    let (mut visitor, server) = duplex(64);
    let course = Course::default();
    let mut gate = gate(server, &course);
    visitor.write_all(b"GET /1 HTTP/1.1\r\n\r\nGET /2").await.unwrap();
    let next = poll_fn(|cx| gate.poll_next(cx)).await.unwrap();
    assert_eq!(next, Next::Request(bytes::Bytes::from_static(b"GET /1 HTTP/1.1\r\n\r\n")));
    assert!(timeout(LOOK, poll_fn(|cx| gate.poll_left(cx))).await.is_err(), "it is there");
    drop(visitor);
    timeout(LOOK, poll_fn(|cx| gate.poll_left(cx))).await.expect("nothing is owed").unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_follows_an_upgrade_waits_for_the_answer() {
    let head = "GET / HTTP/1.1\r\nUpgrade: own\r\n\r\n";
    for (switches, expected) in [(true, format!("{head}\0any")), (false, head.to_owned())] {
        let course = Course::default();
        let owed = course.begin();
        if switches {
            course.switch();
        }
        drop(owed);
        let seen = through(&format!("{head}\0any"), &course).await;
        let seen = String::from_utf8(seen).unwrap();
        assert!(seen.starts_with(&expected) && seen.contains("REFUSED") != switches, "{seen:?}");
    }
    let course = Course::default();
    let _owed = course.begin();
    assert_eq!(through(&format!("{head}GET /2 HTTP/1.1\r\n\r\n"), &course).await, head.as_bytes());
}

/// Whether a visitor who is refused could say `more`, and how long the server listened.
async fn refused_then(more: usize, ends: bool) -> (bool, Duration) {
    let (mut visitor, server) = duplex(64 * 1024);
    let mut gate = gate(server, &Course::default());
    let begin = Instant::now();
    let saying = async {
        visitor.write_all(b"GET  / HTTP/1.1\r\n\r\n").await.unwrap();
        let said = visitor.write_all(&vec![b'a'; more]).await.is_ok();
        if ends {
            visitor.shutdown().await.unwrap();
        }
        (said, visitor)
    };
    let refusing = async {
        assert!(gate.read(&mut [0; 1024]).await.unwrap() > 0);
        gate.shutdown().await.unwrap();
        drop(gate);
        begin.elapsed()
    };
    let ((said, _visitor), took) = tokio::join!(saying, refusing);
    (said, took)
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_may_say_the_rest() {
    assert_eq!(refused_then(100_000, true).await, (true, Duration::ZERO));
    assert_eq!(refused_then(100_000, false).await, (true, LINGER));
    assert_eq!(refused_then(2 * MAX_LINGER, true).await, (false, Duration::ZERO), "it is a flood");
}

/// The end of a carrier is how it is noticed that its client has gone, whatever answer it waits for.
#[tokio::test(start_paused = true)]
async fn control_endpoints_owe_nothing() {
    let course = Course::default();
    let mut request =
        Request::post(crate::wire::v2::OPEN).body(Body::from_stream(pending::<io::Result<&str>>())).unwrap();
    let visitor = Visitor::new(None, false);
    let arrival = Arrival { visitor, breaker: Breaker::default(), owed: Some(course.begin()) };
    request.extensions_mut().insert(arrival);
    let mut router = Server::new(Config::new(None, || 0)).router();
    let mut answering = pin!(router.call(request));
    assert!(timeout(LOOK, &mut answering).await.is_err(), "it waits for the body");
    let state = poll_fn(|cx| Poll::Ready(course.state(cx))).await;
    assert_eq!(state, State::Idle);
}
