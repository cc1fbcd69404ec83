//! What an exchange costs all processes that is passed on, beside one that is not, in one run.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::time::{Instant, sleep};
use trials::cluster::{Engine, Node, PATIENCE, Stage, Wanted, ask, part};
use trials::floods::{Figures, Measure};
use trials::program::{Client, Program};

use crate::bench::{ANSWER, SmallTarget, cpu, median, wrk};

/// At most so many times the CPU of an exchange that is not passed on.
const MOST: f64 = 1.7;

const ROUNDS: usize = 3;
const LASTS: Duration = Duration::from_secs(5);
const CONNECTIONS: usize = 32;

/// How long a tunnel takes to go over to streams.
const SETTLED: Duration = Duration::from_secs(2);

/// Measures an exchange whose visitor comes to its session's server, one whose visitor comes to another, and one that brings
/// the carriers to another as well.
pub(super) async fn measure(binary: &Path) -> Result<Figures> {
    let (engine, target) = (Engine::start().await?, SmallTarget::start().await?);
    let wanted = Wanted { binary, engine: engine.address(), nodes: 3, v2: 0, v1: 0, flags: &[] };
    let stage = Stage::set(wanted).await?;
    let [home, second, third] = [0, 1, 2].map(|node| stage.nodes[node].public());
    let parted = part(home, second).await?;
    let near = open(&stage, binary, home, "near", target.address).await?;
    let far = open(&stage, binary, parted.address, "far", target.address).await?;
    let servers = stage.nodes.iter().map(Node::program);
    let processes: Vec<u32> = servers.chain([&near, &far]).filter_map(Program::id).collect();
    for (at, path) in [(home, "/near"), (third, "/near"), (third, "/far")] {
        let answer = ask(at, path).await?;
        ensure!(answer.status == 200 && answer.body == ANSWER, "it answered: {answer:?}");
    }
    let urls = [format!("http://{home}/near"), format!("http://{third}/near"), format!("http://{third}/far")];
    let mut costs = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        for (url, costs) in urls.iter().zip(&mut costs) {
            costs.push(exchange(url, &processes).await?);
        }
    }
    let [direct, passed, all] = costs.map(median);
    let mut figures = Figures::default();
    figures.tell("CPU of an exchange, all processes together", direct, "µs");
    figures.tell("of one that is passed on", passed, "µs");
    figures.bound(Measure::Ratio, "  beside one that is not", passed / direct, "times", MOST);
    figures.tell("of one that is passed on, as its carriers are", all, "µs");
    figures.tell("  beside one that is not", all / direct, "times");
    Ok(figures)
}

/// A client whose session lives on the first server.
async fn open(stage: &Stage, binary: &Path, at: SocketAddr, prefix: &str, target: SocketAddr) -> Result<Program> {
    let source = format!("http://{at}/{prefix}");
    let client = Client { source, target, http_proxy: None, flags: &["--inspect", "off"] }.start(binary)?;
    let streams = |output: &str| output.contains("streams down, streams up");
    client.printed(Instant::now() + PATIENCE, "went over to streams", streams).await?;
    let home = stage.home(prefix).await?;
    ensure!(home == 0, "the session of `{prefix}` lives on server {home}, and this measures nothing");
    sleep(SETTLED).await;
    Ok(client)
}

/// Microseconds.
async fn exchange(url: &str, processes: &[u32]) -> Result<f64> {
    wrk(url.to_owned(), CONNECTIONS, Duration::from_secs(1)).await?;
    let before = cpu(processes);
    let seen = wrk(url.to_owned(), CONNECTIONS, LASTS).await?;
    let took = cpu(processes).saturating_sub(before);
    ensure!(seen.requests > 0, "no request of `{url}` was answered");
    Ok(took.checked_div(seen.requests).context("no request was answered")?.as_secs_f64() * 1e6)
}
