//! Very many visitors at once, whose answers take a while.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::task::JoinSet;

use super::figure::{Figures, Measure};
use super::resident;
use super::stage::{Stage, Wanted, prefixes};
use super::visitors::{Tally, body, get};
use crate::program::Trouble;

/// The run.
#[derive(Clone, Copy, Debug)]
pub struct Crowd<'a> {
    /// How many visitors.
    pub visitors: usize,
    /// To how many tunnels of one server.
    pub sessions: usize,
    /// How long the target holds each.
    pub hold: Duration,
    /// Flags of the server.
    pub flags: &'a [&'a str],
    /// MiB that the server may have.
    pub memory: f64,
}

/// Lets them come.
///
/// # Errors
/// Where something does not start.
pub async fn crowd(binary: &Path, target: SocketAddr, run: &Crowd<'_>) -> Result<Figures, Trouble> {
    let prefixes = prefixes(run.sessions);
    let stage = Stage::set(Wanted { binary, flags: run.flags, prefixes: &prefixes, target }).await?;
    let server = stage.server.address;
    let visits = async {
        let (mut visits, mut tally) = (JoinSet::new(), Tally::default());
        for number in 0..run.visitors {
            let path = format!("/{}/hold-{}/10", prefixes[number % prefixes.len()], run.hold.as_millis());
            visits.spawn(async move { get(server, &path).await });
        }
        while let Some(Ok(visited)) = visits.join_next().await {
            tally.add(visited);
        }
        tally
    };
    let before = resident::now(&stage.server.program);
    let (tally, memory) = resident::peak(&stage.server.program, visits).await;
    let peak = body(target, "/peak").await.map(|(_, said)| String::from_utf8_lossy(&said).parse().unwrap_or(0.0));
    let mut figures = Figures::default();
    figures.bound(Measure::Count, "visitors not answered", count(tally.unanswered()), "", 0.0);
    for (cause, times) in &tally.failed {
        figures.tell(format!("  {cause}"), count(*times), "");
    }
    figures.tell(
        format!("of {} visitors to {} tunnels, at the target at a time", run.visitors, run.sessions),
        peak.unwrap_or(0.0),
        "",
    );
    figures.bound(Measure::Count, "the server's memory", memory, "MiB", run.memory);
    figures.tell("before", before, "MiB");
    figures.tell("p50 of the visitors", tally.within(50), "ms");
    figures.tell("p99 of the visitors", tally.within(99), "ms");
    Ok(figures)
}

pub(super) fn count(number: impl TryInto<u32>) -> f64 {
    f64::from(number.try_into().unwrap_or(u32::MAX))
}
