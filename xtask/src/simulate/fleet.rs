//! The servers of a cluster as far as placement goes: what each carries, what each believes that the others carry, and where
//! one puts a session that it was asked for. Knows no client and no clock but the time that it is told.

use std::time::Duration;

use fastrand::Rng;

/// How long a server's lease counts that is not renewed.
pub(super) const LEASE: Duration = Duration::from_secs(5);

/// How often it is renewed, and the others' loads are read with it.
pub(super) const RENEWED: Duration = Duration::from_micros(1_666_666);

/// A session goes elsewhere only for as many sessions less at least, and for an eighth less: what `cluster::place` says.
const CLEARLY: u32 = 8;

/// Where a session goes that a server was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    /// Nowhere else.
    Home,
    /// To the server that had the fewest when it was last counted.
    Counted,
    /// The same, and what this server has passed there since is added.
    Passed,
    /// To the lesser of two others that are taken at random, by what was counted and passed since: as servers do it.
    TwoChoices,
}

/// Who they are, and what stands in the engine of them.
#[derive(Clone)]
pub(super) struct Fleet {
    policy: Policy,
    nodes: Vec<Node>,
    /// What each has said of itself last; nothing of one that is to be given none.
    engine: Vec<Option<u32>>,
    /// Whose renewal is next, and when.
    next: (usize, Duration),
}

#[derive(Clone)]
struct Node {
    sessions: u32,
    is_up: bool,
    /// What it believes that each has.
    view: Vec<Option<u32>>,
}

/// How evenly sessions lie, as shares of what each server would have if they lay evenly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Balance {
    pub(super) most: f64,
    pub(super) least: f64,
}

impl Fleet {
    /// So many servers that have nothing yet.
    pub(super) fn new(count: usize, policy: Policy) -> Self {
        let engine = vec![Some(0); count];
        let node = Node { sessions: 0, is_up: true, view: engine.clone() };
        Self { policy, nodes: vec![node; count], engine, next: (0, Duration::ZERO) }
    }

    /// How many servers there are, those included that are down.
    pub(super) fn count(&self) -> usize {
        self.nodes.len()
    }

    /// All sessions.
    pub(super) fn sessions(&self) -> u64 {
        self.up().map(|node| u64::from(node.sessions)).sum()
    }

    fn up(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.is_up)
    }

    /// How evenly they lie over the servers that are up.
    pub(super) fn balance(&self) -> Balance {
        let loads = || self.up().map(|node| node.sessions);
        let even = self.sessions() as f64 / loads().count() as f64;
        let share = |load: Option<u32>| f64::from(load.unwrap_or_default()) / even;
        Balance { most: share(loads().max()), least: share(loads().min()) }
    }

    /// Renewals until `now`, each of which tells the engine of one server and this one of the others. They are spread evenly.
    pub(super) fn renew_until(&mut self, now: Duration) {
        let pause = RENEWED / u32::try_from(self.count()).unwrap_or(u32::MAX);
        let (next, at) = &mut self.next;
        // Where nothing has happened, two turns tell everybody of everything.
        let turns = now.saturating_sub(*at).as_nanos() / RENEWED.as_nanos();
        *at += RENEWED * u32::try_from(turns.saturating_sub(2)).unwrap_or(u32::MAX);
        while *at <= now {
            let node = &mut self.nodes[*next];
            if node.is_up {
                self.engine[*next] = Some(node.sessions);
                node.view.clone_from(&self.engine);
            }
            *next = (*next + 1) % self.nodes.len();
            *at += pause;
        }
    }

    /// A server that the balancer gives a request to.
    pub(super) fn any(&self, rng: &mut Rng) -> usize {
        loop {
            let node = rng.usize(..self.count());
            if self.nodes[node].is_up {
                return node;
            }
        }
    }

    /// Where the server `asked` puts a session.
    pub(super) fn place(&mut self, asked: usize, rng: &mut Rng) -> usize {
        let mine = self.nodes[asked].sessions;
        let Some((load, other)) = self.other(asked, rng) else { return asked };
        // Whoever is not reached is not given it.
        if !self.nodes[other].is_up || load + CLEARLY.max(mine / 8) > mine {
            return asked;
        }
        if self.policy != Policy::Counted {
            self.nodes[asked].view[other] = Some(load + 1);
        }
        other
    }

    /// Who may have fewer, and how many the server `asked` believes that to be.
    fn other(&self, asked: usize, rng: &mut Rng) -> Option<(u32, usize)> {
        let count = self.count();
        let view = &self.nodes[asked].view;
        match self.policy {
            Policy::Home => None,
            Policy::Counted | Policy::Passed => {
                let mut fewest: Option<(u32, usize)> = None;
                // From the next one on, so that not all choose the same of those who have equally few.
                for node in (asked + 1..count).chain(0..asked) {
                    if let Some(load) = view[node]
                        && fewest.is_none_or(|(least, _)| load < least)
                    {
                        fewest = Some((load, node));
                    }
                }
                fewest
            }
            Policy::TwoChoices => {
                let ready = (0..count).filter(|node| *node != asked);
                let ready: Vec<_> = ready.filter_map(|node| Some((view[node]?, node))).collect();
                let two = rng.choose_multiple(&ready, 2);
                two.into_iter().min_by_key(|(load, _)| *load).copied()
            }
        }
    }

    /// A session begins at `node`.
    pub(super) fn take(&mut self, node: usize) {
        self.nodes[node].sessions += 1;
    }

    /// `node` is gone, and so are as many sessions.
    pub(super) fn stop(&mut self, node: usize) -> u32 {
        self.engine[node] = None;
        self.nodes[node].is_up = false;
        std::mem::take(&mut self.nodes[node].sessions)
    }

    /// `node` is back, without any.
    pub(super) fn start(&mut self, node: usize) {
        self.engine[node] = Some(0);
        self.nodes[node].is_up = true;
        self.nodes[node].view.clone_from(&self.engine);
    }
}
