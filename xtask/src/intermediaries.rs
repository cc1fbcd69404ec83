//! The table of intermediaries: how a tunnel gets through each, and what it endures there.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use argh::FromArgs;
use trials::faults::Plan;
use trials::intermediaries::{ALL, CUTTING, Crossing, Freight, Intermediary, Ordeal, table};
use trials::load::{LARGEST, Mix};
use trials::soak::{EVERY, losses};

use crate::program;

/// Visitors at a time.
const AT_ONCE: u64 = 100;

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

    /// seconds of mixed load under kills; 0 for none (default: 30)
    #[argh(option, default = "30")]
    seconds: u64,

    /// number that the choices of load and kills are made from (default: 1)
    #[argh(option, default = "1")]
    seed: u64,

    /// mixed load through those that cut every request after 1 s, instead of kills
    #[argh(switch)]
    cutting: bool,

    /// print the table as it stands in the README
    #[argh(switch)]
    markdown: bool,

    /// flag of the client, such as `--wire=v1`; can be repeated
    #[argh(option)]
    flag: Vec<String>,
}

impl Intermediaries {
    /// Prints a line for each, and fails where an exchange did.
    pub(crate) async fn run(&self) -> Result<()> {
        let binary = program::release()?;
        let mut failed = 0;
        if self.markdown {
            println!("{}", table::HEAD);
        }
        let all: &[Intermediary] = if self.cutting { &CUTTING } else { &ALL };
        for intermediary in all.iter().filter(|intermediary| intermediary.name.contains(&self.only)) {
            let name = intermediary.name;
            if intermediary.find().is_none() {
                eprintln!("{name:34} `{}` is not installed", intermediary.program);
            } else if self.cutting {
                failed += self.cut(&binary, intermediary).await?;
            } else {
                failed += self.cross(&binary, intermediary).await?;
            }
        }
        ensure!(failed == 0, "{failed} exchanges failed");
        Ok(())
    }

    fn ordeal<'a>(&self, plan: Plan, flags: &'a [&'a str]) -> Ordeal<'a> {
        let mix = Mix { at_once: AT_ONCE, seed: self.seed, first_id: 0, largest: LARGEST };
        Ordeal { mix, time: Duration::from_secs(self.seconds), plan, flags }
    }

    async fn cross(&self, binary: &Path, intermediary: &Intermediary) -> Result<u64> {
        let flags: Vec<&str> = self.flag.iter().map(String::as_str).collect();
        let name = intermediary.name;
        let crossing = intermediary.cross(binary, Freight { flags: &flags, bulk: self.bulk }).await?;
        if !self.markdown {
            println!("{name:34} {crossing}");
        }
        let endured = if self.seconds > 0 && matches!(crossing, Crossing::Passed(_)) {
            Some(intermediary.try_out(binary, &self.ordeal(losses(EVERY), &flags)).await?)
        } else {
            None
        };
        match &endured {
            _ if self.markdown => println!("{}", table::row(name, &crossing, endured.as_ref())),
            Some(endured) => println!("{name:34} {endured}"),
            None => {}
        }
        Ok(endured.map_or(0, |endured| endured.failed()) + u64::from(matches!(crossing, Crossing::Spoilt { .. })))
    }

    async fn cut(&self, binary: &Path, intermediary: &Intermediary) -> Result<u64> {
        // Carriers live for as long as they are let.
        let flags: Vec<&str> = ["--max-ttl=10m"].into_iter().chain(self.flag.iter().map(String::as_str)).collect();
        let endured = intermediary.try_out(binary, &self.ordeal(Plan::default(), &flags)).await?;
        println!("{:34} {endured}\n{}", intermediary.name, endured.figures);
        Ok(endured.failed())
    }
}
