//! What programs of other people say: slowhttptest as an attacker, h2load as an honest load of HTTP/2.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::process::Command;
use trials::floods::{Figures, Measure, Stage, Tally, Target, Wanted, get};
use trials::program::Program;

use crate::program;

/// How long slowhttptest is at it, in each of its manners, and with how many connections.
const SECONDS: &str = "15";
const CONNECTIONS: &str = "2000";

/// How many requests h2load sends.
const REQUESTS: &str = "20000";

/// Its flags for slow heads, slow bodies and slow readers.
const MANNERS: [(&str, &[&str]); 3] = [
    ("slow heads", &["-H", "-i", "2"]),
    ("slow bodies", &["-B", "-i", "2", "-s", "8192"]),
    ("slow readers", &["-X", "-w", "10", "-y", "20", "-n", "5", "-z", "32"]),
];

/// Runs both against a server of ours.
pub(super) async fn run(binary: &Path) -> Result<Figures> {
    for name in ["slowhttptest", "h2load"] {
        ensure!(program::find(name).is_some(), "`{name}` is missing: `cargo xtask setup` installs it");
    }
    let (target, prefixes) = (Target::start()?, ["honest", "slow"].map(str::to_owned));
    let stage = Stage::set(Wanted { binary, flags: &[], prefixes: &prefixes, target: target.address }).await?;
    let (server, mut figures) = (stage.server.address, Figures::default());
    for (name, flags) in MANNERS {
        let url = format!("http://{server}/slow/1000000");
        let mut command = Command::new("slowhttptest");
        command.args(["-c", CONNECTIONS, "-r", "500", "-l", SECONDS, "-p", "3", "-u", &url]).args(flags);
        let (mut attack, mut tally) = (Program::start(&mut command)?, Tally::default());
        while !attack.has_ended() {
            tally.add(get(server, "/honest/1000").await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        figures.bound(
            Measure::Count,
            format!("slowhttptest, {name}: visitors not answered"),
            number(tally.unanswered()),
            "",
            0.0,
        );
        figures.tell("  answered", number(tally.answered()), "");
        figures.bound(Measure::Clock, "  their p99", tally.within(99), "ms", 500.0);
    }
    let url = format!("http://{server}/honest/1000");
    // Elsewhere: the target that it waits for lives on this thread.
    let load = move || {
        program::output(std::process::Command::new("h2load").args(["-n", REQUESTS, "-c", "20", "-m", "10", &url]))
    };
    let output = tokio::task::spawn_blocking(load).await??;
    let line = output.lines().find(|line| line.starts_with("requests:")).unwrap_or_default();
    let of = |word: &str| {
        let part = line.split(", ").find_map(|part| part.strip_suffix(word))?;
        part.rsplit(' ').find_map(|part| part.parse::<f64>().ok())
    };
    let (asked, answered) = (of(" total").unwrap_or(f64::INFINITY), of(" succeeded").unwrap_or(0.0));
    figures.tell("h2load: answered", answered, "");
    figures.bound(Measure::Count, "  not answered", asked - answered, "", 0.0);
    Ok(figures)
}

fn number(count: impl TryInto<u32>) -> f64 {
    f64::from(count.try_into().unwrap_or(u32::MAX))
}
