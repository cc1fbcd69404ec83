//! What keeps a node in the directory: its lease is renewed, its claims are kept, and the engine learns what has changed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};

use super::Shared;
use super::link::Live;
use super::scripts::{self, BATCH, LOOKED_AT, Registered, Right, Standing, Written};
use super::trouble::{APART, Part, Trouble};
use crate::cluster::Node;
use crate::cluster::claim::{read_node, write_node};
use crate::cluster::tenure::{ASK, LEASE, Peers, TICK, Tenure};

/// How soon what has failed is tried again.
const AGAIN: Duration = Duration::from_millis(500);

/// How often all claims are written, so that those of nobody go: a third of how long they are kept, and less.
const REFRESH: Duration = Duration::from_secs(180);

/// How many others are asked at a time whether they hear this node.
const COMPANY: usize = 8;

/// Keeps a node in the directory for as long as it runs.
#[must_use = "the node's lease ends within seconds where nothing runs it"]
pub struct Keeper {
    shared: Arc<Shared>,
    renewing: Renewing,
}

/// How far the engine knows what this node holds.
#[derive(Debug, Default)]
struct Renewing {
    /// The process that all of it was written to.
    written: Option<String>,
}

impl Keeper {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, renewing: Renewing::default() }
    }

    /// Runs until it is dropped.
    pub async fn run(self) -> Infallible {
        let Self { shared, renewing } = self;
        tokio::select! {
            never = ticks(&shared) => never,
            never = renewals(&shared, renewing) => never,
            never = company(&shared) => never,
            never = changes(&shared) => never,
            never = refreshes(&shared) => never,
            never = revocations(&shared) => never,
        }
    }
}

async fn ticks(shared: &Shared) -> Infallible {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let _ = ticks.tick().await;
        shared.tenure(Tenure::tick);
    }
}

async fn renewals(shared: &Shared, mut renewing: Renewing) -> Infallible {
    let mut next = Instant::now();
    // Until the engine knows that this node listens there.
    let mut begun = shared.address.to_string();
    loop {
        tokio::select! {
            () = sleep_until(next) => {}
            () = shared.load_changed.notified() => {}
        }
        next = Instant::now() + LEASE / 3;
        let renewed = renewing.renew(shared, &begun).await;
        if renewed.is_ok() {
            begun.clear();
        }
        match renewed {
            Ok(()) if shared.may_answer() => shared.counts.renewals.add(),
            Ok(()) => next = Instant::now() + AGAIN,
            Err(trouble) => {
                shared.counts.failed_renewals.add();
                shared.tenure(Tenure::failed);
                shared.troubles.set(Part::Engine, Some(trouble));
                next = Instant::now() + AGAIN;
            }
        }
        shared.forget_unreadable();
    }
}

impl Renewing {
    /// Renews the lease, and writes again what is held where the engine may have forgotten it: only then does the lease count, from
    /// when it was asked for.
    async fn renew(&mut self, shared: &Shared, begun: &str) -> Result<(), Trouble> {
        let live = shared.link.connected().await?;
        let sent = Instant::now();
        let entry = write_node(&shared.me());
        let prefixes = shared.held.some(LOOKED_AT);
        let said = scripts::register(&shared.link, &live, shared.id, &entry, begun, &prefixes).await?;
        let peers = shared.learn(&said);
        if !said.kept || said.amiss || self.written.as_ref() != Some(&live.run) {
            let was_written = self.written.take().is_some();
            if was_written && !said.kept {
                shared.counts.leases_lost.add();
            }
            let right = if shared.may_answer() { Right::Held } else { Right::Lapsed };
            // Whoever could answer all the time comes first.
            if right == Right::Lapsed && !said.young.is_zero() && begun.is_empty() {
                return Ok(());
            }
            shared.revoked.forgotten().await;
            shared.write_all(&live, right).await?;
            self.written = Some(live.run.clone());
        }
        shared.tenure(|tenure, now| tenure.confirmed(sent, peers, now));
        shared.confirmed.send_replace(());
        shared.troubles.set(Part::Engine, None);
        shared.read_revoked(said.revision).await
    }
}

