//! One tunnel that is flooded and one whose client takes nothing, beside a third that wants its share.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::crowd::count;
use super::figure::{Figures, Measure};
use super::stage::{Stage, Wanted};
use super::visitors::{Tally, honest, request};
use crate::program::Trouble;

/// Honest visitors at a time.
const HONEST: usize = 4;

/// Bytes that are on their way to a client that takes nothing, for each of its visitors.
const UPLOAD: &[u8] = &[b'.'; 64 * 1024];

/// The run.
#[derive(Clone, Copy, Debug)]
pub struct Unfair {
    /// Visitors at a time of the tunnel that is flooded, each as soon as the one before is answered.
    pub flood: usize,
    /// Visitors of the tunnel whose client is stopped.
    pub stuck: usize,
    /// How long the honest visitors come without them, and with them.
    pub each: Duration,
}

/// Lets all of them come.
///
/// # Errors
/// Where something does not start.
pub async fn unfair(binary: &Path, target: SocketAddr, run: &Unfair) -> Result<Figures, Trouble> {
    let prefixes = ["honest", "flooded", "hostile"].map(str::to_owned);
    let stage = Stage::set(Wanted { binary, flags: &[], prefixes: &prefixes, target }).await?;
    let server = stage.server.address;
    let before = honest(server, "/honest/1000", HONEST, sleep(run.each)).await;
    stage.clients[2].signal("STOP");
    let mut stuck = Vec::new();
    for _ in 0..run.stuck {
        let mut stream = TcpStream::connect(server).await?;
        let head =
            request("/hostile/10").replace("GET", "POST").replace("Connection", "Content-Length: 65536\r\nConnection");
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(UPLOAD).await?;
        stuck.push(stream);
    }
    let hostile = honest(server, "/honest/1000", HONEST, sleep(run.each)).await;
    drop(stuck);
    // What the machine itself does: the flood is of another server, which shares nothing else with this one.
    let elsewhere = Stage::set(Wanted { binary, flags: &[], prefixes: &prefixes[1..2], target }).await?;
    let (apart, _) = flooded(server, elsewhere.server.address, run).await?;
    drop(elsewhere);
    let (flooded, flood) = flooded(server, server, run).await?;
    // So that it ends when it is asked to.
    stage.clients[2].signal("CONT");
    let mut figures = Figures::default();
    figures.tell("p99 of a tunnel alone", before.within(99), "ms");
    let besides = [
        ("a hostile session", &hostile, &before, "alone"),
        ("a flooded prefix", &flooded, &apart, "beside a flood of another server"),
    ];
    for (beside, tally, than, reference) in besides {
        figures.bound(
            Measure::Count,
            format!("visitors not answered beside {beside}"),
            count(tally.unanswered()),
            "",
            0.0,
        );
        let ratio = |than: &Tally, percent| tally.within(percent) / than.within(percent);
        figures.tell(format!("p99 beside {beside}"), tally.within(99), "ms");
        figures.bound(
            Measure::Clock,
            format!("p99 beside {beside}, to that {reference}"),
            ratio(than, 99),
            "times",
            2.0,
        );
        figures.bound(Measure::Ratio, format!("p50 beside {beside}, to that alone"), ratio(&before, 50), "times", 20.0);
    }
    figures.tell("p99 beside a flood of another server", apart.within(99), "ms");
    let ratio = flooded.within(99) / before.within(99);
    figures.bound(Measure::Clock, "p99 beside a flooded prefix, to that alone", ratio, "times", 2.0);
    figures.tell(format!("visitors of the flood, {} at a time, answered", run.flood), count(flood.answered()), "");
    figures.tell("of the flood, not answered", count(flood.unanswered()), "");
    Ok(figures)
}

/// Honest visitors of the one server, while the other is flooded, and the visitors of the flood.
async fn flooded(honest_at: SocketAddr, flood_at: SocketAddr, run: &Unfair) -> Result<(Tally, Tally), Trouble> {
    let over = CancellationToken::new();
    // With a thread of its own, so that the honest wait for the server and not for each other's clock.
    let flood = std::thread::spawn({
        let (over, at_once) = (over.clone(), run.flood);
        move || -> std::io::Result<Tally> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            Ok(runtime.block_on(honest(flood_at, "/flooded/10", at_once, over.cancelled())))
        }
    });
    let beside = honest(honest_at, "/honest/1000", HONEST, sleep(run.each)).await;
    over.cancel();
    // Waited for elsewhere: the target that the last of the flood wait for may live on this thread.
    let flood = tokio::task::spawn_blocking(move || flood.join()).await;
    let flood = flood.map_err(std::io::Error::other)?.unwrap_or_else(|_| Ok(Tally::default()))?;
    Ok((beside, flood))
}
