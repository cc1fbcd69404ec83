//! What processes cost, by what the operating system counts: all of it, their children included.

use std::collections::HashMap;
use std::time::Duration;

/// Clock ticks a second, which Linux fixes for what it tells programs.
const TICKS: u64 = 100;

/// The CPU time that processes and their children have used.
pub(crate) fn cpu(processes: &[u32]) -> Duration {
    let all = all();
    let ticks: u64 = among(&all, processes).iter().filter_map(|id| Some(all.get(id)?.ticks)).sum();
    Duration::from_millis(ticks * 1_000 / TICKS)
}

/// The most memory in KiB that processes and their children have had at a time, added up.
pub(super) fn peak_memory(processes: &[u32]) -> u32 {
    family(processes).iter().filter_map(|id| line(*id, "VmHWM:")).sum()
}

/// The memory in KiB that a process has now.
pub(super) fn memory(process: u32) -> u32 {
    line(process, "VmRSS:").unwrap_or_default()
}

fn line(process: u32, name: &str) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// What is told of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Process {
    parent: u32,
    ticks: u64,
}

fn all() -> HashMap<u32, Process> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter_map(|id| Some((id, parse(&std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?)?))).collect()
}

/// Reads `/proc/ID/stat`, in which the name may hold anything and ends at the last bracket. (proc(5))
fn parse(stat: &str) -> Option<Process> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    // Counted from 3, the state: 4 is the parent, 14 and 15 the time in user and in kernel mode.
    let parent = fields.nth(1)?.parse().ok()?;
    let user: u64 = fields.nth(9)?.parse().ok()?;
    let kernel: u64 = fields.next()?.parse().ok()?;
    Some(Process { parent, ticks: user + kernel })
}

/// The processes, their children, and theirs.
pub(crate) fn family(processes: &[u32]) -> Vec<u32> {
    among(&all(), processes)
}

fn among(all: &HashMap<u32, Process>, processes: &[u32]) -> Vec<u32> {
    let mut family = processes.to_vec();
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        family.extend(all.iter().filter(|(_, process)| process.parent == parent).map(|(id, _)| *id));
        next += 1;
    }
    family
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name() {
        let stat = "12 (a) b (c)) S 7 12 12 0 -1 4194560 1 0 0 0 150 50 3 4 20 0 1 0 100 1 1";
        assert_eq!(parse(stat), Some(Process { parent: 7, ticks: 200 }));
        assert_eq!(parse("12 (a"), None);
    }

    #[test]
    fn children_count() {
        let process = |parent| Process { parent, ticks: 1 };
        let all = HashMap::from([(1, process(0)), (2, process(1)), (3, process(2)), (4, process(9))]);
        let mut found = among(&all, &[1]);
        found.sort_unstable();
        assert_eq!(found, [1, 2, 3]);
    }
}
