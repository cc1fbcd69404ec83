//! For how long a node may answer for what it holds, as a pure value: it is told what happens, and when. Knows neither the engine nor
//! the other nodes.

use std::time::Duration;

use tokio::time::Instant;

/// How long a node's lease lasts in the engine, from when that is asked to renew it.
pub(super) const LEASE: Duration = Duration::from_secs(5);

/// How much earlier than the engine the node takes its lease for over: the two clocks may run apart by a tenth of it.
const MARGIN: Duration = Duration::from_millis(500);

/// How often the node shows itself that it is awake.
pub(super) const TICK: Duration = Duration::from_millis(250);

/// Two ticks further apart than that, and it was not. It has to be well below [`ASK`], for whoever is asked and frozen shorter than
/// that has to answer in time.
const AWAKE: Duration = Duration::from_millis(600);

/// How long a node that is asked whether it lives has to answer.
pub(super) const ASK: Duration = Duration::from_secs(1);

/// How long a node without the engine may hear nothing from any other.
const ALONE: Duration = Duration::from_secs(2);

/// How long a directory that was empty, or another engine, gives nobody anything that is new: whoever held something when it lost its
/// memory has written itself in again by then, or does not answer for it any longer.
pub(super) const YOUNG: Duration = LEASE;

/// A node's right to answer for what it holds. While its lease counts in the engine nobody else takes any of that. Once it is over
/// they ask the node first, so it may go on as long as it is awake to answer them. What has slept past its lease, or is cut off
/// from all, knows nothing of what was taken meanwhile, and waits for the engine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tenure {
    /// Until when the lease counts.
    sure: Instant,
    /// The last renewal failed by itself, which is no other than that nobody answered, or that the engine refused.
    failed: bool,
    /// It has been without its right since.
    lapsed: bool,
    ticked: Instant,
    heard: Option<Instant>,
    peers: Peers,
}

/// Whether the node knows of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peers {
    Known,
    None,
}

impl Tenure {
    /// One that begins with the first that the engine confirms.
    pub(super) fn new(now: Instant) -> Self {
        Self { sure: now, failed: false, lapsed: true, ticked: now, heard: None, peers: Peers::None }
    }

    /// The engine has renewed the lease, which it was asked at `sent`, and whatever it had forgotten of what the node holds was
    /// written again since.
    pub(super) fn confirmed(&mut self, sent: Instant, peers: Peers, now: Instant) {
        let sure = sent + LEASE - MARGIN;
        (self.sure, self.failed, self.lapsed, self.peers) = (sure, false, now >= sure, peers);
    }

    /// A renewal has come to nothing.
    pub(super) fn failed(&mut self, now: Instant) {
        self.look(now);
        self.failed = true;
    }

    /// The node is awake.
    pub(super) fn tick(&mut self, now: Instant) {
        self.look(now);
        self.ticked = now;
    }

    /// Some other node has answered what it was asked at `sent`.
    pub(super) fn heard(&mut self, sent: Instant, now: Instant) {
        self.look(now);
        self.heard = Some(sent);
    }

    /// Whether the others should be asked to answer.
    pub(super) fn is_doubtful(&self) -> bool {
        self.failed && self.peers == Peers::Known
    }

    /// Until when it may answer, if nothing happens.
    pub(super) fn until(&self) -> Instant {
        if self.lapsed || !self.failed {
            return self.sure;
        }
        let awake = self.ticked + AWAKE;
        let company = self.heard.map_or(self.sure, |heard| heard.max(self.sure)) + ALONE;
        let adrift = match self.peers {
            Peers::Known => awake.min(company),
            Peers::None => awake,
        };
        adrift.max(self.sure)
    }

    fn look(&mut self, now: Instant) {
        self.lapsed |= now >= self.until();
    }
}

#[cfg(test)]
mod model;

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens to a node whose lease was asked for and given at 0, at a time in ms.
    #[derive(Clone, Copy)]
    enum Event {
        Confirmed,
        Failed,
        /// Ticks every 250 ms from the time on, until the other.
        Awake(u64),
        Heard,
    }

    use Event::{Awake, Confirmed, Failed, Heard};

    #[track_caller]
    fn check(peers: Peers, events: &[(u64, Event)], until: u64) {
        let zero = Instant::now();
        let at = |ms| zero + Duration::from_millis(ms);
        let mut tenure = Tenure::new(zero);
        tenure.confirmed(zero, peers, zero);
        for &(ms, event) in events {
            match event {
                Confirmed => tenure.confirmed(at(ms), peers, at(ms)),
                Failed => tenure.failed(at(ms)),
                Awake(end) => (ms..=end).step_by(250).for_each(|ms| tenure.tick(at(ms))),
                Heard => tenure.heard(at(ms), at(ms)),
            }
        }
        assert_eq!((tenure.until() - zero).as_millis(), u128::from(until));
    }

    #[test]
    fn how_long_a_node_may_answer() {
        check(Peers::None, &[], 4500);
        check(Peers::None, &[(0, Awake(4000))], 4500);
        // The engine is away, and the node awake.
        check(Peers::None, &[(2000, Failed), (0, Awake(60_000))], 60_600);
        check(Peers::Known, &[(2000, Failed), (0, Awake(6000))], 6500);
        check(Peers::Known, &[(2000, Failed), (0, Awake(60_000))], 4500);
        check(Peers::Known, &[(2000, Failed), (0, Awake(6000)), (6000, Heard), (6250, Awake(7750))], 8000);
        // It slept past its lease, and nothing but the engine makes up for that.
        check(Peers::None, &[(2000, Failed), (0, Awake(4000)), (5250, Awake(8000))], 4500);
        check(Peers::Known, &[(2000, Failed), (0, Awake(6500)), (6600, Heard), (6750, Awake(8000))], 4500);
        check(Peers::None, &[(2000, Failed), (0, Awake(4000)), (5250, Awake(8000)), (8100, Confirmed)], 12_600);
        // It was asleep before that, which did no harm.
        check(Peers::None, &[(0, Awake(1000)), (2000, Failed), (4000, Awake(5000))], 5600);
    }
}
