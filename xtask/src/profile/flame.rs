//! A flame graph, for who wants to see where time goes at this moment on this machine.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use tokio::time::Duration;

use crate::bench::{Candidate, SmallTarget, install, load};
use crate::program;

/// How long the load is watched.
const LASTS: Duration = Duration::from_secs(10);

/// How often a second it is looked where the programs are. No round number, so that nothing keeps time with it.
const FREQUENCY: &str = "499";

/// Draws one of both ends of a tunnel under a load of 32 connections.
pub(super) async fn draw(file: &Path) -> Result<()> {
    program::find("perf").context("there is no `perf`; Debian's package is `linux-perf`")?;
    let collapse = install("inferno", "inferno-collapse-perf")?;
    let folder = tempfile::tempdir()?;
    let file_of = |name| folder.path().join(name);
    let (recorded, stacks, counts) = (file_of("recorded"), file_of("stacks"), file_of("counts"));
    let target = SmallTarget::start().await?;
    let running = Candidate::Sendit { binary: program::release()?, flags: Vec::new() }.start(target.address).await?;
    let processes: Vec<String> = running.processes().iter().map(u32::to_string).collect();
    let mut perf = Command::new("perf");
    // By the system's clock, for virtual machines count no cycles; stacks by what panics unwind with.
    perf.args(["record", "--quiet", "--event", "cpu-clock", "--freq", FREQUENCY, "--call-graph", "dwarf"]);
    perf.arg("--output").arg(&recorded).args(["--pid", &processes.join(","), "--", "sleep"]);
    let mut watching = perf.arg(LASTS.as_secs().to_string()).spawn()?;
    load(&running, 32, LASTS).await?;
    watching.wait()?;
    drop(running);
    let seen = Command::new("perf").args(["script", "--no-inline", "--input"]).arg(&recorded).output()?;
    std::fs::write(&stacks, seen.stdout)?;
    std::fs::write(&counts, program::output(Command::new(&collapse).arg(&stacks))?)?;
    let graph = program::output(Command::new(collapse.with_file_name("inferno-flamegraph")).arg(&counts))?;
    std::fs::write(file, graph).with_context(|| format!("cannot write `{}`", file.display()))
}
