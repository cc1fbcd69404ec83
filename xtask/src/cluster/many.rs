//! Very many sessions: the memory of each server, what the engine is asked, and how long a server's death takes.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::process::Command;
use tokio::time::{Instant, sleep};
use trials::cluster::{Engine, Stage, Wanted};
use trials::floods::Figures;
use trials::program::Program;

/// How many sessions one process of clients has: each takes a descriptor.
const EACH: u32 = 5_000;

/// How long all may take to stand.
const PATIENCE: Duration = Duration::from_secs(600);

/// How long the engine's commands are counted.
const COUNTED: Duration = Duration::from_secs(30);

const LOOK: Duration = Duration::from_millis(50);

/// Measures and tells.
pub(super) async fn measure(binary: &Path, sessions: u32) -> Result<Figures> {
    let engine = Engine::start().await?;
    let most = (sessions + 1).to_string();
    let flags = ["--max-sessions", &most, "--max-connections-per-address", "1000000"];
    let wanted = Wanted { binary, engine: engine.address(), nodes: 3, v2: 0, v1: 0, flags: &flags };
    let mut stage = Stage::set(wanted).await?;
    let mut figures = Figures::default();
    let before = memory(&stage);
    let begin = Instant::now();
    let crowds = crowds(&stage, sessions)?;
    until(&crowds, |standing| standing >= sessions).await.context("not all sessions stand")?;
    figures.tell(format!("{sessions} sessions are opened within"), begin.elapsed().as_secs_f64(), "s");
    for (node, (before, after)) in before.into_iter().zip(memory(&stage)).enumerate() {
        figures.tell(format!("memory of server {}, at first", node + 1), before, "MiB");
        figures.tell(format!("memory of server {}, with a third of them", node + 1), after, "MiB");
    }
    let commands = engine.commands().await?;
    sleep(COUNTED).await;
    let commands = u32::try_from(engine.commands().await? - commands)?;
    let a_second = f64::from(commands) / COUNTED.as_secs_f64();
    figures.tell("commands of the engine", a_second, "/s");
    figures.tell("for each session", a_second / f64::from(sessions), "/s");
    stage.nodes[0].kill().await;
    let begin = Instant::now();
    until(&crowds, |standing| standing < sessions).await.context("nobody noticed")?;
    let lost = sessions - standing(&crowds);
    until(&crowds, |standing| standing >= sessions).await.context("not all sessions are back")?;
    figures.tell("carriers that were lost with a server, at least", f64::from(lost), "");
    figures.tell("all sessions have one again after", begin.elapsed().as_secs_f64(), "s");
    Ok(figures)
}

fn memory(stage: &Stage) -> Vec<f64> {
    let memory = |kib: u64| u32::try_from(kib).map_or(f64::NAN, f64::from) / 1024.0;
    stage.nodes.iter().map(|node| node.program().memory().map_or(f64::NAN, memory)).collect()
}

/// The clients, as programs of their own.
fn crowds(stage: &Stage, sessions: u32) -> Result<Vec<Program>> {
    let this = std::env::current_exe()?;
    let start = |(number, first): (usize, u32)| {
        let mut command = Command::new(&this);
        let (own, name) = (EACH.min(sessions - first).to_string(), format!("crowd-{number}"));
        command.args(["cluster", "--light", &own, "--name", &name]);
        for node in &stage.nodes {
            command.args(["--at", &node.public().to_string()]);
        }
        Ok(Program::start(&mut command)?)
    };
    (0..sessions).step_by(EACH as usize).enumerate().map(start).collect()
}

fn standing(crowds: &[Program]) -> u32 {
    let last =
        |output: String| output.lines().rev().find_map(|line| line.strip_prefix("standing ")?.parse::<u32>().ok());
    crowds.iter().filter_map(|crowd| last(crowd.output())).sum()
}

async fn until(crowds: &[Program], wanted: impl Fn(u32) -> bool) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !wanted(standing(crowds)) {
        anyhow::ensure!(Instant::now() < deadline, "after {PATIENCE:?} {} stand", standing(crowds));
        sleep(LOOK).await;
    }
    Ok(())
}
