//! Servers that are restarted one after the other, in order, under load.

use std::path::Path;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::load::{count, receive};
use super::{Engine, Loads, Stage, Wanted, judge};
use crate::floods::{Figures, Measure};
use crate::program::Trouble;

/// How long the load goes on before the first and after each.
const PAUSE: Duration = Duration::from_secs(2);

/// The run.
#[derive(Clone, Copy, Debug)]
pub struct Rolling {
    /// What is asked.
    pub loads: Loads,
    /// Tunnels of each wire.
    pub tunnels: usize,
    /// How many restarts: the servers take turns.
    pub restarts: usize,
}

/// Restarts one after the other of three servers.
///
/// # Errors
/// Where something does not start.
pub async fn rolling(binary: &Path, run: Rolling) -> Result<Figures, Trouble> {
    let engine = Engine::start().await?;
    let wanted = Wanted { binary, engine: engine.address(), nodes: 3, v2: run.tunnels, v1: run.tunnels, flags: &[] };
    let mut stage = Stage::set(wanted).await?;
    let (publics, mut nodes) = (stage.public(|_| true), std::mem::take(&mut stage.nodes));
    let (over, is_over) = oneshot::channel::<()>();
    let (mut unclean, mut longest) = (0_u64, Duration::ZERO);
    let restarts = async {
        sleep(PAUSE).await;
        for restart in 0..run.restarts {
            let node = &mut nodes[restart % 3];
            let begin = Instant::now();
            unclean += u64::from(!node.stop().await);
            longest = longest.max(begin.elapsed());
            node.again().await?;
            sleep(PAUSE).await;
        }
        drop(over);
        Ok::<_, Trouble>(())
    };
    let mix = run.loads.mix(0);
    let load = stage.load(&mix, &publics, async { drop(is_over.await) });
    let (restarted, load) = tokio::join!(restarts, load);
    restarted?;
    stage.nodes = nodes;
    let mut figures = Figures::default();
    judge(&mut figures, &format!("{} restarts", run.restarts), &load);
    figures.bound(Measure::Count, "servers that did not end in order", count(unclean), "", 0.0);
    figures.tell("the longest that a server took to end", longest.as_secs_f64(), "s");
    receive(&mut figures, &stage.target.ledger().receipts());
    Ok(figures)
}
