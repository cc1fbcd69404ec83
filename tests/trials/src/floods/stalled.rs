//! Visitors who ask for much and take nothing of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::crowd::count;
use super::figure::{Figures, Measure};
use super::resident;
use super::stage::{Stage, Wanted, prefixes};
use super::visitors::{get, request};
use crate::program::Trouble;

/// How many bytes each asks for.
const SIZE: u64 = 64 * 1024 * 1024;

/// How long until each has the beginning of its answer.
const ANSWERED: Duration = Duration::from_secs(60);

/// How long it is watched then how the server's memory grows.
const SETTLES: Duration = Duration::from_secs(5);

/// How many downloads are measured, before and beside them.
const DOWNLOADS: usize = 5;

/// The run.
#[derive(Clone, Copy, Debug)]
pub struct Stalled {
    /// How many take nothing.
    pub visitors: usize,
    /// To how many tunnels.
    pub sessions: usize,
    /// MiB that the server may have.
    pub memory: f64,
    /// KiB of them for each.
    pub each: f64,
    /// How many times as long a download may take beside them.
    pub slower: f64,
}

/// Lets them come.
///
/// # Errors
/// Where something does not start.
pub async fn stalled(binary: &Path, target: SocketAddr, run: &Stalled) -> Result<Figures, Trouble> {
    let mut prefixes = prefixes(run.sessions);
    prefixes.push("others".to_owned());
    let stage = Stage::set(Wanted { binary, flags: &[], prefixes: &prefixes, target }).await?;
    let server = stage.server.address;
    let mut figures = Figures::default();
    let before = downloads(server, &mut figures).await;
    let empty = resident::now(&stage.server.program);
    let mut held = Vec::new();
    for number in 0..run.visitors {
        let mut stream = TcpStream::connect(server).await?;
        stream.write_all(request(&format!("/{}/{SIZE}", prefixes[number % run.sessions])).as_bytes()).await?;
        held.push(stream);
    }
    let answers = async {
        // Looked at, and left where they are.
        let (mut heads, mut refused) = (JoinSet::new(), BTreeMap::<String, u32>::new());
        for stream in held {
            heads.spawn(timeout(ANSWERED, async move {
                let mut begun = [0; 128];
                let came = stream.peek(&mut begun).await;
                (came.map(|_| String::from_utf8_lossy(&begun).into_owned()).map_err(|cause| cause.kind()), stream)
            }));
        }
        let mut held = Vec::new();
        while let Some(head) = heads.join_next().await {
            match head {
                Ok(Ok((Ok(begun), stream))) if begun.starts_with("HTTP/1.1 200") => held.push(stream),
                other => {
                    *refused.entry(format!("{:?}", other.map(|looked| looked.map(|looked| looked.0)))).or_default() +=
                        1;
                }
            }
        }
        sleep(SETTLES).await;
        (refused, held)
    };
    let ((refused, _held), memory) = resident::peak(&stage.server.program, answers).await;
    let during = downloads(server, &mut figures).await;
    figures.bound(Measure::Count, "visitors that were refused", count(refused.values().sum::<u32>()), "", 0.0);
    for (cause, times) in refused {
        figures.tell(format!("  {cause}"), f64::from(times), "");
    }
    figures.bound(Measure::Count, "the server's memory", memory, "MiB", run.memory);
    figures.bound(Measure::Count, "sessions lost", count(stage.stood()) - count(prefixes.len()), "", 0.0);
    let each = (memory - empty).max(0.0) * 1024.0 / count(run.visitors);
    figures.bound(
        Measure::Count,
        format!("each of {} stalled, to {} tunnels", run.visitors, run.sessions),
        each,
        "KiB",
        run.each,
    );
    figures.bound(Measure::Ratio, "a download beside them, to one before", during / before, "times", run.slower);
    Ok(figures)
}

/// The seconds that the middle one of a few downloads takes.
async fn downloads(server: SocketAddr, figures: &mut Figures) -> f64 {
    let mut took = Vec::new();
    for _ in 0..DOWNLOADS {
        let begin = Instant::now();
        if let Err(cause) = get(server, &format!("/others/{SIZE}")).await {
            figures.bound(Measure::Count, format!("a download failed: {cause}"), 1.0, "", 0.0);
        }
        took.push(begin.elapsed().as_secs_f64());
    }
    took.sort_by(f64::total_cmp);
    let middle = took[took.len() / 2];
    figures.tell("a download of 64 MiB", middle * 1000.0, "ms");
    middle
}
