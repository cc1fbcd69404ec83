//! Several servers behind one address, tried by hand: each scenario on the program as it is released, with its promises and
//! the figures of this run.

mod cost;
mod light;
mod many;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use argh::FromArgs;
use trials::cluster::{
    Crash, Frozen, Idle, Loads, Mixed, NEEDED, Outage, Rolling, What, crash, frozen, idle, mixed, outage, rolling,
};
use trials::floods::{Figures, Measure};
use trials::load::LARGEST;

use crate::program;
use light::Crowd;

/// All that there are, in their order.
const ALL: [&str; 8] = ["mixed", "rolling", "crash", "engine", "frozen", "idle", "cost", "many"];

/// Tunnels of each wire, and exchanges at a time.
const TUNNELS: usize = 3;
const AT_ONCE: u64 = 40;

/// Try several servers with a Redis and a `HAProxy`: a mixed load, restarts one after the other, kills, an engine that is away,
/// a server that was frozen, what idle sessions cost, what passing on costs, and many sessions. Without names all of them.
#[derive(FromArgs)]
#[argh(subcommand, name = "cluster")]
pub(crate) struct Cluster {
    /// which, by name: mixed, rolling, crash, engine, frozen, idle, cost, many
    #[argh(positional)]
    scenarios: Vec<String>,

    /// how long the mixed load and the kills last; a part of a minute is fine (default: 5)
    #[argh(option, default = "5.0")]
    minutes: f64,

    /// number that all choices are made from (default: 1)
    #[argh(option, default = "1")]
    seed: u64,

    /// how many sessions `many` has (default: 20000)
    #[argh(option, default = "20_000")]
    sessions: u32,

    /// program to try (default: the one that is built from here, as it is released)
    #[argh(option)]
    binary: Option<PathBuf>,

    /// only be the clients of that many sessions, at the servers that --at names, so that they have descriptors of their own
    #[argh(option, hidden_help)]
    light: Option<u32>,

    /// a server of theirs
    #[argh(option, hidden_help)]
    at: Vec<SocketAddr>,

    /// what their prefixes begin with
    #[argh(option, hidden_help, default = "String::new()")]
    name: String,
}

impl Cluster {
    /// Runs, prints, and fails where a promise is broken.
    pub(crate) async fn run(&self) -> Result<()> {
        if let Some(sessions) = self.light {
            return Crowd { servers: self.at.clone(), name: self.name.clone(), sessions }.stand().await;
        }
        for needed in NEEDED {
            program::find(needed)
                .with_context(|| format!("there is no `{needed}`; install it by `cargo xtask setup`"))?;
        }
        let binary = self.binary.clone().map_or_else(program::release, Ok)?;
        let all = || ALL.map(str::to_owned).to_vec();
        let names = if self.scenarios.is_empty() { all() } else { self.scenarios.clone() };
        println!("seed {}", self.seed);
        let mut beyond = 0;
        for name in names {
            println!("== {name}");
            let figures = self.show(&name, &binary).await.with_context(|| format!("`{name}` could not be run"))?;
            println!("{figures}");
            beyond += figures.beyond(&[Measure::Count, Measure::Ratio, Measure::Clock]).0.len();
        }
        ensure!(beyond == 0, "{beyond} figures are beyond their bounds");
        Ok(())
    }

    async fn show(&self, name: &str, binary: &Path) -> Result<Figures> {
        let loads = Loads { at_once: AT_ONCE, largest: LARGEST, seed: self.seed };
        let (tunnels, whole) = (TUNNELS, Duration::from_secs_f64(self.minutes * 60.0));
        Ok(match name {
            "mixed" => mixed(binary, Mixed { loads, tunnels, lasts: whole }).await?,
            // Each of the three twice.
            "rolling" => rolling(binary, Rolling { loads, tunnels, restarts: 6 }).await?,
            "crash" => {
                // As long after a kill as before it, and a kill each 30 s.
                let (each, kills) = (Duration::from_secs(15), (self.minutes * 2.0).ceil());
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "minutes are few, and not below 0"
                )]
                crash(binary, Crash { loads, tunnels, kills: kills as usize, each }).await?
            }
            "engine" => {
                let (away, after) = (Duration::from_secs(60), Duration::from_secs(15));
                let run = |what| Outage { loads, tunnels, what, away, after };
                let mut figures = outage(binary, run(What::Emptied)).await?;
                figures.0.extend(outage(binary, run(What::FailedOver)).await?.0);
                figures
            }
            "frozen" => frozen(binary, Frozen { times: 5, asked: Duration::from_secs(10) }).await?,
            "idle" => idle(binary, Idle { sessions: 200, lasts: Duration::from_secs(30) }).await?,
            "cost" => cost::measure(binary).await?,
            "many" => many::measure(binary, self.sessions).await?,
            _ => bail!("there is no `{name}`; these there are: {}", ALL.join(", ")),
        })
    }
}
