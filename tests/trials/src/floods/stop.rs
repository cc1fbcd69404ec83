//! Servers that are asked to stop while they are at work.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::Target;
use super::crowd::count;
use super::figure::{Figures, Measure};
use super::stage::{Stage, Wanted, prefixes};
use super::visitors::get;
use crate::program::Trouble;

/// Visitors at a time.
const AT_ONCE: usize = 20;

/// How long they have come before the server is asked to stop.
const BEFORE: Duration = Duration::from_millis(300);

/// How long it may take: what is in flight has 30 s.
const PATIENCE: Duration = Duration::from_secs(40);

/// The run.
#[derive(Clone, Copy, Debug)]
pub struct Stops {
    /// How many servers are stopped.
    pub times: usize,
}

/// What came of one.
#[derive(Default)]
struct Stop {
    whole: u64,
    refused: u64,
    failed: Vec<String>,
    took: Duration,
    in_order: bool,
}

/// Stops them, one after the other, and at last one twice.
///
/// # Errors
/// Where something does not start.
pub async fn stops(binary: &Path, run: Stops) -> Result<Figures, Trouble> {
    let (target, ids, mut sum, mut longest, mut wrong) =
        (Target::start()?, Arc::new(AtomicU64::new(0)), [0; 3], Duration::ZERO, 0);
    let mut figures = Figures::default();
    for _ in 0..run.times {
        let Stop { whole, refused, failed, took, in_order } = stop(binary, &target, &ids).await?;
        sum = [sum[0] + whole, sum[1] + refused, sum[2] + failed.len() as u64];
        longest = longest.max(took);
        wrong += u32::from(!in_order);
        for cause in failed {
            figures.tell(format!("  {cause}"), 1.0, "");
        }
    }
    figures.tell(format!("exchanges of {} servers that were stopped, whole", run.times), count(sum[0]), "");
    figures.tell("told that it stops, or too late to be told", count(sum[1]), "");
    figures.bound(Measure::Count, "failed in flight", count(sum[2]), "", 0.0);
    figures.bound(Measure::Count, "ended without exit code 0", f64::from(wrong), "", 0.0);
    figures.tell("the longest that one took", longest.as_secs_f64() * 1000.0, "ms");
    figures.bound(
        Measure::Clock,
        "after a second signal",
        twice(binary, &target).await?.as_secs_f64() * 1000.0,
        "ms",
        1000.0,
    );
    Ok(figures)
}

async fn stop(binary: &Path, target: &Target, ids: &Arc<AtomicU64>) -> Result<Stop, Trouble> {
    let prefixes = prefixes(1);
    let mut stage = Stage::set(Wanted { binary, flags: &[], prefixes: &prefixes, target: target.address }).await?;
    let (server, over, mut visitors) = (stage.server.address, CancellationToken::new(), JoinSet::new());
    for number in 0..AT_ONCE {
        let (ids, over) = (Arc::clone(ids), over.clone());
        visitors.spawn(async move {
            let mut visits = Vec::new();
            while !over.is_cancelled() {
                let id = ids.fetch_add(1, Ordering::Relaxed);
                let visit =
                    get(server, &format!("/app-0/id-{id}/hold-{}/{}", number * 10, 1_000 << (number % 10))).await;
                let failed = visit.is_err();
                visits.push((id, visit));
                if failed {
                    sleep(Duration::from_millis(20)).await;
                }
            }
            visits
        });
    }
    sleep(BEFORE).await;
    let begin = Instant::now();
    stage.server.program.terminate();
    let ended = stage.server.program.ended(begin + PATIENCE).await;
    over.cancel();
    let mut stop =
        Stop { took: begin.elapsed(), in_order: ended.is_some_and(|status| status.success()), ..Stop::default() };
    while let Some(Ok(visits)) = visitors.join_next().await {
        for (id, visit) in visits {
            match visit {
                Ok(_) => stop.whole += 1,
                // What the target has seen was in flight, whatever the visitor was told.
                Err(cause) if target.has_seen(id) => stop.failed.push(cause),
                Err(_) => stop.refused += 1,
            }
        }
    }
    Ok(stop)
}

/// How long a server takes to end that is asked a second time, with an exchange that would take long.
async fn twice(binary: &Path, target: &Target) -> Result<Duration, Trouble> {
    let prefixes = prefixes(1);
    let mut stage = Stage::set(Wanted { binary, flags: &[], prefixes: &prefixes, target: target.address }).await?;
    let (server, mut visits) = (stage.server.address, JoinSet::new());
    visits.spawn(async move { get(server, "/app-0/hold-60000/10").await });
    sleep(BEFORE).await;
    stage.server.program.terminate();
    let told = |output: &str| output.contains("a second signal ends at once");
    stage.server.program.printed(Instant::now() + PATIENCE, "was told to stop", told).await?;
    let begin = Instant::now();
    stage.server.program.terminate();
    stage.server.program.ended(begin + PATIENCE).await;
    Ok(begin.elapsed())
}
