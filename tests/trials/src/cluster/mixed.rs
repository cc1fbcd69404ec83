//! The mixed load through several servers: undisturbed, and while carriers are lost.

use std::path::Path;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::sleep;

use super::load::{receive, tell};
use super::{Engine, Loads, Stage, Tunnel, Wanted, judge};
use crate::faults::{Plan, Proxy};
use crate::floods::{Figures, Measure};
use crate::program::Trouble;
use crate::soak::{EVERY, losses};

/// The run.
#[derive(Clone, Copy, Debug)]
pub struct Mixed {
    /// What is asked.
    pub loads: Loads,
    /// Tunnels of each wire.
    pub tunnels: usize,
    /// How long, without losses and then with them.
    pub lasts: Duration,
}

/// Three servers behind a balancer, and clients of both wires; then the same with clients whose way to the balancer loses
/// carriers at random.
///
/// # Errors
/// Where something does not start.
pub async fn mixed(binary: &Path, run: Mixed) -> Result<Figures, Trouble> {
    let engine = Engine::start().await?;
    let wanted = Wanted { binary, engine: engine.address(), nodes: 3, v2: run.tunnels, v1: run.tunnels, flags: &[] };
    let mut stage = Stage::set(wanted).await?;
    let mut figures = Figures::default();
    let publics = stage.public(|_| true);
    judge(&mut figures, "undisturbed", &stage.load(&run.loads.mix(0), &publics, sleep(run.lasts)).await);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let proxy = Proxy::start(listener, stage.balancer.address, run.loads.seed, Plan::default())?;
    for (wire, names) in [("v2", "lossy-v2"), ("v1", "lossy-v1")] {
        for number in 0..run.tunnels {
            let tunnel = stage.begin(&format!("{names}-{number}"), wire, proxy.address())?;
            stage.tunnels.push(tunnel);
        }
    }
    stage.stands().await?;
    proxy.change(losses(EVERY));
    let is_lossy = |tunnel: &Tunnel| tunnel.prefix.starts_with("lossy");
    let places = [
        stage.public(|tunnel| tunnel.wire == "v2" && is_lossy(tunnel)),
        stage.public(|tunnel| tunnel.wire == "v1" && is_lossy(tunnel)),
        stage.public(|tunnel| !is_lossy(tunnel)),
    ];
    let mixes = [1, 2, 3].map(|phase| run.loads.mix(phase));
    let [v2, v1, others] = tokio::join!(
        stage.load(&mixes[0], &places[0], sleep(run.lasts)),
        stage.load(&mixes[1], &places[1], sleep(run.lasts)),
        stage.load(&mixes[2], &places[2], sleep(run.lasts)),
    )
    .into();
    judge(&mut figures, "v2 under losses", &v2);
    tell(&mut figures, "v1 under losses, each of which fails what is in flight", &v1);
    judge(&mut figures, "others meanwhile", &others);
    figures.bound(Measure::Count, "seconds for each loss", run.lasts.as_secs_f64() / kills(&proxy), "", 3.0);
    receive(&mut figures, &stage.target.ledger().receipts());
    Ok(figures)
}

fn kills(proxy: &Proxy) -> f64 {
    super::load::count(proxy.tally().kills())
}
