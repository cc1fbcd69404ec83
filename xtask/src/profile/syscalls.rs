//! Calls of the operating system, counted by strace.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::{Duration, sleep};
use trials::program::Program;

use crate::bench::{Running, family};

/// How long strace may take to be attached.
const ATTACHED: Duration = Duration::from_millis(500);

/// Processes whose calls are counted.
pub(super) struct Watched {
    watchers: Vec<Program>,
    folder: TempDir,
}

impl Watched {
    /// Attaches to each program, and to the children that it has.
    pub(super) async fn start(running: &Running) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut watchers = Vec::new();
        for (number, process) in running.processes().iter().enumerate() {
            let mut command = Command::new("strace");
            command.args(["-c", "-f", "-o"]).arg(folder.path().join(number.to_string()));
            for process in family(&[*process]) {
                command.args(["-p", &process.to_string()]);
            }
            watchers.push(Program::start(&mut command).context("install it by `cargo xtask setup`")?);
        }
        sleep(ATTACHED).await;
        Ok(Self { watchers, folder })
    }

    /// What one of so many exchanges took at each end.
    pub(super) async fn end(self, exchanges: usize) -> Result<String> {
        let number = self.watchers.len();
        for watcher in self.watchers {
            watcher.end().await;
        }
        let mut text = String::new();
        for (name, number) in ["server", "client"].iter().zip(0..number) {
            let table = std::fs::read_to_string(self.folder.path().join(number.to_string()))?;
            let calls = parse(&table);
            #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
            let each = |calls: u64| calls as f64 / exchanges as f64;
            let all: u64 = calls.iter().map(|(_, calls)| calls).sum();
            write!(text, "\n  {name} {:.2}", each(all))?;
            for (call, calls) in calls.iter().filter(|(_, calls)| each(*calls) >= 0.01) {
                write!(text, ", {call} {:.2}", each(*calls))?;
            }
        }
        Ok(text)
    }
}

/// Reads strace's table: the calls are the fourth column, their name is the last.
fn parse(table: &str) -> Vec<(String, u64)> {
    let lines = table.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    let calls = lines.filter_map(|fields| Some(((*fields.last()?).to_owned(), fields.get(3)?.parse().ok()?)));
    let mut calls: Vec<(String, u64)> = calls.filter(|(name, _)| name != "total").collect();
    calls.sort_by_key(|(_, calls)| std::cmp::Reverse(*calls));
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read() {
        let table = "% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.000100           1        50        10 read
 40.00    0.000000           0        70           write
------ ----------- ----------- --------- --------- ----------------
100.00    0.000100           3       120        10 total
";
        assert_eq!(parse(table), [("write".to_owned(), 70), ("read".to_owned(), 50)]);
    }
}
