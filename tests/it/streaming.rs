//! Bodies that flow: both ways at once, piece by piece, and more than any memory should hold.

use std::time::Duration;

use crate::peer::Peer;
use crate::target::Target;
use crate::tunnel::Tunnel;

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n\r\n";

#[tokio::test]
async fn both_directions_flow_at_once() {
    let mut target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;
    let mut visitor = tunnel.server.visit().await;
    visitor.send(format!("POST /app HTTP/1.1\r\nHost: a.example\r\n{CHUNKED}")).await;
    let mut target = target.accept().await;
    target.head().await;
    target.send(format!("HTTP/1.1 200 OK\r\n{CHUNKED}")).await;
    assert_eq!(visitor.head().await.status(), "200");
    // Each piece is an answer to the one before it, so a piece that is held back anywhere ends the test.
    for piece in ["2\r\nq0\r\n", "2\r\nq1\r\n", "2\r\nq2\r\n"] {
        visitor.send(piece).await;
        target.expect(piece).await;
        let answer = piece.replace('q', "a");
        target.send(&answer).await;
        visitor.expect(answer).await;
    }
    target.send("0\r\n\r\n").await;
    visitor.expect("0\r\n\r\n").await;
    // The answer has ended, the request goes on.
    visitor.send("2\r\nq3\r\n").await;
    target.expect("2\r\nq3\r\n").await;
}

#[tokio::test]
async fn events_are_flushed_as_they_come() {
    let mut target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;
    for kind in ["text/event-stream", "application/x-ndjson", "text/html"] {
        let mut visitor = tunnel.server.visit().await;
        visitor.send("GET /app/events HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
        let mut target = target.accept().await;
        target.head().await;
        // No length: it lasts until the connection ends, as many event sources have it.
        target.send(format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n")).await;
        assert_eq!(visitor.head().await.value("content-type"), Some(kind));
        for n in 0..5 {
            let event = format!("data: {n}\n\n");
            target.send(&event).await;
            visitor.expect(format!("9\r\n{event}\r\n")).await;
        }
        target.finish().await;
        visitor.expect("0\r\n\r\n").await;
    }
}

const BLOCK: usize = 64 * 1024;

/// How many blocks make a gibibyte.
const BLOCKS: u64 = 16 * 1024;

/// Blocks that differ each from each, so that one that is lost, repeated or misplaced is noticed.
struct Blocks(Vec<u8>);

impl Blocks {
    fn new() -> Self {
        Self((0..BLOCK).map(|n| u8::try_from(n * n % 251).expect("less than 251")).collect())
    }

    fn at(&mut self, n: u64) -> &[u8] {
        self.0[..8].copy_from_slice(&n.to_be_bytes());
        &self.0
    }

    async fn send(&mut self, to: &mut Peer) {
        for n in 0..BLOCKS {
            to.send(self.at(n)).await;
        }
    }

    async fn receive(&mut self, from: &mut Peer) {
        let mut seen = vec![0; BLOCK];
        for n in 0..BLOCKS {
            from.read_block(&mut seen).await;
            assert!(seen == self.at(n), "block {n} came as it was sent");
        }
    }
}

#[tokio::test]
async fn a_gibibyte_passes_each_way_in_constant_memory() {
    let mut target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;
    let (mut sent, mut received) = (Blocks::new(), Blocks::new());
    let length = BLOCKS * BLOCK as u64;

    let mut visitor = tunnel.server.visit().await;
    visitor.send(format!("POST /app HTTP/1.1\r\nHost: a.example\r\nContent-Length: {length}\r\n\r\n")).await;
    let mut service = target.accept().await;
    service.head().await;
    tokio::join!(sent.send(&mut visitor), received.receive(&mut service));
    service.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n")).await;
    visitor.head().await;
    tokio::join!(sent.send(&mut service), received.receive(&mut visitor));

    #[cfg(target_os = "linux")]
    for program in [&tunnel.server.program, &tunnel.client.program] {
        let peak = peak_memory(program.id());
        assert!(peak <= 64 * 1024, "{peak} KiB");
    }
}

/// The most memory that a process ever had, in KiB.
#[cfg(target_os = "linux")]
fn peak_memory(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux tells");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// A visitor that does not read stops the target, instead of filling somebody's memory.
#[tokio::test]
async fn a_visitor_that_does_not_read_stops_the_target() {
    let mut target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;
    let mut visitor = tunnel.server.visit().await;
    visitor.send("GET /app HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
    let mut service = target.accept().await;
    service.head().await;
    service.send("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n").await;
    let mut blocks = Blocks::new();
    // More than socket buffers and windows hold together, much less than the answer.
    let flood = tokio::time::timeout(Duration::from_secs(2), async {
        for n in 0..2_048 {
            service.send(blocks.at(n)).await;
        }
    });
    assert!(flood.await.is_err(), "128 MiB went where nobody reads");
    visitor.head().await;
}
