//! What the system tells of a process: the memory and the time that it has taken.

use std::fs;
use std::time::Duration;

/// Ticks a second in which Linux counts a process's time, whatever the kernel's own clock. (proc(5), `CLK_TCK`)
const TICKS: u64 = 100;

/// A process by its id.
pub(crate) struct Process(u32);

impl Process {
    pub(crate) fn of(id: u32) -> Self {
        Self(id)
    }

    /// Its resident memory in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// The processor's time that it has taken.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).expect("it runs");
        let (_, fields) = stat.rsplit_once(')').expect("its name stands in brackets");
        // The 14th and 15th fields of all, of which two stand before. (proc_pid_stat(5), `utime` and `stime`)
        let ticks: u64 = fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 1_000 / TICKS)
    }
}
