//! What a cluster takes for so many sessions and exchanges, from what one of each was measured to take. Sums, no events.

use super::fleet::RENEWED;

/// How often a claim is written again that goes on, in seconds.
const REFRESHED: f64 = 180.0;

/// What the engine is asked for, by servers and sessions that there are: commands, those inside scripts included, and µs.
/// Renewals of a server; a claim that is written again.
const RENEWAL: (f64, f64) = (15.0, 25.0);
const REFRESH: (f64, f64) = (6.0, 8.8);

/// µs of a renewal for each server that it reads, and for each claim that it looks at, of which there are so many at most.
const READ: f64 = 0.8;
const LOOKED_AT: f64 = 1.0;
const MOST_LOOKED_AT: f64 = 1_000.0;

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

    /// Commands in a second, and the part of a core, that the engine is asked for while nothing happens.
    pub(super) fn engine(&self) -> (f64, f64) {
        let (renewals, refreshes) = (self.nodes / RENEWED.as_secs_f64(), self.sessions / REFRESHED);
        let renewal = RENEWAL.1 + READ * self.nodes + LOOKED_AT * self.each().min(MOST_LOOKED_AT);
        let commands = renewals * RENEWAL.0 + refreshes * REFRESH.0;
        (commands, (renewals * renewal + refreshes * REFRESH.1) / 1e6)
    }
}
