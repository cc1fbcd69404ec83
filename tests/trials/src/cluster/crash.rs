//! Servers that are killed, one after the other. What was under way inside one may fail, loudly; nothing else may, and its
//! sessions are back soon.

use std::path::Path;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use super::load::{count, receive, tell};
use super::{Answer, Engine, Loads, PATIENCE, Stage, Tunnel, Wanted, ask};
use crate::floods::{Figures, Measure};
use crate::load::{self, Public};
use crate::program::{LOOK, Trouble};

/// How soon a session of a dead server is served again.
const BACK: f64 = 14.0;

/// By how much the 99th percentile of others may grow.
const SLOWER: f64 = 1.5;

/// The run.
#[derive(Clone, Copy, Debug)]
pub struct Crash {
    /// What is asked.
    pub loads: Loads,
    /// Tunnels of each wire.
    pub tunnels: usize,
    /// How many are killed: the servers take turns.
    pub kills: usize,
    /// How long before and after a kill.
    pub each: Duration,
}

/// What a kill came to.
struct Killed {
    /// By the balancer, while a server was killed.
    balanced: load::Figures,
    /// By a server that lives to sessions of wire v2 on servers that live: before the kill, and around it.
    others: [load::Figures; 2],
    /// When the server was dead.
    at: Instant,
    /// Until the last of its sessions was served again.
    back: Duration,
}

/// Kills one after the other of three servers, and starts it anew.
///
/// # Errors
/// Where something does not start.
pub async fn crash(binary: &Path, run: Crash) -> Result<Figures, Trouble> {
    let engine = Engine::start().await?;
    let wanted = Wanted { binary, engine: engine.address(), nodes: 3, v2: run.tunnels, v1: run.tunnels, flags: &[] };
    let mut stage = Stage::set(wanted).await?;
    let mut figures = Figures::default();
    for kill in 0..run.kills {
        let Killed { balanced, others: [before, around], at, back } = killed(&mut stage, run, kill).await?;
        let what = format!("kill {}", kill + 1);
        tell(&mut figures, &what, &balanced);
        let since = count(balanced.failed_since(at) as u64);
        figures.bound(Measure::Count, format!("{what}: failed of those begun later"), since, "", 0.0);
        let elsewhere = count(before.failed + around.failed);
        figures.bound(Measure::Count, format!("{what}: failed between servers that live"), elsewhere, "", 0.0);
        let slower = around.small_within(99).as_secs_f64() / before.small_within(99).as_secs_f64();
        figures.bound(Measure::Ratio, format!("{what}: p99 there, beside before"), slower, "times", SLOWER);
        figures.bound(Measure::Clock, format!("{what}: its sessions are back"), back.as_secs_f64(), "s", BACK);
    }
    receive(&mut figures, &stage.target.ledger().receipts());
    Ok(figures)
}

async fn killed(stage: &mut Stage, run: Crash, kill: usize) -> Result<Killed, Trouble> {
    let homes = stage.homes().await?;
    let victim = victim(stage, &homes, kill);
    let is_lost = |tunnel: &Tunnel| {
        stage.tunnels.iter().zip(&homes).any(|(other, home)| other.prefix == tunnel.prefix && *home == victim)
    };
    let lost = stage.public(is_lost);
    let everything = stage.public(|_| true);
    let living = |tunnel: &Tunnel| tunnel.wire == "v2" && !is_lost(tunnel);
    let elsewhere: Vec<Public> = [1, 2]
        .map(|step| stage.nodes[(victim + step) % 3].public())
        .into_iter()
        .flat_map(|node| stage.public_at(node, living))
        .collect();
    let phase = |phase| run.loads.mix(3 * kill as u64 + phase);
    let mixes = [phase(0), phase(1), phase(2)];
    let before = tokio::join!(
        stage.load(&mixes[0], &elsewhere, sleep(run.each)),
        stage.load(&mixes[2], &everything, sleep(run.each)),
    );
    let mut node = stage.nodes.remove(victim);
    let ends = [oneshot::channel::<()>(), oneshot::channel::<()>()];
    let [(over, is_over), (balanced_over, is_balanced_over)] = ends;
    let dying = async {
        sleep(run.each / 4).await;
        node.kill().await;
        let at = Instant::now();
        let back = served(&lost, at).await;
        sleep(run.each.saturating_sub(at.elapsed())).await;
        drop((over, balanced_over));
        (at, back)
    };
    let ((at, back), around, balanced) = tokio::join!(
        dying,
        stage.load(&mixes[1], &elsewhere, async { drop(is_over.await) }),
        stage.load(&mixes[2], &everything, async { drop(is_balanced_over.await) }),
    );
    node.again().await?;
    stage.nodes.insert(victim, node);
    Ok(Killed { balanced, others: [before.0, around], at, back })
}

/// The servers take turns, but for one that has no session, or has all those of which nothing may fail: then nothing would be
/// shown.
fn victim(stage: &Stage, homes: &[usize], kill: usize) -> usize {
    let tunnels = || stage.tunnels.iter().zip(homes);
    let shows = |node: &usize| {
        tunnels().any(|(_, home)| home == node) && tunnels().any(|(tunnel, home)| tunnel.wire == "v2" && home != node)
    };
    (kill..kill + 3).map(|turn| turn % 3).find(shows).unwrap_or(kill % 3)
}

/// Until each of these has been asked and has answered.
async fn served(publics: &[Public], since: Instant) -> Duration {
    let asking = async {
        for public in publics {
            let path = format!("{}/what-the-target-has-not", public.prefix);
            // A server that answers itself says so.
            let is_targets = |answer: Answer| answer.status == 404 && !answer.head.contains("sendit-error");
            while !ask(public.address, &path).await.is_ok_and(is_targets) {
                sleep(LOOK).await;
            }
        }
    };
    let _ = timeout(PATIENCE, asking).await;
    since.elapsed()
}
