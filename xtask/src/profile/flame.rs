//! A flame graph, for who wants to see where time goes at this moment on this machine.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use tokio::time::Duration;

use crate::bench::{Candidate, SmallTarget, install, load};
use crate::program;

/// How long the load is watched.
const LASTS: Duration = Duration::from_secs(10);

/// Draws one of both ends of a tunnel under a load of 32 connections.
pub(super) async fn draw(file: &Path) -> Result<()> {
    program::find("perf").context("there is no `perf`; Debian's package is `linux-perf`")?;
    let collapse = install("inferno", "inferno-collapse-perf")?;
    let folder = tempfile::tempdir()?;
    let recorded = folder.path().join("perf.data");
    let binary = framed()?;
    let target = SmallTarget::start().await?;
    let running = Candidate::Sendit { binary, flags: Vec::new() }.start(target.address).await?;
    let processes: Vec<String> = running.processes().iter().map(u32::to_string).collect();
    let mut perf = Command::new("perf");
    // A clock of the operating system's, for virtual machines have no other.
    perf.args(["record", "--quiet", "--event", "cpu-clock", "--call-graph", "fp", "--output"]).arg(&recorded);
    let seconds = LASTS.as_secs().to_string();
    perf.args(["--pid", &processes.join(","), "--", "sleep", &seconds]);
    let mut perf = perf.spawn()?;
    load(&running, 32, LASTS).await?;
    perf.wait()?;
    drop(running);
    let stacks = program::output(Command::new("perf").args(["script", "--input"]).arg(&recorded))?;
    let (as_recorded, collapsed) = (folder.path().join("stacks"), folder.path().join("collapsed"));
    std::fs::write(&as_recorded, stacks)?;
    std::fs::write(&collapsed, program::output(Command::new(&collapse).arg(&as_recorded))?)?;
    let graph = program::output(Command::new(collapse.with_file_name("inferno-flamegraph")).arg(&collapsed))?;
    std::fs::write(file, graph).with_context(|| format!("cannot write `{}`", file.display()))
}

/// Builds the program as it is released, but that its stacks can be read.
fn framed() -> Result<std::path::PathBuf> {
    let mut build = program::cargo(&["build", "--quiet", "--release", "--package", "sendit", "--target-dir"]);
    let to = crate::root().join("target/framed");
    program::run(build.arg(&to).env("RUSTFLAGS", "-C force-frame-pointers=yes -C debuginfo=0"))?;
    Ok(to.join("release/sendit"))
}
