//! The tunnel over a long path: what one transfer brings beside a plain connection, and how long small requests wait
//! beside it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use argh::FromArgs;
use trials::delay::{Course, Stage, Way};

use crate::faults::parse;
use crate::program;

/// Measure the tunnel over a path with delay, against a plain connection over the same path.
#[derive(FromArgs)]
#[argh(subcommand, name = "delay")]
pub(crate) struct Delay {
    /// delay each way (default: 50ms)
    #[argh(option, default = "Duration::from_millis(50)", from_str_fn(parse::duration))]
    each_way: Duration,

    /// bytes a second each way (default: 60000000)
    #[argh(option, default = "60_000_000")]
    bandwidth: u64,

    /// length of one transfer, in MiB (default: 400)
    #[argh(option, default = "400")]
    size: u64,

    /// small requests, one after the other (default: 50)
    #[argh(option, default = "50")]
    requests: usize,

    /// flag of the client; can be repeated
    #[argh(option)]
    flag: Vec<String>,

    /// executable to measure (default: this project's, built with optimisation)
    #[argh(option)]
    binary: Option<PathBuf>,
}

impl Delay {
    /// Measures and prints both directions.
    pub(crate) async fn run(&self) -> Result<()> {
        let binary = match &self.binary {
            Some(binary) => binary.clone(),
            None => program::release()?,
        };
        let course = Course {
            each_way: self.each_way,
            bandwidth: self.bandwidth,
            size: self.size * 1024 * 1024,
            requests: self.requests,
            flags: self.flag.clone(),
        };
        println!("{:?} each way, {} bytes a second, {} MiB", self.each_way, self.bandwidth, self.size);
        let stage = Stage::start(&binary, course).await?;
        println!("\ndownload\n{}", stage.measure(Way::Download).await?);
        println!("upload\n{}", stage.measure(Way::Upload).await?);
        Ok(())
    }
}
