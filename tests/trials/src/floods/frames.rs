//! Frames of HTTP/2 that cost a server more than whoever sends them. Each shape comes on one connection, as much of it as
//! the server takes; what it makes of that, and of everybody else, is what counts.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::crowd::count;
use super::figure::{Figures, Measure};
use super::stage::{Stage, Wanted, prefixes};
use super::visitors::get;
use super::{Target, resident};
use crate::program::Trouble;

/// What a shape sends again and again.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// What it is called.
    pub name: &'static str,
    /// Frames before the flood.
    begin: fn() -> Vec<u8>,
    /// The frames of its so-many-th round.
    round: fn(u32) -> Vec<u8>,
    /// Whether what the server says is read.
    reads: bool,
}

const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// GET and POST of `/app-0/hold-60000/10` by http from the host `a`. (RFC 7541, appendices A and B)
fn head(method: u8) -> Vec<u8> {
    let path = b"/app-0/hold-60000/10";
    [&[method, 0x86, 0x04, 20][..], path, &[0x41, 1, b'a']].concat()
}

/// A frame. (RFC 9113, section 4.1)
fn frame(kind: u8, flags: u8, id: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(0).to_be_bytes();
    [&length[1..], &[kind, flags], &id.to_be_bytes(), payload].concat()
}

fn post() -> Vec<u8> {
    frame(HEADERS, END_HEADERS, 1, &head(0x83))
}

/// All that are known to have done harm somewhere.
pub const SHAPES: [Shape; 8] = [
    // CVE-2023-44487
    Shape {
        name: "streams that are reset in the same breath",
        begin: Vec::new,
        round: |n| {
            [
                frame(HEADERS, END_HEADERS | END_STREAM, 2 * n + 1, &head(0x82)),
                frame(RESET, 0, 2 * n + 1, &[0, 0, 0, 8]),
            ]
            .concat()
        },
        reads: true,
    },
    // CVE-2025-8671: a window beyond all bounds is an error of the stream's, so the server resets it itself. (One that grows
    // by nothing the library takes for an error of the connection's.)
    Shape {
        name: "streams that the server has to reset",
        begin: Vec::new,
        round: |n| {
            [frame(HEADERS, END_HEADERS, 2 * n + 1, &head(0x83)), frame(WINDOW, 0, 2 * n + 1, &[0x7f, 255, 255, 255])]
                .concat()
        },
        reads: true,
    },
    Shape {
        name: "more streams than there may be",
        begin: Vec::new,
        round: |n| frame(HEADERS, END_HEADERS | END_STREAM, 2 * n + 1, &head(0x82)),
        reads: false,
    },
    // CVE-2019-9515
    Shape { name: "settings", begin: Vec::new, round: |_| frame(SETTINGS, 0, 0, &[]), reads: false },
    // CVE-2019-9512
    Shape { name: "pings", begin: Vec::new, round: |_| frame(PING, 0, 0, &[7; 8]), reads: false },
    // CVE-2024-27316
    Shape {
        name: "a head that never ends",
        begin: || frame(HEADERS, 0, 1, &head(0x82)),
        round: |_| frame(CONTINUATION, 0, 1, &[b"\x00\x01a\x7f\x80\x01".as_slice(), &[b'b'; 255]].concat()),
        reads: false,
    },
    // CVE-2019-9518
    Shape {
        name: "a head of empty frames",
        begin: || frame(HEADERS, 0, 1, &head(0x82)),
        round: |_| frame(CONTINUATION, 0, 1, &[]),
        reads: false,
    },
    Shape { name: "a body of empty frames", begin: post, round: |_| frame(0, 0, 1, &[]), reads: false },
];

/// How much of a shape is sent at most, and how long no byte of it may be taken before that counts as enough.
const MOST: usize = 16 * 1024 * 1024;
const STILL: Duration = Duration::from_secs(2);

/// MiB that a server may have gained by a shape.
const GROWTH: f64 = 8.0;

/// Sends each of them in turn.
///
/// # Errors
/// Where something does not start.
pub async fn frames(binary: &Path) -> Result<Figures, Trouble> {
    let (target, prefixes) = (Target::start()?, prefixes(1));
    let mut figures = Figures::default();
    for shape in SHAPES {
        let stage = Stage::set(Wanted { binary, flags: &[], prefixes: &prefixes, target: target.address }).await?;
        let (server, before, begin) = (stage.server.address, resident::now(&stage.server.program), Instant::now());
        let cpu = stage.server.program.cpu().unwrap_or_default();
        let flood = async {
            tokio::join!(send(shape, server), async {
                let mut failed = 0;
                for _ in 0..50 {
                    failed += u32::from(get(server, "/app-0/1000").await.is_err());
                }
                failed
            })
        };
        let ((sent, failed), memory) = resident::peak(&stage.server.program, flood).await;
        let (sent, ended) = sent?;
        let cpu = stage.server.program.cpu().unwrap_or_default().saturating_sub(cpu);
        figures.tell(format!("{}: taken", shape.name), count(sent) / 1024.0, "KiB");
        figures.tell(
            if ended { "  the connection was ended after" } else { "  held back after" },
            begin.elapsed().as_secs_f64() * 1000.0,
            "ms",
        );
        figures.tell("  the server's time", cpu.as_secs_f64() * 1000.0, "ms");
        figures.bound(Measure::Count, "  the server's memory grew by", (memory - before).max(0.0), "MiB", GROWTH);
        figures.bound(Measure::Count, "  visitors beside it not answered", f64::from(failed), "", 0.0);
        figures.bound(Measure::Count, "  sessions lost", count(stage.stood()) - 1.0, "", 0.0);
        let unbounded = sent >= MOST && !ended;
        figures.bound(Measure::Count, "  without an end", count(u32::from(unbounded)), "", 0.0);
    }
    Ok(figures)
}

/// How many bytes of a shape the server took, and whether it ended the connection then.
async fn send(shape: Shape, server: SocketAddr) -> io::Result<(usize, bool)> {
    let mut stream = TcpStream::connect(server).await?;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await?;
    stream.write_all(&[frame(SETTINGS, 0, 0, &[]), (shape.begin)()].concat()).await?;
    let (mut read, mut write) = stream.split();
    let (mut sent, mut number) = (0, 0);
    let writing = async {
        while sent < MOST {
            let rounds: Vec<u8> = (0..64).flat_map(|round| (shape.round)(number + round)).collect();
            number += 64;
            match timeout(STILL, write.write_all(&rounds)).await {
                Ok(Ok(())) => sent += rounds.len(),
                Ok(Err(_)) => return true,
                Err(_) => return false,
            }
        }
        false
    };
    let reading = async {
        let mut scratch = [0; 4096];
        while shape.reads && !matches!(read.read(&mut scratch).await, Ok(0) | Err(_)) {}
        if !shape.reads {
            std::future::pending::<()>().await;
        }
    };
    let ended = tokio::select! {
        ended = writing => ended,
        () = reading => true,
    };
    Ok((sent, ended))
}
