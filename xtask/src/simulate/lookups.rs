//! How often servers have to ask the engine where a tunnel is: visitors land anywhere, and what a server has asked it remembers,
//! in a bounded number of places and for a bounded time. By formulas, not by events (Che's for a cache that forgets what was
//! used least recently).

use std::time::Duration;

/// How long look-ups could be gathered, to be asked together.
const GATHERED: Duration = Duration::from_millis(2);

/// A load of visitors, and what each server remembers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lookups {
    pub(super) nodes: f64,
    pub(super) sessions: f64,
    /// In a second.
    pub(super) exchanges: f64,
    /// Tunnels that one server remembers, and for how many seconds at most.
    pub(super) places: f64,
    pub(super) age: f64,
}

/// Tunnels that have equally many visitors: how many there are, and how many visitors each has at one server.
type Group = (f64, f64);

impl Lookups {
    /// Exchanges in a second that land on another server than their tunnel's.
    pub(super) fn passed(&self) -> f64 {
        self.exchanges * (self.nodes - 1.0) / self.nodes
    }

    /// Look-ups in a second of all servers, where the tunnel of rank `r` has visitors as `r` to the power of `-skew` says.
    pub(super) fn missed(&self, skew: f64) -> f64 {
        let groups = self.groups(skew);
        let kept = self.kept(&groups);
        self.nodes * groups.iter().map(|(count, rate)| count * rate * (-rate * kept).exp()).sum::<f64>()
    }

    /// Commands in a second, where each server gathers so many look-ups of all.
    pub(super) fn gathered(&self, missed: f64) -> f64 {
        let each = missed / self.nodes * GATHERED.as_secs_f64();
        self.nodes / GATHERED.as_secs_f64() * (1.0 - (-each).exp())
    }

    fn groups(&self, skew: f64) -> Vec<Group> {
        let mut groups = Vec::new();
        let mut first = 1.0_f64;
        while first <= self.sessions {
            let next = (first * 1.01 + 1.0).floor().min(self.sessions + 1.0);
            let middle = f64::midpoint(first, next - 1.0);
            groups.push((next - first, middle.powf(-skew)));
            first = next;
        }
        let all: f64 = groups.iter().map(|(count, weight)| count * weight).sum();
        let scale = self.passed() / self.nodes / all;
        groups.into_iter().map(|(count, weight)| (count, weight * scale)).collect()
    }

    /// For how many seconds a tunnel is remembered that is not asked for: until its place is taken, or its time is over.
    fn kept(&self, groups: &[Group]) -> f64 {
        let used =
            |seconds: f64| groups.iter().map(|(count, rate)| count * (1.0 - (-rate * seconds).exp())).sum::<f64>();
        if used(self.age) <= self.places {
            return self.age;
        }
        let (mut low, mut high) = (0.0, self.age);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if used(middle) > self.places { high = middle } else { low = middle }
        }
        low
    }
}
