//! The promises that a hand run shows, each with its bound and the figures of this run. `soak`, `faults` and
//! `intermediaries` show the others.

mod tools;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use argh::FromArgs;
use tokio::process::Command;
use tokio::time::Instant;
use trials::floods::{
    Crowd, Figures, Measure, Slow, Stalled, Starved, Stops, Target, Unfair, crowd, frames, slow, stalled, starved,
    stops, unfair,
};
use trials::program::Program;

use crate::program;

/// All that there are, in their order.
const ALL: [&str; 8] = ["R4", "R9", "R12", "R15", "R16", "R20", "frames", "tools"];

/// Show what is promised under floods, on the program as it is released: R4, R9, R12, R15, R16, R20, `frames` of HTTP/2, and
/// what the `tools` slowhttptest and h2load say. Without names all of them.
#[derive(FromArgs)]
#[argh(subcommand, name = "promises")]
pub(crate) struct Promises {
    /// which, by name
    #[argh(positional)]
    names: Vec<String>,

    /// program to try (default: the one that is built from here, as it is released)
    #[argh(option)]
    binary: Option<PathBuf>,

    /// only serve the target that visitors are brought to, so that it has descriptors of its own
    #[argh(switch, hidden_help)]
    target: bool,
}

impl Promises {
    /// Runs, prints, and fails where a figure is beyond its bound.
    pub(crate) async fn run(&self) -> Result<()> {
        if self.target {
            let target = Target::start()?;
            println!("{}", target.address);
            return std::future::pending().await;
        }
        let binary = self.binary.clone().map_or_else(program::release, Ok)?;
        let names = if self.names.is_empty() { ALL.map(str::to_owned).to_vec() } else { self.names.clone() };
        let mut beyond = 0;
        for name in names {
            println!("== {name}");
            let figures = show(&name, &binary).await.with_context(|| format!("`{name}` could not be run"))?;
            println!("{figures}");
            beyond += figures.beyond(&[Measure::Count, Measure::Ratio, Measure::Clock]).0.len();
        }
        ensure!(beyond == 0, "{beyond} figures are beyond their bounds");
        Ok(())
    }
}

async fn show(name: &str, binary: &Path) -> Result<Figures> {
    Ok(match name {
        "R4" => {
            let target = OwnTarget::start().await?;
            let hold = Duration::from_secs(5);
            let mut run = Crowd { visitors: 10_000, sessions: 40, hold, flags: &[], memory: 700.0 };
            let mut figures = crowd(binary, target.address, &run).await?;
            (run.sessions, run.flags) = (1, &["--max-exchanges-per-session", "10000"]);
            figures.0.extend(crowd(binary, target.address, &run).await?.0);
            figures
        }
        "R9" => slow(binary, &Slow { connections: 5_000, each: Duration::from_secs(20) }).await?,
        "R12" => {
            let target = OwnTarget::start().await?;
            stalled(
                binary,
                target.address,
                &Stalled { visitors: 1_000, sessions: 4, memory: 400.0, each: 320.0, slower: 1.25 },
            )
            .await?
        }
        "R15" => starved(binary, Starved { descriptors: 64, connections: 1_000 }).await?,
        "R16" => stops(binary, Stops { times: 50 }).await?,
        "R20" => {
            let target = OwnTarget::start().await?;
            let paced = Duration::from_millis(100);
            let run = Unfair { flood: 300, paced, stuck: 200, each: Duration::from_secs(10) };
            unfair(binary, target.address, &run).await?
        }
        "frames" => frames(binary).await?,
        "tools" => tools::run(binary).await?,
        _ => bail!("there is no `{name}`; these there are: {}", ALL.join(", ")),
    })
}

/// The target as a program of its own: with ten thousand visitors it needs as many descriptors as they do.
struct OwnTarget {
    address: std::net::SocketAddr,
    _program: Program,
}

impl OwnTarget {
    async fn start() -> Result<Self> {
        let program = Program::start(Command::new(std::env::current_exe()?).args(["promises", "--target"]))?;
        let told = |output: &str| output.lines().find_map(|line| line.parse().ok());
        let deadline = Instant::now() + Duration::from_secs(20);
        let output = program.printed(deadline, "told its address", |output| told(output).is_some()).await?;
        Ok(Self { address: told(&output).context("it has told its address")?, _program: program })
    }
}
