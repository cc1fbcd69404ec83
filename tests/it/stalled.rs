//! A client that stops taking anything in the middle of large exchanges: what the server keeps for it is bounded, others
//! go on, and nothing is lost when it wakes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};
use trials::delay::Service;

use crate::process::Process;
use crate::tunnel::{Client, Server};
use crate::world::PATIENCE;

const MIB: u64 = 1024 * 1024;

/// How many exchanges go each way, and what each brings.
const EXCHANGES: u64 = 16;
const SIZE: u64 = 16 * MIB;

/// KiB that the server may keep: 16 MiB and what waits to be sent for the session, as much again that the windows of its
/// streams may have grown by, and for each exchange 256 KiB in its stream and some 128 KiB that `hyper` buffers at most, are 46
/// MiB. Far below the 512 MiB that are on their way.
const BOUND: u64 = 64 * 1024;

/// Bytes that have gone through all exchanges.
type Moved = Arc<AtomicU64>;

/// One exchange that takes `up` bytes to the target and brings `down` bytes back.
async fn exchange(server: SocketAddr, path: String, up: u64, down: u64, moved: Moved) -> io::Result<()> {
    let mut stream = TcpStream::connect(server).await?;
    let head =
        format!("POST {path}/{down} HTTP/1.1\r\nHost: a.example\r\nContent-Length: {up}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut chunk = vec![0; 64 * 1024];
    let mut left = up;
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len());
        let written = stream.write(&chunk[..part]).await? as u64;
        left -= written;
        moved.fetch_add(written, Ordering::Relaxed);
    }
    let (mut read, mut head) = (0, Vec::new());
    loop {
        let part = stream.read(&mut chunk).await?;
        if part == 0 {
            break;
        }
        head.extend_from_slice(&chunk[..part.min(1_024_usize.saturating_sub(head.len()))]);
        read += part as u64;
        moved.fetch_add(part as u64, Ordering::Relaxed);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let end = head.find("\r\n\r\n").filter(|_| head.starts_with("HTTP/1.1 200 "));
    let body = end.map(|end| read - end as u64 - 4);
    if body == Some(down) { Ok(()) } else { Err(io::Error::other(format!("{body:?} bytes after {head:?}"))) }
}

/// Waits until nothing moves any more.
async fn until_still(moved: &Moved) {
    let mut looks = interval(Duration::from_millis(100));
    let (mut seen, mut still) = (moved.load(Ordering::Relaxed), 0);
    while still < 10 {
        looks.tick().await;
        let now = moved.load(Ordering::Relaxed);
        still = if now == seen { still + 1 } else { 0 };
        seen = now;
    }
}

#[tokio::test]
async fn a_stopped_client_costs_little_and_harms_nobody() {
    let service = Service::start(TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap();
    let (server, target) = (Server::start(&[]).await, format!("http://{}", service.address));
    let sleeper = Client::start(&server.url("/sleeper"), &target, &[]).await;
    let _other = Client::start(&server.url("/other"), &target, &[]).await;
    let process = Process::of(server.program.id());
    let before = process.memory();
    let begin =
        |prefix: &str, up, down, moved: &Moved| exchange(server.addr, prefix.to_owned(), up, down, Arc::clone(moved));

    let moved = Moved::default();
    let mut exchanges = JoinSet::new();
    for _ in 0..EXCHANGES {
        exchanges.spawn(begin("/sleeper", SIZE, 0, &moved));
        exchanges.spawn(begin("/sleeper", 0, SIZE, &moved));
    }
    // Enough that windows have grown.
    let mut looks = interval(Duration::from_millis(10));
    while moved.load(Ordering::Relaxed) < EXCHANGES * SIZE / 4 {
        looks.tick().await;
    }
    sleeper.program.signal("-STOP").await;
    timeout(PATIENCE, until_still(&moved)).await.expect("back-pressure holds all of them");
    let kept = process.memory().saturating_sub(before);
    println!("{kept} KiB are kept of {} MiB", 2 * EXCHANGES * SIZE / MIB);
    assert!(kept <= BOUND, "{kept} KiB");

    let others = Moved::default();
    for _ in 0..50 {
        timeout(PATIENCE, begin("/other", 0, 100, &others)).await.expect("in time").expect("whole");
    }
    timeout(PATIENCE, begin("/other", 16 * MIB, 16 * MIB, &others)).await.expect("in time").expect("whole");
    let kept = process.memory().saturating_sub(before);
    assert!(kept <= BOUND, "{kept} KiB");

    sleeper.program.signal("-CONT").await;
    while let Some(ended) = timeout(PATIENCE * 3, exchanges.join_next()).await.expect("they go on") {
        ended.expect("it ends").expect("nothing is lost");
    }
}
