//! What a cluster takes for so many sessions and exchanges, from what one of each was measured to take. Sums, no events.

use super::fleet::RENEWED;

/// How often a claim is written again that goes on, and how many together.
const REFRESHED_SECONDS: f64 = 180.0;
const TOGETHER: f64 = 500.0;

/// What one of each takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Costs {
    /// KiB of a session that is idle.
    pub(super) session_kib: f64,
    /// µs of CPU in a second for a session that is idle.
    pub(super) idle_us: f64,
    /// µs of CPU for an exchange.
    pub(super) exchange_us: f64,
    /// By how much an exchange, or a carrier, is dearer that another server passes on, for both servers together.
    pub(super) passing: f64,
    /// Whether carriers go straight to the server that has their session.
    pub(super) straight: bool,
    /// Commands of a renewal, those inside its script included.
    pub(super) renewal: f64,
}

/// A cluster, shared out over zones, one of which may be gone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) nodes: f64,
    pub(super) sessions: f64,
    /// In a second.
    pub(super) exchanges: f64,
    pub(super) costs: Costs,
}

impl Plan {
    /// The same with fewer servers.
    pub(super) fn without(self, gone: f64) -> Self {
        Self { nodes: self.nodes - gone, ..self }
    }

    /// Sessions of one server.
    pub(super) fn each(&self) -> f64 {
        self.sessions / self.nodes
    }

    /// GiB of one server's sessions.
    pub(super) fn memory(&self) -> f64 {
        self.each() * self.costs.session_kib / 1024.0 / 1024.0
    }

    /// Cores that one server is busy with for sessions that are idle, and for exchanges.
    pub(super) fn cores(&self) -> (f64, f64) {
        let Costs { idle_us, exchange_us, passing, straight, .. } = self.costs;
        // The part that lands on another server, and what passing it on takes beside.
        let passed = (passing - 1.0) * (self.nodes - 1.0) / self.nodes;
        let by_carriers = if straight { 0.0 } else { passed };
        let idle = self.each() * idle_us * (1.0 + by_carriers);
        let exchanges = self.exchanges / self.nodes * exchange_us * (1.0 + passed + by_carriers);
        (idle / 1e6, exchanges / 1e6)
    }

    /// Commands in a second that the engine has of servers, and of sessions that are idle.
    pub(super) fn commands(&self) -> (f64, f64) {
        let renewals = self.nodes * self.costs.renewal / RENEWED.as_secs_f64();
        (renewals, self.sessions / REFRESHED_SECONDS * (1.0 + 1.0 / TOGETHER))
    }
}
