//! Many exchanges at a time, and exchanges while carriers are renewed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

use crate::target::Target;
use crate::tunnel::Tunnel;
use crate::world::PATIENCE;

/// The target answers none before all have reached it, so all are under way at once.
#[tokio::test]
async fn two_hundred_exchanges_at_a_time() {
    const EXCHANGES: usize = 200;
    let mut target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;
    let mut visitors = Vec::new();
    for n in 0..EXCHANGES {
        let mut visitor = tunnel.server.visit().await;
        visitor.send(format!("GET /app/{n} HTTP/1.1\r\nHost: a.example\r\n\r\n")).await;
        visitors.push(visitor);
    }
    let mut services = Vec::new();
    for _ in 0..EXCHANGES {
        let mut service = target.accept().await;
        let path = service.head().await.start;
        services.push((service, path));
    }
    for (service, path) in &mut services {
        let path = path.split(' ').nth(1).expect("a path");
        service.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{path}", path.len())).await;
    }
    for (n, visitor) in visitors.iter_mut().enumerate() {
        assert_eq!(visitor.head().await.status(), "200");
        visitor.expect(format!("/app/{n}")).await;
    }
}

#[tokio::test]
async fn carriers_are_renewed_unnoticed() {
    const WORKERS: usize = 8;
    let target = Target::start();
    let mut tunnel = Tunnel::with(&target.url(), &[], &["--max-ttl", "200ms"]).await;
    target.echo_paths();
    let until = Instant::now() + Duration::from_secs(4);
    let answered = Arc::new(AtomicUsize::new(0));
    let workers = TaskTracker::new();
    let mut results = Vec::new();
    for worker in 0..WORKERS {
        let mut visitor = tunnel.server.visit().await;
        let answered = Arc::clone(&answered);
        results.push(workers.spawn(async move {
            // As long as what a few frames of the multiplexer hold.
            let filler = "x".repeat(worker * 5_000);
            for n in 0.. {
                if Instant::now() > until {
                    return;
                }
                let path = format!("/app/{worker}/{n}?{filler}");
                visitor.send(format!("GET {path} HTTP/1.1\r\nHost: a.example\r\n\r\n")).await;
                assert_eq!(visitor.head().await.status(), "200", "{worker} {n}");
                visitor.expect(path).await;
                answered.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    for result in results {
        timeout(PATIENCE, result).await.expect("it ends").expect("no exchange failed");
    }
    let answered = answered.load(Ordering::Relaxed);
    assert!(answered > 20 * WORKERS, "{answered} exchanges are no load");
    // One session saw it all: nothing was lost and opened anew.
    tunnel.client.ready(1).await;
    let said = tunnel.client.program.printed(|_| true).await.stderr;
    assert_eq!((said.matches("Ready; ").count(), said.contains("no tunnel")), (1, false), "{said}");
}

/// A carrier that ends in the middle of a long answer takes nothing of it along.
#[tokio::test]
async fn an_answer_outlives_many_carriers() {
    let mut target = Target::start();
    let tunnel = Tunnel::with(&target.url(), &[], &["--max-ttl", "100ms"]).await;
    let mut visitor = tunnel.server.visit().await;
    visitor.send("GET /app HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
    let mut service = target.accept().await;
    service.head().await;
    service.send("HTTP/1.1 200 OK\r\n\r\n").await;
    visitor.head().await;
    let begin = Instant::now();
    let mut n = 0;
    while begin.elapsed() < Duration::from_secs(2) {
        let piece = format!("{n:08}");
        service.send(&piece).await;
        visitor.expect(format!("8\r\n{piece}\r\n")).await;
        n += 1;
    }
    service.finish().await;
    visitor.expect("0\r\n\r\n").await;
}
