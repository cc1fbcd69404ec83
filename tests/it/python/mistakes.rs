//! A server that breaks the protocol, which the client in Python has to notice: a mistake that ends the session ends the
//! client, and an answer that something on the way has spoilt is a carrier that was lost.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue};
use axum::routing::post;
use tokio::net::TcpListener;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::{client, python};
use crate::v2::record::{ack, attached, data, last, record, skip};
use crate::v2::{OPEN, READ, WRITE};
use crate::world::Program;

/// What the server answers to a carrier.
struct Lie<'a> {
    /// To which one; the others wait.
    path: &'static str,
    headers: &'a [(&'static str, &'static str)],
    records: &'a [Vec<u8>],
}

/// A server that opens any session and tells each of its carriers this lie, and a client that hears it.
async fn told(lie: Lie<'_>) -> Option<(AbortOnDropHandle<()>, Program)> {
    let python = python()?;
    let opened = format!(
        r#"{{"session": "{}", "secret": "{}", "grace_ms": 60000, "batch": 524288, "hold_ms": 0, "granted": []}}"#,
        "0".repeat(64),
        "A".repeat(43)
    );
    let opened = ([(CONTENT_TYPE, "application/json")], opened);
    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))]);
    for (name, value) in lie.headers {
        headers.insert(*name, HeaderValue::from_static(value));
    }
    let answer = (headers, lie.records.concat());
    let other = if lie.path == READ { WRITE } else { READ };
    let router = Router::new()
        .route(OPEN, post(async || opened))
        .route(lie.path, post(async || answer))
        .route(other, post(std::future::pending::<()>));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let serving = TaskTracker::new().spawn(async move { axum::serve(listener, router).await.unwrap() });
    // Nothing comes as far as the target.
    Some((AbortOnDropHandle::new(serving), client(&python, &server, "127.0.0.1:0", &[])))
}

/// The client says what is wrong, and ends.
async fn check(path: &'static str, records: &[Vec<u8>], expected: &str) {
    let Some((_server, mut client)) = told(Lie { path, headers: &[], records }).await else { return };
    assert_eq!(client.ended().await, Some(1), "{expected}");
    let errors = client.all().await.stderr;
    assert!(errors.contains(&format!("Error: {expected}")), "{expected}: {errors}");
}

/// The client gives the carrier up, and asks again.
async fn check_lost(headers: &[(&'static str, &'static str)], records: &[Vec<u8>], expected: &str) {
    let Some((_server, mut client)) = told(Lie { path: READ, headers, records }).await else { return };
    let again = |said: &str| said.split_once("lost ").is_some_and(|(_, later)| later.contains("read stream 2 "));
    let said = client.printed(|output| again(&output.stdout)).await.stdout;
    assert!(said.lines().any(|line| line.starts_with("lost ") && line.contains(expected)), "{expected}: {said}");
}

#[tokio::test]
async fn what_a_server_may_not_say_ends_the_client() {
    let begun = attached(0);
    check(READ, &[begun.clone(), ack(1)], "ACK says 1").await;
    check(READ, &[attached(1)], "ATTACHED says 1").await;
    check(READ, &[begun.clone(), skip(5)], "SKIP says 5").await;
    check(READ, &[begun.clone(), data(b"ab"), skip(1)], "SKIP says 1").await;
    check(READ, &[begun.clone(), last(0), data(b"a")], "LAST says 0").await;
    check(READ, &[begun.clone(), record(99, b"")], "99 is not a valid Record").await;
    check(READ, &[begun.clone(), record(2, &[0; 7])], "ACK of 7 bytes").await;
    check(READ, &[begun.clone(), record(7, b"")], "CLOSE of 0 bytes").await;
    check(READ, &[begun.clone(), record(7, b"\x01\xff")], "'utf-8' codec can't decode byte 0xff").await;
    check(READ, &[begun.clone(), data(&[1; 12])], "this is no yamux").await;
    check(WRITE, &[begun.clone(), data(b"a")], "DATA says").await;
    check(WRITE, &[begun.clone(), skip(0)], "SKIP says 0").await;
    check(WRITE, &[begun, last(9)], "LAST says 9").await;
}

#[tokio::test]
async fn what_is_no_whole_answer_is_lost() {
    let begun = attached(0);
    check_lost(&[("sendit-epoch", "7")], &[begun.clone(), last(0)], "the answer to another request").await;
    check_lost(&[("sendit-offset", "7")], &[begun.clone(), last(7)], "begins at 7, where 0 is wanted").await;
    check_lost(&[("content-type", "text/html")], &[begun.clone(), last(0)], "200 ").await;
    check_lost(&[], &[begun.clone(), data(b"a"), last(3)], "was to come to 3, and came to 1").await;
    check_lost(&[], &[begun.clone(), data(b"a")], "IncompleteReadError").await;
    check_lost(&[], &[begun, data(b"a")[..3].to_vec()], "IncompleteReadError").await;
}