impl Shared {
    /// Keeps what a renewal says of the others, and whether there are any.
    fn learn(&self, said: &Registered) -> Peers {
        let mut nodes = Vec::with_capacity(said.nodes.len());
        for (id, entry) in &said.nodes {
            match read_node(id, entry) {
                Ok(node) => nodes.push(node),
                Err(_) => self.is_unreadable("node", id),
            }
        }
        nodes.sort_by_key(|node: &Node| node.id);
        let peers = if nodes.iter().any(|node| node.id != self.id) { Peers::Known } else { Peers::None };
        self.nodes.read(nodes, Instant::now());
        let is_apart = (self.clock)().abs_diff(said.clock) > APART;
        self.troubles.set(Part::Clock, is_apart.then_some(Trouble::Apart));
        peers
    }

    /// Writes all that is held, and learns what is no longer.
    async fn write_all(&self, live: &Arc<Live>, right: Right) -> Result<(), Trouble> {
        let _writing = self.writing.write().await;
        for batch in self.held.all().chunks(BATCH) {
            let written = scripts::write(&self.link, live, self.id, right, self.highest(), batch).await?;
            let forgotten = || Trouble::Unreachable(live.run.clone(), "it has lost its memory meanwhile".to_owned());
            for (Standing { prefix, entry, .. }, written) in batch.iter().zip(written.ok_or_else(forgotten)?) {
                match written {
                    Written::Kept => {}
                    Written::Unreadable => self.is_unreadable("claim", prefix),
                    Written::Lost => {
                        self.counts.claims_lost.add();
                        self.held.lose(prefix, entry.fence);
                    }
                }
            }
        }
        Ok(())
    }

    async fn tell_changes(&self) -> Result<(), Trouble> {
        let _writing = self.writing.write().await;
        let live = self.link.connected_already()?;
        let mut changes = self.held.changes(self.id);
        while !changes.is_empty() {
            let rest = changes.split_off(changes.len().min(BATCH));
            if let Err(trouble) = scripts::change(&self.link, &live, &changes).await {
                self.held.keep(rest);
                self.held.keep(changes);
                return Err(trouble);
            }
            changes = rest;
        }
        Ok(())
    }

    /// Asks some of the others whether they hear this node, until one does.
    async fn ask_around(&self) {
        let asked = Instant::now();
        let nodes = self.nodes();
        let others = nodes.iter().filter(|node| node.id != self.id).take(COMPANY);
        let mut answers: FuturesUnordered<_> = others.map(|node| timeout(ASK, (self.ask)(node.clone()))).collect();
        while let Some(answer) = answers.next().await {
            if matches!(answer, Ok(true)) {
                self.tenure(|tenure, now| tenure.heard(asked, now));
                return;
            }
        }
    }
}

async fn company(shared: &Shared) -> Infallible {
    loop {
        sleep(AGAIN).await;
        if shared.tenure(|tenure, _| tenure.is_doubtful()) {
            shared.ask_around().await;
        }
    }
}

async fn changes(shared: &Shared) -> Infallible {
    loop {
        shared.held.changed.notified().await;
        while shared.tell_changes().await.is_err() {
            sleep(AGAIN).await;
        }
    }
}

async fn refreshes(shared: &Shared) -> Infallible {
    loop {
        sleep(REFRESH).await;
        let Some(live) = shared.link.live().filter(|_| shared.may_answer()) else { continue };
        // What fails shows at the next renewal.
        let _ = shared.write_all(&live, Right::Held).await;
    }
}

async fn revocations(shared: &Shared) -> Infallible {
    loop {
        shared.revoked.changed.notified().await;
        while shared.tell_revoked().await.is_err() {
            sleep(AGAIN).await;
        }
    }
}
