//! Holds threads back by the operating system: each may have so much of every ten milliseconds, and what it would have taken
//! beyond that is told. By the cpu controller of cgroups v1, in which a thread can be alone.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// What the shares are of, in microseconds.
const PERIOD: u32 = 10_000;

/// What a thread may have of it.
const QUOTA: u32 = 2_000;

/// A group's file with its threads. Writing an id there takes that one in.
const TASKS: &str = "tasks";

/// Threads that are held back until it is dropped, each in a group of its own.
pub(super) struct Throttle {
    /// Where they were before.
    own: PathBuf,
    groups: Vec<(PathBuf, u32)>,
}

/// How many periods there were in which something was to be done, and in how many of them not all could be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Periods {
    all: u32,
    throttled: u32,
}

impl Throttle {
    /// Holds these threads back.
    pub(super) fn new(threads: &[u32]) -> Result<Self> {
        let (mounts, groups) = (fs::read_to_string("/proc/self/mounts")?, fs::read_to_string("/proc/self/cgroup")?);
        let Some(own) = own(&mounts, &groups) else {
            bail!("there is no cpu controller of cgroups v1 here, without which a thread cannot be held back alone");
        };
        let mut throttle = Self { own, groups: Vec::new() };
        for &thread in threads {
            throttle.add(thread).with_context(|| {
                let own = throttle.own.display();
                format!("no thread can be held back; run it as who may write to `{own}`")
            })?;
        }
        Ok(throttle)
    }

    fn add(&mut self, thread: u32) -> Result<()> {
        let group = self.own.join(format!("sendit-bench-{thread}"));
        fs::create_dir(&group)?;
        self.groups.push((group.clone(), thread));
        fs::write(group.join("cpu.cfs_period_us"), PERIOD.to_string())?;
        fs::write(group.join("cpu.cfs_quota_us"), QUOTA.to_string())?;
        Ok(fs::write(group.join(TASKS), thread.to_string())?)
    }

    /// Those of all threads so far.
    pub(super) fn periods(&self) -> Result<Periods> {
        let mut sum = Periods::default();
        for (group, _) in &self.groups {
            let text = fs::read_to_string(group.join("cpu.stat"))?;
            let Periods { all, throttled } = Periods::parse(&text).context("there are no periods in `cpu.stat`")?;
            sum = Periods { all: sum.all + all, throttled: sum.throttled + throttled };
        }
        Ok(sum)
    }
}

impl Drop for Throttle {
    fn drop(&mut self) {
        for (group, thread) in &self.groups {
            // A group that has a thread stays. One that has ended has left it by itself.
            let _ = fs::write(self.own.join(TASKS), thread.to_string());
            if let Err(cause) = fs::remove_dir(group) {
                eprintln!("`{}` is left: {cause}", group.display());
            }
        }
    }
}

impl Periods {
    fn parse(text: &str) -> Option<Self> {
        let number = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        Some(Self { all: number("nr_periods ")?, throttled: number("nr_throttled ")? })
    }

    /// In which share of the periods since `before` not all was done that was to be.
    pub(super) fn throttled_since(self, before: Self) -> f64 {
        f64::from(self.throttled - before.throttled) / f64::from(self.all - before.all)
    }
}

/// The folder of this process's own group, by what the system says of mounts and of groups. (cgroups(7))
fn own(mounts: &str, groups: &str) -> Option<PathBuf> {
    let is_cpu = |names: &str| names.split(',').any(|name| name == "cpu");
    let mount = mounts.lines().find_map(|line| {
        let [_, folder, kind, options, ..] = line.split(' ').collect::<Vec<_>>()[..] else { return None };
        (kind == "cgroup" && is_cpu(options)).then_some(folder)
    })?;
    let group = groups.lines().find_map(|line| {
        let (names, group) = line.split_once(':')?.1.split_once(':')?;
        is_cpu(names).then_some(group)
    })?;
    Some(Path::new(mount).join(group.trim_start_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_group_is_found_where_there_is_one() {
        let v1 = "proc /proc proc rw 0 0\ncgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\n";
        let folder = |group| Some(Path::new("/sys/fs/cgroup/cpu,cpuacct").join(group));
        assert_eq!(own(v1, "3:cpuset:/\n2:cpu,cpuacct:/a/b\n0::/\n"), folder("a/b"));
        assert_eq!(own(v1, "2:cpuacct,cpu:/\n"), folder(""));
        let v2 = "cgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0\n";
        assert_eq!(own(v2, "0::/user.slice\n"), None);
        assert_eq!(own(v1, "0::/user.slice\n"), None);
        assert_eq!(own("cgroup /x cgroup rw,cpuset 0 0\n", "2:cpu:/\n"), None);
    }

    #[test]
    fn periods_are_read_and_compared() {
        let before = Periods::parse("nr_periods 10\nnr_throttled 4\nthrottled_time 123\n").unwrap();
        let after = Periods { all: 20, throttled: 13 };
        assert_eq!(after.throttled_since(before).to_bits(), 0.9_f64.to_bits());
        assert_eq!(Periods::parse("nr_periods 10\n"), None);
    }
}
