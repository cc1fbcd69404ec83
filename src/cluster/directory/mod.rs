//! The directory: what the nodes have written into an engine, a Redis or Valkey, of who holds what. Knows no other node but by what
//! stands there, and by the question whether one lives, which it is given.

mod claiming;
mod counts;
mod engine;
mod held;
mod keeper;
mod link;
mod lookup;
mod nodes;
mod revoked;
mod scripts;
mod trouble;

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{Notify, RwLock, Semaphore, watch};
use tokio::time::Instant;
use url::Url;

use self::claiming::MAX_CLAIMS;
use self::held::Held;
use self::link::Link;
use self::lookup::Lookups;
use self::nodes::Nodes;
use self::revoked::Revoked;
use self::trouble::{Part, Troubles};
use super::cache::Cache;
use super::claim::Fence;
use super::place::place;
use super::tenure::Tenure;
use super::{Node, NodeId};

pub use self::claiming::Unclaimed;
pub use self::counts::{Count, Counts};
pub use self::engine::{Engine, InvalidEngine};
pub use self::held::Claim;
pub use self::keeper::Keeper;
pub use self::lookup::{Found, Unavailable};
pub use self::trouble::Trouble;

/// How long entries count as unreadable from the last one that was.
const UNREADABLE: Duration = Duration::from_secs(60);

/// Asks a node, at its own address, whether it lives: whether what answers there has its id.
pub type Ask = Arc<dyn Fn(Node) -> BoxFuture<'static, bool> + Send + Sync>;

/// What a node has to know to join.
pub struct Settings {
    /// Where the engine is. On TLS who is believed there is the machine's to say.
    pub engine: Engine,
    /// This node.
    pub me: Node,
    /// Seconds since 1970.
    pub clock: fn() -> u64,
    /// How others are asked.
    pub ask: Ask,
}

/// What the nodes know of each other; a handle, of which there may be many.
#[derive(Clone)]
pub struct Directory(Arc<Shared>);

struct Shared {
    id: NodeId,
    address: SocketAddr,
    url: Option<Url>,
    clock: fn() -> u64,
    ask: Ask,
    sessions: AtomicU64,
    draining: AtomicBool,
    link: Link,
    /// What `until` counts from.
    zero: Instant,
    tenure: Mutex<Tenure>,
    /// Until when the node may answer, in milliseconds; this is asked at each exchange.
    until: AtomicU64,
    confirmed: watch::Sender<()>,
    nodes: Nodes,
    held: Arc<Held>,
    /// Claims are asked for by those who read it, so that what is written of them is not older.
    writing: RwLock<()>,
    claiming: Semaphore,
    cache: Mutex<Cache<Found>>,
    lookups: Mutex<Lookups>,
    /// The highest fence that was seen.
    highest: AtomicU64,
    troubles: Troubles,
    unreadable: Mutex<Option<Instant>>,
    revoked: Revoked,
    load_changed: Notify,
    counts: Arc<Counts>,
}

impl Directory {
    /// A node of the directory, once the [`Keeper`] runs: it registers, as soon as the engine is there, and keeps it up.
    pub fn join(settings: Settings) -> (Self, Keeper) {
        let zero = Instant::now();
        let shared = Arc::new(Shared {
            id: settings.me.id,
            address: settings.me.address,
            url: settings.me.url,
            clock: settings.clock,
            ask: settings.ask,
            sessions: AtomicU64::new(settings.me.sessions),
            draining: AtomicBool::new(settings.me.draining),
            link: Link::new(settings.engine),
            zero,
            tenure: Mutex::new(Tenure::new(zero)),
            until: AtomicU64::new(0),
            confirmed: watch::Sender::new(()),
            nodes: Nodes::new(),
            held: Arc::default(),
            writing: RwLock::default(),
            claiming: Semaphore::new(MAX_CLAIMS),
            cache: Mutex::new(Cache::new()),
            lookups: Mutex::default(),
            highest: AtomicU64::new(0),
            troubles: Troubles::default(),
            unreadable: Mutex::default(),
            revoked: Revoked::default(),
            load_changed: Notify::new(),
            counts: Arc::default(),
        });
        let keeper = Keeper::new(Arc::clone(&shared));
        (Self(shared), keeper)
    }

    /// This node.
    #[must_use]
    pub fn me(&self) -> NodeId {
        self.0.id
    }

    /// All nodes, this one too, as of the last renewal.
    #[must_use]
    pub fn nodes(&self) -> Arc<[Node]> {
        self.0.nodes()
    }

