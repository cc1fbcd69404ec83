//! What happens to a cluster: it grows, is restarted server by server, loses one or a whole zone. Each is one run of clients on
//! their way back; from one to the next the servers keep what they have.

use std::time::Duration;

use fastrand::Rng;

use super::fleet::{Balance, Fleet, LEASE, Policy, RENEWED};
use super::reopening::{Ability, Jitter, Outcome, Reopening};

/// In which all sessions come that there are to be.
const GROWTH: Duration = Duration::from_secs(5 * 60);

/// From the moment that a server's sessions are back elsewhere until it is up again: it waits for the balancer, and starts.
const RESTART: Duration = Duration::from_secs(12);

/// How long all is left alone after anything, so that what each has is known to all.
const REST: Duration = Duration::from_secs(5);

/// A machine that is gone refuses nothing: the balancer asks after each connection that has been silent for 2 s, and gives it
/// up as much later, as `dist/proxies/haproxy-cluster.cfg` says.
const UNNOTICED: Duration = Duration::from_secs(2);

/// What may happen to one that has grown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upheaval {
    /// A server stops in order: its clients are told, and anybody may have its prefixes.
    Drain,
    /// A process dies, and its machine says so to whoever calls.
    Death,
    /// All servers of a zone are silent.
    Zone,
}

/// What clients speak. Those of v1 know no session without its carriers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    V1,
    V2,
}

/// A cluster over time.
#[derive(Clone)]
pub(super) struct Life<'a> {
    pub(super) fleet: Fleet,
    now: Duration,
    zones: usize,
    ability: &'a Ability,
    rng: Rng,
}

impl<'a> Life<'a> {
    /// So many servers, shared out over so many zones, without a session.
    pub(super) fn new(nodes: usize, zones: usize, policy: Policy, ability: &'a Ability, seed: u64) -> Self {
        Self { fleet: Fleet::new(nodes, policy), now: Duration::ZERO, zones, ability, rng: Rng::with_seed(seed) }
    }

    /// How sessions lie.
    pub(super) fn balance(&self) -> Balance {
        self.fleet.balance()
    }

    /// Sessions come one by one.
    pub(super) fn grow(&mut self, sessions: u32) {
        let mut reopening = Reopening::new(&mut self.fleet, self.now, self.ability, Jitter::Random, &mut self.rng);
        reopening.come(sessions, GROWTH);
        let outcome = reopening.run();
        self.pass(&outcome, REST);
    }

    /// Sessions are there, and lie evenly.
    pub(super) fn settle(&mut self, sessions: u32) {
        (0..sessions as usize).for_each(|session| self.fleet.take(session % self.fleet.count()));
        self.now += REST;
    }

    /// Each server is restarted, one after the other; what the busiest was given in a second.
    pub(super) fn roll(&mut self) -> f64 {
        let mut busiest = 0.0_f64;
        for node in 0..self.fleet.count() {
            let outcome = self.lose(&[node], Upheaval::Drain, Wire::V2, Jitter::Random);
            busiest = busiest.max(outcome.busiest);
            self.pass(&outcome, RESTART);
            self.fleet.start(node);
            self.now += REST;
        }
        busiest
    }

    /// What is gone by that stays gone.
    pub(super) fn meet(&mut self, upheaval: Upheaval, wire: Wire, jitter: Jitter) -> Outcome {
        let gone: Vec<usize> = match upheaval {
            Upheaval::Drain | Upheaval::Death => vec![self.fleet.any(&mut self.rng)],
            Upheaval::Zone => (0..self.fleet.count()).step_by(self.zones).collect(),
        };
        let outcome = self.lose(&gone, upheaval, wire, jitter);
        self.pass(&outcome, REST);
        outcome
    }

    fn lose(&mut self, gone: &[usize], upheaval: Upheaval, wire: Wire, jitter: Jitter) -> Outcome {
        self.fleet.renew_until(self.now);
        let lost: Vec<u32> = gone.iter().map(|node| self.fleet.stop(*node)).collect();
        let mut chance = self.rng.fork();
        let mut reopening = Reopening::new(&mut self.fleet, self.now, self.ability, jitter, &mut self.rng);
        for sessions in lost {
            // The last renewal was a while ago.
            let lease = LEASE.saturating_sub(RENEWED.mul_f64(chance.f64()));
            for _ in 0..sessions {
                let noticed = match upheaval {
                    Upheaval::Drain | Upheaval::Death => Duration::ZERO,
                    Upheaval::Zone => UNNOTICED.mul_f64(1.0 + chance.f64()),
                };
                match (upheaval, wire) {
                    (Upheaval::Drain, _) => reopening.told(noticed, Duration::ZERO),
                    (_, Wire::V1) => reopening.told(noticed, lease),
                    (_, Wire::V2) => reopening.cut(noticed, lease),
                }
            }
        }
        reopening.run()
    }

    fn pass(&mut self, outcome: &Outcome, rest: Duration) {
        self.now += outcome.back(100) + rest;
    }
}
