//! How often servers have to ask the engine where a tunnel is: visitors land anywhere, and what a server has asked it knows from
//! then on, in a bounded number of places, of which the oldest is given to what is new. By formulas, not by events.

/// A load of visitors, and what each server remembers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lookups {
    pub(super) nodes: f64,
    pub(super) sessions: f64,
    /// In a second.
    pub(super) exchanges: f64,
    /// Tunnels that one server remembers.
    pub(super) places: f64,
}

/// Tunnels that have equally many visitors: how many there are, and how many visitors each has at one server in a second.
type Group = (f64, f64);

/// A time in which everything is asked for that there is.
const EVER: f64 = 1e9;

impl Lookups {
    /// Exchanges in a second that land on another server than their tunnel's.
    pub(super) fn passed(&self) -> f64 {
        self.exchanges * (self.nodes - 1.0) / self.nodes
    }

    /// Look-ups in a second of all servers, where the tunnel of rank `r` has visitors as `r` to the power of `-skew` says. A
    /// tunnel that is asked for is known for as long as it has its place, and then not until it is asked for again.
    pub(super) fn missed(&self, skew: f64) -> f64 {
        let groups = self.groups(skew);
        let kept = self.kept(&groups);
        self.nodes * groups.iter().map(|(count, rate)| count * rate / (1.0 + rate * kept)).sum::<f64>()
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

    /// For how many seconds a tunnel has its place: in which as many places are taken as there are.
    fn kept(&self, groups: &[Group]) -> f64 {
        let taken =
            |kept: f64| groups.iter().map(|(count, rate)| count * rate * kept / (1.0 + rate * kept)).sum::<f64>();
        let (mut low, mut high) = (0.0, EVER);
        for _ in 0..100 {
            let middle = f64::midpoint(low, high);
            if taken(middle) > self.places { high = middle } else { low = middle }
        }
        low
    }
}