    /// The node of this id, where there is one.
    ///
    /// # Errors
    /// Where nobody can say: it may have come just now, or be back at once.
    pub async fn node(&self, id: NodeId) -> Result<Option<Node>, Unavailable> {
        let known = |nodes: &[Node]| nodes.iter().find(|node| node.id == id).cloned();
        match known(&self.0.nodes()) {
            Some(node) => Ok(Some(node)),
            None => self.0.news_of(id).await,
        }
    }

    /// Whether this node may answer for what it holds, now. Each exchange asks it before it begins, and before its answer is given.
    #[must_use]
    pub fn may_answer(&self) -> bool {
        self.0.may_answer()
    }

    /// Returns once it may, however long that takes: whoever waits says for how long. Cancelling it is harmless.
    pub async fn confirmed(&self) {
        let mut confirmed = self.0.confirmed.subscribe();
        while !self.0.may_answer() && confirmed.changed().await.is_ok() {}
    }

    /// The node that the next session should be opened on, if that is another, by a number that nobody chose. It counts as opened
    /// there until more is known.
    #[must_use]
    pub fn place(&self, random: u64) -> Option<Node> {
        let mut counted = self.0.nodes().to_vec();
        let chosen = place(&self.0.me(), &counted, random)?;
        let node = counted.iter_mut().find(|node| node.id == chosen)?;
        node.sessions += 1;
        let node = node.clone();
        self.0.nodes.count(counted);
        Some(node)
    }

    /// How many sessions this node has; the others learn it with the next renewal.
    pub fn set_load(&self, sessions: u64) {
        self.0.sessions.store(sessions, Ordering::Relaxed);
    }

    /// This node is about to stop, which the others learn at once.
    pub fn set_draining(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
        self.0.load_changed.notify_one();
    }

    /// What is wrong, in a sentence.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.0.troubles.first().map(|trouble| trouble.to_string())
    }

    /// What has happened until now.
    #[must_use]
    pub fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.0.counts)
    }

    /// These lines are what this node wants revoked, in place of those before.
    pub fn revoke(&self, lines: BTreeSet<String>) {
        self.0.revoked.want(lines);
    }

    /// All that any node wants revoked, as it changes.
    #[must_use]
    pub fn revoked(&self) -> watch::Receiver<Arc<BTreeSet<String>>> {
        self.0.revoked.all()
    }

    /// How many opens of `address` have failed on all nodes within a minute, with `more` that have now.
    ///
    /// # Errors
    /// Where the engine is not reached.
    pub async fn failed_opens(&self, address: IpAddr, more: u64) -> Result<u64, Unavailable> {
        let live = self.0.link.live().ok_or(Unavailable)?;
        let count = scripts::failed_opens(&self.0.link, &live, &address.to_string(), more).await;
        count.map_err(|_| Unavailable)
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Directory({})", self.0.id)
    }
}

impl Shared {
    fn me(&self) -> Node {
        Node {
            id: self.id,
            address: self.address,
            url: self.url.clone(),
            sessions: self.sessions.load(Ordering::Relaxed),
            draining: self.draining.load(Ordering::Relaxed),
        }
    }

    fn nodes(&self) -> Arc<[Node]> {
        self.nodes.all()
    }

    fn may_answer(&self) -> bool {
        self.zero.elapsed() < Duration::from_millis(self.until.load(Ordering::Acquire))
    }

    /// Tells the tenure what has happened, and keeps what follows.
    fn tenure<T>(&self, happens: impl FnOnce(&mut Tenure, Instant) -> T) -> T {
        let mut tenure = lock(&self.tenure);
        let told = happens(&mut tenure, Instant::now());
        let until = tenure.until().saturating_duration_since(self.zero);
        self.until.store(u64::try_from(until.as_millis()).unwrap_or(0), Ordering::Release);
        told
    }

    fn rises(&self, fence: Fence) {
        self.highest.fetch_max(fence.0, Ordering::Relaxed);
    }

    fn highest(&self) -> u64 {
        self.highest.load(Ordering::Relaxed)
    }

    fn cache(&self) -> MutexGuard<'_, Cache<Found>> {
        lock(&self.cache)
    }

    fn lookups(&self) -> MutexGuard<'_, Lookups> {
        lock(&self.lookups)
    }

    /// What stands there for a `claim` or a `node` of this name nobody can read.
    fn is_unreadable(&self, kind: &str, name: &str) {
        *lock(&self.unreadable) = Some(Instant::now() + UNREADABLE);
        self.troubles.set(Part::Entries, Some(Trouble::Unreadable(format!("{{sendit}}:{kind}:{name}"))));
    }

    fn forget_unreadable(&self) {
        let mut unreadable = lock(&self.unreadable);
        if unreadable.is_some_and(|until| Instant::now() > until) {
            *unreadable = None;
            self.troubles.set(Part::Entries, None);
        }
    }
}

/// None of these locks is held across an await, and each value is whole at any time.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
