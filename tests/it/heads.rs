//! Heads of requests that are too large: what each is told, and what the server keeps of them until then.

use std::time::Duration;

use tokio::time::interval;

use crate::peer::Peer;
use crate::process::Process;
use crate::tunnel::Server;

/// The longest head, as the documents say.
const MOST: usize = 64 * 1024;

/// KiB that may be kept for a connection.
const KEPT: u64 = 256;

const HEADS: u64 = 200;

/// A head whose one line is so long that the whole has `length` bytes.
fn head(length: usize) -> String {
    let (before, after) = ("GET /app HTTP/1.1\r\nHost: a.example\r\nX-A: ", "\r\n\r\n");
    format!("{before}{}{after}", "x".repeat(length - before.len() - after.len()))
}

/// A head of so many lines.
fn lines(count: usize) -> String {
    format!("GET /app HTTP/1.1\r\nHost: a.example\r\n{}\r\n", "A: b\r\n".repeat(count - 1))
}

#[tokio::test]
async fn a_head_has_its_bounds() {
    let server = Server::start(&[]).await;
    let long = "a".repeat(2 * MOST);
    for (what, request, status) in [
        // No tunnel is open: what has been understood is told so.
        ("the largest", head(MOST - 1), "404"),
        ("one that is larger", head(MOST + 1), "431"),
        ("one that is twice as large", head(2 * MOST), "431"),
        ("the most lines", lines(100), "404"),
        ("a line more", lines(101), "431"),
        ("a line that never ends", format!("GET /app HTTP/1.1\r\nX-A: {long}"), "431"),
        ("a name that never ends", format!("GET /app HTTP/1.1\r\n{long}"), "431"),
        ("a method that never ends", long.clone(), "414"),
        ("an address that never ends", format!("GET /{long}"), "414"),
        ("a long address", format!("GET /{long} HTTP/1.1\r\nHost: a.example\r\n\r\n"), "414"),
        ("no head at all", "\0".to_owned(), "400"),
        ("a version of its own", "GET /app HTTP/9.9\r\nHost: a.example\r\n\r\n".to_owned(), "400"),
        ("a line that is none", "GET /app HTTP/1.1\r\nHost: a.example\r\nx\r\n\r\n".to_owned(), "400"),
    ] {
        let mut visitor = server.visit().await;
        visitor.try_send(&request).await;
        let head = visitor.head().await;
        assert_eq!(head.status(), status, "{what}");
        if status == "404" {
            assert_eq!(head.value("sendit-error"), Some("unknown-prefix"), "{what}");
        } else {
            let said = (head.value("sendit-error"), head.value("connection"));
            assert_eq!(said, (Some("bad-request"), Some("close")), "{what}");
        }
    }
}

/// Whether they are almost whole and are waited for, or go on for ever and are not read on.
#[tokio::test]
async fn little_is_kept_of_a_head() {
    for (what, length) in [("unfinished", MOST - 8), ("endless", 32 * MOST)] {
        let server = Server::start(&[]).await;
        let process = Process::of(server.program.id());
        let (before, mut most, mut heads) = (process.memory(), 0, tokio::task::JoinSet::new());
        let unfinished = head(length + 4)[..length].to_owned();
        for _ in 0..HEADS {
            let (mut visitor, bytes) = (server.visit().await, unfinished.clone());
            heads.spawn(async move {
                visitor.try_send(bytes).await;
                visitor
            });
        }
        let (mut sent, mut looks, mut visitors) = (0, interval(Duration::from_millis(5)), Vec::<Peer>::new());
        while sent < HEADS {
            tokio::select! {
                Some(visitor) = heads.join_next() => {
                    visitors.push(visitor.unwrap());
                    sent += 1;
                }
                _ = looks.tick() => most = most.max(process.memory()),
            }
        }
        // What was sent last has still to be read.
        for _ in 0..100 {
            looks.tick().await;
            most = most.max(process.memory());
        }
        let each = most.saturating_sub(before) / HEADS;
        println!("{each} KiB for each of {HEADS} heads that are {what}");
        assert!(each <= KEPT, "{each} KiB");
        let enough = u64::try_from(MOST / 1024).unwrap() / 2;
        assert!(what == "endless" || each > enough, "{each} KiB: they were never there together");
    }
}
