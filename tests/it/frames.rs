//! Frames of HTTP/2, made by hand: what costs the server more than whoever sends them, be it a visitor or a service.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::process::Process;
use crate::target::Target;
use crate::tunnel::{Client, Server, Tunnel};
use crate::world::PATIENCE;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame. (RFC 9113, section 4.1)
fn frame(kind: u8, flags: u8, id: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &id.to_be_bytes(), payload].concat()
}

/// CVE-2023-44487: streams that are opened and reset in one breath.
#[tokio::test]
async fn a_flood_of_resets_ends_its_connection_alone() {
    let server = Server::start(&[]).await;
    let mut peer = server.visit().await;
    // GET, http, `/` from the static table, and `a` as the host. (RFC 7541, appendix A)
    let request = [0x82, 0x86, 0x84, 0x41, 1, b'a'];
    let mut flood = [PREFACE.to_vec(), frame(4, 0, 0, &[])].concat();
    for id in (1..2_001).step_by(2) {
        flood.extend(frame(1, 0x5, id, &request));
        flood.extend(frame(3, 0, id, &8_u32.to_be_bytes()));
    }
    peer.send(&flood).await;
    // GOAWAY with ENHANCE_YOUR_CALM, and then the end.
    let (said, _) = peer.rest().await;
    assert!(said.contains("too_many_resets"), "{said:?}");
    assert_eq!(server.get("/", "").await.0.status(), "200");
}

/// CVE-2025-8671: streams that the server has to reset, since a window that grows beyond all bounds is an error of theirs. Whether
/// so many of them end the connection.
async fn is_ended_by(server: &Server, resets: u32) -> bool {
    let mut stream = server.visit().await.into_stream();
    // POST, http, `/` from the static table, and `a` as the host. (RFC 7541, appendix A)
    let request = [0x83, 0x86, 0x84, 0x41, 1, b'a'];
    let mut flood = [PREFACE.to_vec(), frame(4, 0, 0, &[])].concat();
    for id in (1..=2 * resets).step_by(2) {
        flood.extend([frame(1, 0x4, id, &request), frame(8, 0, id, &0x7fff_ffff_u32.to_be_bytes())].concat());
    }
    flood.extend(frame(6, 0, 0, b"answered"));
    stream.write_all(&flood).await.unwrap();
    let mut answered = false;
    let reading = async {
        let mut head = [0; 9];
        while !answered && stream.read_exact(&mut head).await.is_ok() {
            let [a, b, c, kind, flags, ..] = head;
            let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
            stream.read_exact(&mut payload).await.unwrap();
            answered = (kind, flags, &*payload) == (6, 1, b"answered");
        }
    };
    timeout(PATIENCE, reading).await.expect("an answer or an end");
    !answered
}

#[tokio::test]
async fn streams_that_the_server_has_to_reset_end_their_connection() {
    let server = Server::start(&[]).await;
    assert!(!is_ended_by(&server, 20).await);
    assert!(is_ended_by(&server, 21).await);
    assert_eq!(server.get("/", "").await.0.status(), "200");
}

/// Here a visitor says that a request is whole by a frame, so the end of the connection is the end of all that is on it, and
/// none of that keeps a place.
#[tokio::test]
async fn a_connection_that_ends_takes_its_exchanges_along() {
    let mut target = Target::start();
    let Tunnel { server, client: _client } = Tunnel::to(&target.url()).await;
    let mut visitor = server.visit().await;
    // GET, http, `/app` and `a` as the host. (RFC 7541, appendix A)
    let request = [0x82, 0x86, 0x04, 4, b'/', b'a', b'p', b'p', 0x41, 1, b'a'];
    visitor.send([PREFACE, &frame(4, 0, 0, &[]), &frame(1, 0x5, 1, &request)].concat()).await;
    let mut service = target.accept().await;
    assert_eq!(service.head().await.start, "GET /app HTTP/1.1");
    visitor.finish().await;
    assert_eq!(service.rest().await.0, "");
}

/// As much memory as a server may have got from answers that are read for nothing, in KiB.
const GROWTH: u64 = 16 * 1024;

/// How much of the server's time visitors may wait through, against what they take alone. Where a turn took in all that has
/// come it was many hundred times as much.
const LONGER: u32 = 150;

/// The server's time until so many visitors were answered.
async fn answering(server: &Server, process: &Process) -> Duration {
    let before = process.cpu();
    for _ in 0..50 {
        assert_eq!(server.get("/other/x", "").await.1, "/other/x");
    }
    process.cpu().saturating_sub(before)
}

/// Interim answers of HTTP/2 are not counted, as those of HTTP/1.1 are: none is kept, and they cost what a body in small
/// frames does. Like that they come in turns, so whoever else wants something waits for some of them and not for all.
#[tokio::test]
async fn a_service_that_never_comes_to_its_answer_harms_nobody() {
    let (mut target, other) = (Target::start(), Target::start());
    let Tunnel { server, client: _client } = Tunnel::to(&target.url().replace("http:", "h2c:")).await;
    let _other = Client::start(&server.url("/other"), &other.url(), &[]).await;
    other.echo_paths();
    let process = Process::of(server.program.id());
    // Twice, so that what is made on demand is there.
    answering(&server, &process).await;
    let alone = answering(&server, &process).await;
    let mut visitor = server.visit().await;
    visitor.send("GET /app HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
    let mut service = target.accept().await;
    service.expect(PREFACE).await;
    service.send(frame(4, 0, 0, &[])).await;
    // The status 103, spelt out behind the name that the static table has. (RFC 7541, section 6.2.2)
    let hints = frame(1, 0x4, 1, &[0x08, 3, b'1', b'0', b'3']).repeat(1_000);
    let (before, mut sent) = (process.memory(), 0_usize);
    let flood = async {
        while service.try_send(&hints).await {
            sent += 1_000;
        }
    };
    let beside = tokio::select! {
        () = flood => panic!("the service was cut off"),
        beside = answering(&server, &process) => beside,
    };
    let grown = process.memory().saturating_sub(before);
    println!("{sent} interim answers, {grown} KiB; {alone:?} alone, {beside:?} beside them");
    assert!(sent > 1_000 && grown < GROWTH, "{sent} interim answers, {grown} KiB");
    assert!(beside < alone * LONGER, "{alone:?} alone, {beside:?} beside them");
    assert!(visitor.is_silent(Duration::ZERO).await);
}
