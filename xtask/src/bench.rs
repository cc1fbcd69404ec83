//! The benchmark: the tunnel and its peers under the same loads, in one run, in interleaved rounds. What counts are the
//! ratios of a run; absolute figures move with the machine.

mod bulk;
mod candidate;
mod cost;
mod figures;
mod peers;
mod sessions;
mod small;
mod threads;
mod throttle;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use argh::FromArgs;

use crate::program;
use bulk::BulkTarget;
pub(crate) use candidate::{Candidate, Running};
pub(crate) use cost::{cpu, family};
pub(crate) use figures::median;
use figures::{Figures, Table};
pub(crate) use peers::install;
use peers::{Peer, Peers};
pub(crate) use small::{ANSWER, Target as SmallTarget, load, wrk};

/// Measure the tunnel and its peers under the same loads; prints medians and ratios.
#[derive(FromArgs)]
#[argh(subcommand, name = "bench")]
pub(crate) struct Bench {
    /// what to measure beside the tunnel: of `nginx2` (two nginx in a row), `bore` and `rathole`, which are installed
    /// by cargo (default: nginx2)
    #[argh(option, default = "Peers(vec![Peer::Nginx2])")]
    against: Peers,

    /// another build of the tunnel, to be measured beside it; can be repeated
    #[argh(option)]
    build: Vec<PathBuf>,

    /// executable to measure (default: this project's, built with optimisation)
    #[argh(option)]
    binary: Option<PathBuf>,

    /// measure nothing but what so many sessions cost a server
    #[argh(option)]
    sessions: Option<u32>,

    /// measure nothing but what a second thread gives a server that is held back, with four sessions and with one; on
    /// Linux, as who may make groups of cgroups v1
    #[argh(switch)]
    threads: bool,

    /// how often each is measured; medians are told (default: 3)
    #[argh(option, default = "3")]
    rounds: usize,

    /// seconds that each load of small requests lasts (default: 5)
    #[argh(option, default = "5")]
    seconds: u64,

    /// file that takes all figures of all rounds, as JSON
    #[argh(option)]
    json: Option<PathBuf>,

    /// flag of the tunnel's client, such as `--wire=v1`; can be repeated
    #[argh(option)]
    flag: Vec<String>,

    /// flag of the client of another tunnel, which is measured in the same rounds, such as `--inspect=off`; can be
    /// repeated
    #[argh(option)]
    beside: Vec<String>,
}

impl Bench {
    /// Measures and prints.
    pub(crate) async fn run(&self) -> Result<()> {
        let binary = self.binary.clone().map_or_else(program::release, Ok)?;
        if let Some(number) = self.sessions {
            println!("{}", sessions::measure(binary, number, Duration::from_secs(self.seconds)).await?);
            return Ok(());
        }
        if self.threads {
            let lasts = Duration::from_secs(self.seconds);
            println!("{}", threads::measure(&binary, self.rounds, lasts).await?);
            return Ok(());
        }
        let mut candidates = vec![Candidate::Sendit { binary: binary.clone(), flags: self.flag.clone() }];
        if !self.beside.is_empty() {
            candidates.push(Candidate::Sendit { binary, flags: self.beside.clone() });
        }
        let build = |binary| Candidate::Sendit { binary, flags: self.flag.clone() };
        candidates.extend(self.build.iter().cloned().map(build));
        for peer in &self.against.0 {
            candidates.push(peer.candidate()?);
        }
        let mut table = Table::new(candidates.iter().map(Candidate::name));
        for round in 1..=self.rounds {
            for (candidate, column) in candidates.iter().zip(0..) {
                eprintln!("round {round}: {}", candidate.name());
                let figures = self.measure(candidate).await;
                table.add(column, figures.with_context(|| format!("`{}` was not measured", candidate.name()))?);
            }
        }
        println!("{table}");
        if let Some(file) = &self.json {
            write(file, &table)?;
        }
        Ok(())
    }

    /// One round of one candidate, in front of nginx for small requests and of a target of ours for bodies.
    async fn measure(&self, candidate: &Candidate) -> Result<Figures> {
        let lasts = Duration::from_secs(self.seconds);
        let target = small::Target::start().await?;
        let running = candidate.start(target.address).await?;
        small::check(&running).await?;
        let mut figures = Figures::default();
        let many = small::load(&running, 32, lasts).await?;
        figures.rate_32 = many.rate;
        figures.cpu_per_request = many.cpu / many.requests;
        figures.p99_32 = many.p99;
        let crowd = small::load(&running, 256, lasts).await?;
        (figures.rate_256, figures.p99_256) = (crowd.rate, crowd.p99);
        figures.cpu_256 = crowd.cpu / crowd.requests;
        figures.p50_1 = small::load(&running, 1, lasts).await?.p50;
        drop(running);

        let target = BulkTarget::start()?;
        let running = candidate.start(target.address()).await?;
        let down = bulk::down(&running).await?;
        (figures.down, figures.cpu_down) = (down.rate, down.cpu_per_byte);
        let up = bulk::up(&running).await?;
        (figures.up, figures.cpu_up) = (up.rate, up.cpu_per_byte);
        figures.memory = cost::peak_memory(&running.processes());
        Ok(figures)
    }
}

fn write(file: &Path, table: &Table) -> Result<()> {
    std::fs::write(file, table.json()).with_context(|| format!("cannot write `{}`", file.display()))
}

impl Running {
    /// The processes that make up the candidate.
    pub(crate) fn processes(&self) -> Vec<u32> {
        self.programs.iter().filter_map(trials::program::Program::id).collect()
    }
}
