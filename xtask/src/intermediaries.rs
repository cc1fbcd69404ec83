//! The table of intermediaries: how a tunnel gets through each.

use anyhow::Result;
use argh::FromArgs;
use trials::intermediaries::{ALL, Freight};

use crate::program;

/// Bring a tunnel through each intermediary that is installed, and print how it came through.
#[derive(FromArgs)]
#[argh(subcommand, name = "intermediaries")]
pub(crate) struct Intermediaries {
    /// only those whose name contains this
    #[argh(option, default = "String::new()")]
    only: String,

    /// bytes that are sent each way (default: 64 MiB)
    #[argh(option, default = "64 * 1024 * 1024")]
    bulk: u64,

    /// flag of the client, such as `--wire=v1`; can be repeated
    #[argh(option)]
    flag: Vec<String>,
}

impl Intermediaries {
    /// Prints a line for each.
    pub(crate) async fn run(&self) -> Result<()> {
        let binary = program::release()?;
        let flags: Vec<&str> = self.flag.iter().map(String::as_str).collect();
        for intermediary in ALL.iter().filter(|intermediary| intermediary.name.contains(&self.only)) {
            let name = intermediary.name;
            if intermediary.find().is_none() {
                println!("{name:34} `{}` is not installed", intermediary.program);
                continue;
            }
            match intermediary.cross(&binary, Freight { flags: &flags, bulk: self.bulk }).await {
                Ok(crossing) => println!("{name:34} {crossing}"),
                Err(trouble) => println!("{name:34} {trouble}"),
            }
        }
        Ok(())
    }
}
