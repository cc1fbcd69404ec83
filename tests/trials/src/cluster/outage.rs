//! The engine goes away, and is back: as it was before it had anything, or another in its place.

use std::path::Path;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::sleep;

use super::load::{count, receive};
use super::{Engine, Loads, Stage, Wanted, judge, lead};
use crate::floods::{Figures, Measure};
use crate::program::Trouble;

/// How long the load goes on before, and after.
const BEFORE: Duration = Duration::from_secs(1);

/// What becomes of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It is gone for the time, and then there is an empty one.
    Emptied,
    /// It is gone, and its replica is made the master after the time. The servers know one address, which a proxy leads to
    /// whichever of the two says that it is the master.
    FailedOver,
}

/// The run.
#[derive(Clone, Copy, Debug)]
pub struct Outage {
    /// What is asked.
    pub loads: Loads,
    /// Tunnels of each wire.
    pub tunnels: usize,
    /// What happens.
    pub what: What,
    /// How long there is no engine.
    pub away: Duration,
    /// How long the load goes on after that.
    pub after: Duration,
}

/// Takes the engine away from three servers under load.
///
/// # Errors
/// Where something does not start.
pub async fn outage(binary: &Path, run: Outage) -> Result<Figures, Trouble> {
    let mut engine = Engine::start().await?;
    let replica = Engine::replica(&engine).await?;
    let way = lead(&engine, &replica).await?;
    let known = if run.what == What::FailedOver { way.address } else { engine.address() };
    let wanted = Wanted { binary, engine: known, nodes: 3, v2: run.tunnels, v1: run.tunnels, flags: &[] };
    let stage = Stage::set(wanted).await?;
    let (over, is_over) = oneshot::channel::<()>();
    let outage = async {
        sleep(BEFORE).await;
        engine.stop().await;
        sleep(run.away).await;
        match run.what {
            What::Emptied => engine.again().await?,
            What::FailedOver => replica.tell("replicaof no one").await.map(drop)?,
        }
        sleep(run.after).await;
        drop(over);
        Ok::<_, Trouble>(())
    };
    let (publics, mix) = (stage.public(|_| true), run.loads.mix(0));
    let (is_back, load) = tokio::join!(outage, stage.load(&mix, &publics, async { drop(is_over.await) }));
    is_back?;
    let mut figures = Figures::default();
    judge(&mut figures, &format!("{:?} after {} s", run.what, run.away.as_secs()), &load);
    let stood = stage.tunnels.iter().map(|tunnel| tunnel.client.output().matches("Ready; Forwarding").count());
    let again = stood.sum::<usize>() - stage.tunnels.len();
    figures.bound(Measure::Count, "sessions that were lost", count(again as u64), "", 0.0);
    receive(&mut figures, &stage.target.ledger().receipts());
    // Whoever opens a tunnel finds the servers as they were.
    let tunnel = stage.begin("after", "v2", stage.balancer.address)?;
    tunnel.stands(1).await?;
    Ok(figures)
}
