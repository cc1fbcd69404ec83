//! Which nodes there are, and which there were.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};

use super::{Shared, Unavailable, lock};
use crate::cluster::tenure::ASK;
use crate::cluster::{Node, NodeId};

/// For how long a node is known that is in the engine no more: it may have lost its lease, and live.
const FORMER: Duration = Duration::from_secs(120);

/// How soon the engine is asked once more which nodes there are, for all who ask for one that nobody knows.
const APART: Duration = Duration::from_millis(250);

/// How long the answer of a node that was is believed.
const VERDICT: Duration = Duration::from_secs(1);

/// All nodes, and those that were. Of these there are no more than begin within two minutes.
pub(super) struct Nodes {
    inner: Mutex<Inner>,
    /// Of those that were, which live.
    verdicts: Mutex<HashMap<NodeId, Arc<Verdict>>>,
}

/// Whether a node lives, and until when that is believed. Held while it is asked, so that it is asked once.
type Verdict = tokio::sync::Mutex<Option<(bool, Instant)>>;

struct Inner {
    all: Arc<[Node]>,
    read: Instant,
    former: HashMap<NodeId, (Node, Instant)>,
}

impl Nodes {
    pub(super) fn new() -> Self {
        let inner = Inner { all: Arc::new([]), read: Instant::now(), former: HashMap::new() };
        Self { inner: Mutex::new(inner), verdicts: Mutex::default() }
    }

    pub(super) fn all(&self) -> Arc<[Node]> {
        Arc::clone(&lock(&self.inner).all)
    }

    /// These are all, of whom some may be counted to have more sessions than they said.
    pub(super) fn count(&self, nodes: Vec<Node>) {
        lock(&self.inner).all = nodes.into();
    }

    /// The engine says that these are all.
    pub(super) fn read(&self, nodes: Vec<Node>, now: Instant) {
        let mut inner = lock(&self.inner);
        let all: Arc<[Node]> = nodes.into();
        let gone: Vec<Node> = inner.all.iter().filter(|&node| !is_among(&all, node.id)).cloned().collect();
        inner.former.retain(|id, (_, since)| !is_among(&all, *id) && now < *since + FORMER);
        inner.former.extend(gone.into_iter().map(|node| (node.id, (node, now))));
        lock(&self.verdicts).retain(|id, _| inner.former.contains_key(id));
        (inner.all, inner.read) = (all, now);
    }

    fn former(&self, id: NodeId) -> Option<Node> {
        lock(&self.inner).former.get(&id).map(|(node, _)| node.clone())
    }

    fn was_read(&self) -> Instant {
        lock(&self.inner).read
    }
}

fn is_among(nodes: &[Node], id: NodeId) -> bool {
    nodes.iter().any(|node| node.id == id)
}

impl Shared {
    /// The node of this id, which is not among those of now: one that was may live without its lease, and one that nobody knows
    /// may have come just now.
    pub(super) async fn news_of(&self, id: NodeId) -> Result<Option<Node>, Unavailable> {
        if let Some(node) = self.nodes.former(id) {
            return Ok(self.still_lives(&node).await.then_some(node));
        }
        let asked = Instant::now();
        sleep_until(self.nodes.was_read() + APART).await;
        let mut confirmed = self.confirmed.subscribe();
        while self.nodes.was_read() < asked {
            self.link.live().ok_or(Unavailable)?;
            self.load_changed.notify_one();
            timeout(ASK, confirmed.changed()).await.map_err(|_| Unavailable)?.map_err(|_| Unavailable)?;
        }
        Ok(self.nodes().iter().find(|node| node.id == id).cloned())
    }
}

impl Shared {
    /// Whether a former node lives, which it is asked once for all who want to know.
    async fn still_lives(&self, node: &Node) -> bool {
        let verdict = Arc::clone(lock(&self.nodes.verdicts).entry(node.id).or_default());
        let mut verdict = verdict.lock().await;
        if let Some((lives, until)) = *verdict
            && Instant::now() < until
        {
            return lives;
        }
        let lives = timeout(ASK, (self.ask)(node.clone())).await.is_ok_and(|lives| lives);
        *verdict = Some((lives, Instant::now() + VERDICT));
        lives
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt as _;
    use futures_util::future::join_all;

    use super::super::{Ask, Directory, Settings};
    use super::*;

    fn node(id: u8) -> Node {
        let address = ([127, 0, 0, 1], u16::from(id)).into();
        Node { id: NodeId::from_random([id; 8]), address, url: None, sessions: 0, draining: false }
    }

    #[tokio::test(start_paused = true)]
    async fn a_former_node_is_asked_once_for_all() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        // It neither answers nor refuses.
        let ask: Ask = Arc::new(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            std::future::pending().boxed()
        });
        let (engine, me) = ("redis://127.0.0.1:1".parse().unwrap(), node(1));
        let (Directory(shared), _) = Directory::join(Settings { engine, me, clock: || 0, ask });
        shared.nodes.read(vec![node(1), node(2), node(3)], Instant::now());
        shared.nodes.read(vec![node(1)], Instant::now());
        let ask_for_them = async || {
            let begin = Instant::now();
            let told = join_all((0..200).map(|number| shared.news_of(node(2 + number % 2).id))).await;
            assert!(told.iter().all(|told| *told == Ok(None)));
            (asked.load(Ordering::Relaxed), begin.elapsed())
        };
        // Both at once, and once each.
        assert_eq!([ask_for_them().await, ask_for_them().await], [(2, ASK), (2, Duration::ZERO)]);
        tokio::time::advance(VERDICT).await;
        assert_eq!(ask_for_them().await, (4, ASK));
    }

    #[test]
    fn a_node_that_is_gone_is_known_for_a_while() {
        let (nodes, zero) = (Nodes::new(), Instant::now());
        nodes.read(vec![node(1), node(2)], zero);
        assert_eq!(nodes.former(node(2).id), None);
        nodes.read(vec![node(1)], zero);
        assert_eq!(nodes.former(node(2).id), Some(node(2)));
        nodes.read(vec![node(1)], zero + FORMER / 2);
        assert_eq!(nodes.former(node(2).id), Some(node(2)));
        nodes.read(vec![node(2)], zero + FORMER / 2);
        assert_eq!((nodes.former(node(1).id), nodes.former(node(2).id)), (Some(node(1)), None));
        nodes.read(vec![node(2)], zero + FORMER * 2);
        assert_eq!(nodes.former(node(1).id), None);
    }
}
