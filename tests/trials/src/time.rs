//! What the machine does with its time.

use std::fs;
use std::time::Duration;

/// The machine's time, and what of it was idle, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    all: u64,
    idle: u64,
}

impl Time {
    /// All since the machine was started. None where the system does not tell it as Linux does.
    #[must_use]
    pub fn now() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/stat").ok()?)
    }

    /// Which share of the time since `before` was idle, from 0 to 1.
    #[must_use]
    pub fn idle_since(self, before: Self) -> f64 {
        let ticks = |number: u64| Duration::from_millis(number).as_secs_f64();
        ticks(self.idle - before.idle) / ticks(self.all - before.all)
    }

    /// Reads the first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal. What guests had is in the
    /// first two. (`proc_stat(5)`)
    fn parse(stat: &str) -> Option<Self> {
        let numbers = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().take(8);
        let numbers: Vec<u64> = numbers.map(str::parse).collect::<Result<_, _>>().ok()?;
        Some(Self { all: numbers.iter().sum(), idle: *numbers.get(3)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_time_is_read() {
        let stat = "cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
        let time = Time { all: 36, idle: 4 };
        assert_eq!(Time::parse(stat), Some(time));
        assert_eq!(Time::parse("cpu0 1 2 3"), None);
        assert_eq!(Time { all: 46, idle: 9 }.idle_since(time).to_bits(), 0.5_f64.to_bits());
    }
}
