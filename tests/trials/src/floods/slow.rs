//! Connections that are slow on purpose, and visitors beside them who are not.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::crowd::count;
use super::figure::{Figures, Measure};
use super::stage::{Stage, Wanted};
use super::visitors::{Visits, request, visit};
use super::{Target, resident};
use crate::program::Trouble;

/// How often a slow connection does a little.
const BEAT: Duration = Duration::from_secs(2);

/// How long one that was closed waits before it comes again.
const AGAIN: Duration = Duration::from_secs(5);

/// Whom the slow come from, as a proxy would say it.
const BY: &str = "X-Forwarded-For: 203.0.113.9\r\n";

/// Honest visitors at a time.
const HONEST: Visits<'static> = Visits { path: "/honest/1000", at_once: 4, pause: Duration::ZERO };

/// The run.
#[derive(Clone, Copy, Debug)]
pub struct Slow {
    /// How many slow connections: a third each send heads, send bodies, and read answers.
    pub connections: usize,
    /// How long honest visitors come without them, and then with them.
    pub each: Duration,
}

/// Lets both come.
///
/// # Errors
/// Where something does not start.
pub async fn slow(binary: &Path, run: &Slow) -> Result<Figures, Trouble> {
    let (target, prefixes) = (Target::start()?, ["honest", "slow"].map(str::to_owned));
    let stage = Stage::set(Wanted { binary, flags: &[], prefixes: &prefixes, target: target.address }).await?;
    let server = stage.server.address;
    let before = visit(server, HONEST, sleep(run.each)).await;
    let over = CancellationToken::new();
    // With a thread of their own, so that the honest wait for the server alone.
    let attack = std::thread::spawn({
        let (over, connections) = (over.clone(), run.connections);
        move || attack(server, connections, &over)
    });
    // Until most of them are there.
    sleep(BEAT * 2).await;
    let held = stage.server.program.holds().map_or(0, |(descriptors, _)| descriptors);
    let visiting = visit(server, HONEST, sleep(run.each));
    let (during, memory) = resident::peak(&stage.server.program, visiting).await;
    let same = visit(server, Visits { path: "/slow/1000", ..HONEST }, sleep(run.each / 4)).await;
    over.cancel();
    attack.join().unwrap_or(Ok(()))?;
    let mut figures = Figures::default();
    figures.tell(format!("of {} slow connections, with the server", run.connections), count(held), "");
    figures.bound(Measure::Count, "honest visitors not answered", count(during.unanswered()), "", 0.0);
    figures.tell("honest visitors answered", count(during.answered()), "");
    figures.bound(Measure::Clock, "p99 of the honest", during.within(99), "ms", 500.0);
    figures.tell("without the slow", before.within(99), "ms");
    figures.bound(
        Measure::Ratio,
        "p50 of the honest, to that without the slow",
        during.within(50) / before.within(50),
        "times",
        20.0,
    );
    figures.tell("the server's memory", memory, "MiB");
    figures.tell("honest visitors to the tunnel of the slow, answered", count(same.answered()), "");
    figures.bound(Measure::Count, "not answered", count(same.unanswered()), "", 0.0);
    figures.bound(Measure::Clock, "their p99", same.within(99), "ms", 500.0);
    figures.bound(Measure::Count, "sessions lost", count(stage.stood()) - 2.0, "", 0.0);
    Ok(figures)
}

/// So many slow connections, for as long as they are wanted.
fn attack(server: SocketAddr, connections: usize, over: &CancellationToken) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut slow = JoinSet::new();
        for number in 0..connections {
            slow.spawn(async move {
                loop {
                    // However it ends, it comes again.
                    let _ = dawdle(server, number % 3).await;
                    sleep(AGAIN).await;
                }
            });
        }
        over.cancelled().await;
    });
    Ok(())
}

/// One connection that is slow in one of three ways, until the server has had enough.
async fn dawdle(server: SocketAddr, way: usize) -> io::Result<()> {
    match way {
        0 => {
            let mut stream = TcpStream::connect(server).await?;
            stream.write_all(format!("GET /slow/10 HTTP/1.1\r\nHost: a.example\r\n{BY}").as_bytes()).await?;
            drip(&mut stream, b"X-A: b\r\n").await
        }
        1 => {
            let mut stream = TcpStream::connect(server).await?;
            let head = format!("POST /slow/10 HTTP/1.1\r\nHost: a.example\r\n{BY}Content-Length: 1000000\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            drip(&mut stream, b"a").await
        }
        _ => {
            let socket = TcpSocket::new_v4()?;
            socket.set_recv_buffer_size(4096)?;
            let mut stream = socket.connect(server).await?;
            stream
                .write_all(request("/slow/8000000").replace("Connection", &format!("{BY}Connection")).as_bytes())
                .await?;
            while stream.read(&mut [0; 256]).await? > 0 {
                sleep(BEAT).await;
            }
            Ok(())
        }
    }
}

/// A little now and then, until something is said to it.
async fn drip(stream: &mut TcpStream, drop: &[u8]) -> io::Result<()> {
    while timeout(BEAT, stream.read(&mut [0; 256])).await.is_err() {
        stream.write_all(drop).await?;
    }
    Ok(())
}
