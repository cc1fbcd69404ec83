//! What sessions cost the engine that do nothing.

use std::path::Path;
use std::time::Duration;

use tokio::time::sleep;

use super::load::count;
use super::{Engine, Stage, Wanted};
use crate::floods::{Figures, Measure};
use crate::program::Trouble;

/// At most so many commands are promised, for each session and second.
const COMMANDS: f64 = 0.5;

/// How long it takes until all is told that follows from the opening of sessions.
const SETTLED: Duration = Duration::from_secs(3);

/// The run.
#[derive(Clone, Copy, Debug)]
pub struct Idle {
    /// How many sessions.
    pub sessions: usize,
    /// How long they are looked at.
    pub lasts: Duration,
}

/// Counts the engine's commands while nothing is asked of three servers with their sessions, and without any.
///
/// # Errors
/// Where something does not start.
pub async fn idle(binary: &Path, run: Idle) -> Result<Figures, Trouble> {
    let mut figures = Figures::default();
    let nothing = commands(binary, 0, run.lasts).await?;
    let all = commands(binary, run.sessions, run.lasts).await?;
    figures.tell("commands a second of three servers without a session", nothing, "/s");
    figures.tell(format!("with {} sessions", run.sessions), all, "/s");
    let each = |commands: f64| commands / count(run.sessions as u64);
    // Where there are few sessions it says what servers cost.
    figures.bound(Measure::Ratio, "for each session", each(all), "/s", COMMANDS);
    figures.bound(Measure::Count, "for each session, beyond what servers cost", each(all - nothing), "/s", COMMANDS);
    Ok(figures)
}

async fn commands(binary: &Path, sessions: usize, lasts: Duration) -> Result<f64, Trouble> {
    let engine = Engine::start().await?;
    let wanted = Wanted { binary, engine: engine.address(), nodes: 3, v2: sessions, v1: 0, flags: &[] };
    let _stage = Stage::set(wanted).await?;
    sleep(SETTLED).await;
    let before = engine.commands().await?;
    sleep(lasts).await;
    Ok(count(engine.commands().await? - before) / lasts.as_secs_f64())
}
