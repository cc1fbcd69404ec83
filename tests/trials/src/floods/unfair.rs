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
use super::visitors::{Tally, Visits, request, visit};
use crate::program::Trouble;
use crate::time::Time;

/// The honest, who want as much as they can have, and the same where they leave the machine time.
const HONEST: Visits<'static> = Visits { path: "/honest/1000", at_once: 4, pause: Duration::ZERO };
const UNHURRIED: Visits<'static> = Visits { pause: Duration::from_millis(10), ..HONEST };

/// Bytes that are on their way to a client that takes nothing, for each of its visitors.
const UPLOAD: &[u8] = &[b'.'; 64 * 1024];

/// How much of its time the machine may have used for the bound on a flood that it has time for to mean something, in percent.
const BUSY: f64 = 80.0;

/// The run.
#[derive(Clone, Copy, Debug)]
pub struct Unfair {
    /// Visitors at a time of the tunnel that is flooded, each as soon as the one before is answered.
    pub flood: usize,
    /// How long each of them waits before the next visit, on average, in the flood that leaves the machine time. The other one
    /// takes all.
    pub paced: Duration,
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
    let before = visit(server, HONEST, sleep(run.each)).await;
    let paced = paced(server, run).await?;
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
    let hostile = visit(server, HONEST, sleep(run.each)).await;
    drop(stuck);
    // What the machine itself does: the flood is of another server, which shares nothing else with this one.
    let elsewhere = Stage::set(Wanted { binary, flags: &[], prefixes: &prefixes[1..2], target }).await?;
    let (apart, _) = flooded((server, HONEST), (elsewhere.server.address, Duration::ZERO), run).await?;
    drop(elsewhere);
    let (flooded, flood) = flooded((server, HONEST), (server, Duration::ZERO), run).await?;
    // So that it ends when it is asked to.
    stage.clients[2].signal("CONT");
    let mut figures = Figures::default();
    figures.tell("p99 of a tunnel alone", before.within(99), "ms");
    paced.tell(run, &mut figures);
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
    // Not a bound: here the flood, its client and the target take what all share.
    figures.tell("p99 beside a flooded prefix, to that alone", flooded.within(99) / before.within(99), "times");
    figures.tell(format!("visitors of the flood, {} at a time, answered", run.flood), count(flood.answered()), "");
    figures.tell("of the flood, not answered", count(flood.unanswered()), "");
    Ok(figures)
}

/// A flood that leaves the machine time, so that what the honest wait for is the server and nothing else.
struct Paced {
    alone: Tally,
    honest: Tally,
    flood: Tally,
    /// How much of the machine's time was used, in percent, where that can be told.
    busy: Option<f64>,
}

async fn paced(server: SocketAddr, run: &Unfair) -> Result<Paced, Trouble> {
    let alone = visit(server, UNHURRIED, sleep(run.each)).await;
    let time = Time::now();
    let (honest, flood) = flooded((server, UNHURRIED), (server, run.paced), run).await?;
    let busy = time.zip(Time::now()).map(|(before, after)| 100.0 - after.idle_since(before) * 100.0);
    Ok(Paced { alone, honest, flood, busy })
}

impl Paced {
    fn tell(&self, run: &Unfair, figures: &mut Figures) {
        let unanswered = count(self.honest.unanswered() + self.flood.unanswered());
        figures.bound(Measure::Count, "visitors not answered where the machine has time", unanswered, "", 0.0);
        figures.tell("visitors of that flood, a second", count(self.flood.answered()) / run.each.as_secs_f64(), "");
        if let Some(busy) = self.busy {
            figures.bound(Measure::Clock, "time of the machine that it took", busy, "%", BUSY);
        }
        figures.tell("p99 without it", self.alone.within(99), "ms");
        figures.tell("p99 beside it", self.honest.within(99), "ms");
        let ratio = self.honest.within(99) / self.alone.within(99);
        figures.bound(Measure::Clock, "p99 beside it, to that alone", ratio, "times", 2.0);
    }
}

/// Honest visitors of the one server, while the other is flooded, and the visitors of the flood.
async fn flooded(
    (honest_at, honest): (SocketAddr, Visits<'_>),
    (flood_at, pause): (SocketAddr, Duration),
    run: &Unfair,
) -> Result<(Tally, Tally), Trouble> {
    let over = CancellationToken::new();
    // With a thread of its own, so that the honest wait for the server and not for each other's clock.
    let flood = std::thread::spawn({
        let (over, at_once) = (over.clone(), run.flood);
        move || -> std::io::Result<Tally> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let flood = Visits { path: "/flooded/10", at_once, pause };
            Ok(runtime.block_on(visit(flood_at, flood, over.cancelled())))
        }
    });
    let beside = visit(honest_at, honest, sleep(run.each)).await;
    over.cancel();
    // Waited for elsewhere: the target that the last of the flood wait for may live on this thread.
    let flood = tokio::task::spawn_blocking(move || flood.join()).await;
    let flood = flood.map_err(std::io::Error::other)?.unwrap_or_else(|_| Ok(Tally::default()))?;
    Ok((beside, flood))
}
