//! The figures of a run: medians over its rounds, and how the tunnel compares.

use std::fmt;
use std::time::Duration;

/// What one round of one candidate came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    /// Requests a second, on 32 connections.
    pub(super) rate_32: f64,
    pub(super) cpu_per_request: Duration,
    pub(super) p99_32: Duration,
    /// The same on 256.
    pub(super) rate_256: f64,
    pub(super) cpu_256: Duration,
    pub(super) p99_256: Duration,
    /// On one.
    pub(super) p50_1: Duration,
    /// Bytes a second from target to visitor, and CPU seconds a byte.
    pub(super) down: f64,
    pub(super) cpu_down: f64,
    /// From visitor to target.
    pub(super) up: f64,
    pub(super) cpu_up: f64,
    /// The most memory, in KiB.
    pub(super) memory: u32,
}

/// How a figure is taken from a round, named, and scaled for people.
struct Row {
    name: &'static str,
    key: &'static str,
    digits: usize,
    of: fn(&Figures) -> f64,
}

const ROWS: [Row; 12] = [
    Row { name: "32 connections: requests/s", key: "rate_32", digits: 0, of: |figures| figures.rate_32 },
    Row { name: "CPU a request, µs", key: "cpu_us", digits: 1, of: |figures| micros(figures.cpu_per_request) },
    Row { name: "p99, ms", key: "p99_32_ms", digits: 2, of: |figures| micros(figures.p99_32) / 1e3 },
    Row { name: "256 connections: requests/s", key: "rate_256", digits: 0, of: |figures| figures.rate_256 },
    Row { name: "CPU a request, µs", key: "cpu_256_us", digits: 1, of: |figures| micros(figures.cpu_256) },
    Row { name: "p99, ms", key: "p99_256_ms", digits: 2, of: |figures| micros(figures.p99_256) / 1e3 },
    Row { name: "1 connection: p50, ms", key: "p50_1_ms", digits: 3, of: |figures| micros(figures.p50_1) / 1e3 },
    Row { name: "down, MB/s", key: "down_mb_s", digits: 0, of: |figures| figures.down / 1e6 },
    Row { name: "CPU s/GB", key: "cpu_down_s_gb", digits: 2, of: |figures| figures.cpu_down * 1e9 },
    Row { name: "up, MB/s", key: "up_mb_s", digits: 0, of: |figures| figures.up / 1e6 },
    Row { name: "CPU s/GB", key: "cpu_up_s_gb", digits: 2, of: |figures| figures.cpu_up * 1e9 },
    Row { name: "peak memory, MiB", key: "memory_mib", digits: 1, of: |figures| f64::from(figures.memory) / 1024.0 },
];

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// All rounds of all candidates, the tunnel first.
pub(super) struct Table(Vec<(String, Vec<Figures>)>);

impl Table {
    pub(super) fn new(names: impl Iterator<Item = String>) -> Self {
        Self(names.map(|name| (name, Vec::new())).collect())
    }

    pub(super) fn add(&mut self, column: usize, figures: Figures) {
        if let Some((_, rounds)) = self.0.get_mut(column) {
            rounds.push(figures);
        }
    }

    /// All figures, by candidate and by name, a list of rounds each.
    pub(super) fn json(&self) -> String {
        let candidates = self.0.iter().map(|(name, rounds)| {
            let rows = ROWS.iter().map(|row| {
                let values: Vec<f64> = rounds.iter().map(row.of).collect();
                (row.key.to_owned(), values.into())
            });
            (name.clone(), serde_json::Value::Object(rows.collect()))
        });
        let mut text = serde_json::Value::Object(candidates.collect()).to_string();
        text.push('\n');
        text
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.len() % 2, values.get(middle), middle.checked_sub(1).and_then(|below| values.get(below))) {
        (1, Some(value), _) => *value,
        (_, Some(above), Some(below)) => f64::midpoint(*below, *above),
        _ => f64::NAN,
    }
}

/// As Markdown: a row a figure, a column a candidate, and the tunnel's ratio to each of the others.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "| |")?;
        for (number, (name, _)) in self.0.iter().enumerate() {
            write!(f, " {name} |")?;
            if number > 0 {
                write!(f, " ratio |")?;
            }
        }
        write!(f, "\n|---|{}", "---:|".repeat(self.0.len() * 2 - 1))?;
        for row in &ROWS {
            write!(f, "\n| {} |", row.name)?;
            let mut own = f64::NAN;
            for (number, (_, rounds)) in self.0.iter().enumerate() {
                let value = median(rounds.iter().map(row.of).collect());
                write!(f, " {value:.*} |", row.digits)?;
                if number == 0 {
                    own = value;
                } else {
                    write!(f, " {:.2} |", own / value)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]).to_bits(), 2_f64.to_bits());
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]).to_bits(), 2.5_f64.to_bits());
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn the_table_compares() {
        let mut table = Table::new(["a", "b"].map(ToOwned::to_owned).into_iter());
        table.add(0, Figures { rate_32: 30.0, ..Figures::default() });
        table.add(1, Figures { rate_32: 20.0, ..Figures::default() });
        let text = table.to_string();
        assert!(text.starts_with("| | a | b | ratio |\n|---|---:|---:|---:|\n"), "{text}");
        assert!(text.contains("| 32 connections: requests/s | 30 | 20 | 1.50 |"), "{text}");
        assert!(table.json().starts_with("{\"a\":{"), "{}", table.json());
    }
}
