//! The profile: where an exchange's cost goes, told in what does not depend on the machine's mood: instructions by module
//! (valgrind's callgrind) and calls of the operating system (strace), at each end, beside those of two nginx in a row.

mod callgrind;
mod exchanges;
mod flame;
mod syscalls;

use std::path::PathBuf;

use anyhow::Result;
use argh::FromArgs;

use crate::bench::{Candidate, SmallTarget};
use crate::program;
use callgrind::Callgrind;

/// Exchanges before anything is counted, on each connection.
const WARM_UP: usize = 20;

/// Count what one small exchange takes: instructions by module, and calls of the operating system.
#[derive(FromArgs)]
#[argh(subcommand, name = "profile")]
pub(crate) struct Profile {
    /// exchanges that are counted on each connection (default: 100)
    #[argh(option, default = "100")]
    exchanges: usize,

    /// connections at a time; can be repeated (default: 1 and 32)
    #[argh(option)]
    connections: Vec<usize>,

    /// functions that are named beside the modules (default: none)
    #[argh(option, default = "0")]
    functions: usize,

    /// executable to measure (default: this project's, built with optimisation)
    #[argh(option)]
    binary: Option<PathBuf>,

    /// file that takes a flame graph of a load of 10 s, made by `perf` and by `inferno`, which cargo installs
    #[argh(option)]
    flame: Option<PathBuf>,

    /// flag of the tunnel's client, such as `--inspect=off`; can be repeated
    #[argh(option)]
    flag: Vec<String>,
}

impl Profile {
    /// Counts and prints.
    pub(crate) async fn run(&self) -> Result<()> {
        if let Some(file) = &self.flame {
            return flame::draw(file).await;
        }
        let binary = self.binary.clone().map_or_else(program::release, Ok)?;
        let target = SmallTarget::start().await?;
        let connections = if self.connections.is_empty() { &[1, 32][..] } else { &self.connections };
        let callgrind = Callgrind::of(&binary)?;
        for &connections in connections {
            println!("## {connections} connections");
            let running = callgrind.candidate(&self.flag).start(target.address).await?;
            exchanges::make(&running, connections, WARM_UP).await?;
            Callgrind::zero(&running)?;
            exchanges::make(&running, connections, self.exchanges).await?;
            let counted = connections * self.exchanges;
            println!("{}", callgrind.counts(&running)?.table(counted, self.functions));
            drop(running);
            for candidate in [Candidate::Sendit { binary: binary.clone(), flags: self.flag.clone() }, Candidate::Nginx2]
            {
                let running = candidate.start(target.address).await?;
                exchanges::make(&running, connections, WARM_UP).await?;
                let watched = syscalls::Watched::start(&running).await?;
                exchanges::make(&running, connections, self.exchanges).await?;
                println!("{}: {}", candidate.name(), watched.end(counted).await?);
            }
        }
        Ok(())
    }
}
