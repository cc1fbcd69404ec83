//! Who has a prefix: looked up once for all who ask at the same time, and then known.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared as Common, WeakShared};
use tokio::time::Instant;

use super::scripts;
use super::{Directory, Shared};
use crate::cluster::Node;
use crate::cluster::claim::{Entry, Fence, State, read_node};

/// How many prefixes may be looked up at a time.
const MAX_LOOKUPS: usize = 256;

/// Who has a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nobody.
    Nobody,
    /// This node.
    Here,
    /// That node, which decides whether it has.
    At {
        /// It.
        node: Node,
        /// By which claim.
        fence: Fence,
        /// How long visitors wait while it does not answer.
        hold: Duration,
        /// Its lease is over: it is not there, or does not reach the engine.
        lapsed: bool,
    },
    /// Somebody will have it at once, and visitors wait for that.
    Moving {
        /// For so long.
        hold: Duration,
    },
    /// The directory has lost its memory, and whoever has it may not have said so yet.
    Unknown,
}

/// Nobody can say who has a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the engine is not reached")]
pub struct Unavailable;

type Looking = BoxFuture<'static, Result<Found, Unavailable>>;

/// What is being looked up.
#[derive(Default)]
pub(super) struct Lookups(HashMap<String, WeakShared<Looking>>);

impl Lookups {
    /// The look-up of `prefix` that is under way, else `look`; none where there are too many.
    fn join(&mut self, prefix: &str, look: impl FnOnce() -> Looking) -> Option<Common<Looking>> {
        if let Some(looking) = self.0.get(prefix).and_then(WeakShared::upgrade).filter(|it| it.peek().is_none()) {
            return Some(looking);
        }
        if self.0.len() >= MAX_LOOKUPS {
            self.0.retain(|_, looking| looking.upgrade().is_some_and(|it| it.peek().is_none()));
        }
        if self.0.len() >= MAX_LOOKUPS {
            return None;
        }
        let looking = look().shared();
        self.0.insert(prefix.to_owned(), looking.downgrade()?);
        Some(looking)
    }
}

impl Directory {
    /// Who has `prefix`, as far as is known; ends within a second. Cancelling it harms nobody else who asks.
    ///
    /// # Errors
    /// Where the engine is not reached, and nobody has asked before.
    pub async fn find(&self, prefix: &str) -> Result<Found, Unavailable> {
        self.0.counts.lookups.add();
        if self.0.held.has(prefix) {
            return Ok(Found::Here);
        }
        if let Some(found) = self.0.known(prefix) {
            self.0.counts.cache_hits.add();
            return Ok(found);
        }
        let looking = self.0.lookups().join(prefix, || look_up(Arc::downgrade(&self.0), prefix.to_owned()).boxed());
        looking.ok_or(Unavailable)?.await
    }

    /// What the other nodes say of `prefix` while the engine does not answer: that one of them has it, or that none does of those that
    /// answer. Whoever asks next is told the same.
    #[must_use]
    pub fn hear(&self, prefix: &str, holder: Option<(Node, Fence, Duration)>) -> Found {
        let mut cache = self.0.cache();
        let Some((node, fence, hold)) = holder else {
            cache.know_briefly(prefix, Found::Unknown, Instant::now());
            return Found::Unknown;
        };
        self.0.rises(fence);
        let found = Found::At { node, fence, hold, lapsed: false };
        cache.know(prefix, found.clone());
        found
    }

    /// What was found of `prefix` is no longer so: whoever had it by `fence`, or before, says that it has not.
    pub fn forget(&self, prefix: &str, fence: Fence) {
        let mut cache = self.0.cache();
        let is_newer =
            matches!(cache.find(prefix, Instant::now()), Some(Found::At { fence: known, .. }) if known > fence);
        if !is_newer {
            cache.forget(prefix);
        }
    }
}

/// It does not keep alive what it belongs to.
async fn look_up(shared: Weak<Shared>, prefix: String) -> Result<Found, Unavailable> {
    let shared = shared.upgrade().ok_or(Unavailable)?;
    let live = shared.link.live().ok_or(Unavailable)?;
    let answer = scripts::find(&shared.link, &live, &prefix).await.map_err(|_| Unavailable)?;
    let found = match answer {
        Ok((entry, node)) => shared.judge(&prefix, &entry, &node),
        Err(Duration::ZERO) => Found::Nobody,
        Err(_) => Found::Unknown,
    };
    match &found {
        Found::At { lapsed: false, .. } => shared.cache().know(&prefix, found.clone()),
        _ => shared.cache().know_briefly(&prefix, found.clone(), Instant::now()),
    }
    Ok(found)
}

impl Shared {
    /// What is known of a prefix. That a node has it is worth asking again where this is not among those that are there, and there
    /// is an engine to ask.
    fn known(&self, prefix: &str) -> Option<Found> {
        let found = self.cache().find(prefix, Instant::now())?;
        let Found::At { node, lapsed: false, .. } = &found else { return Some(found) };
        let is_there = self.nodes().iter().any(|other| other.id == node.id);
        (is_there || self.link.live().is_none()).then_some(found)
    }

    fn judge(&self, prefix: &str, entry: &str, node: &str) -> Found {
        let Ok(entry) = entry.parse::<Entry>() else {
            self.is_unreadable("claim", prefix);
            return Found::Nobody;
        };
        self.rises(entry.fence);
        match entry.state {
            State::Moving => Found::Moving { hold: entry.hold },
            // It was given up, or away, which the engine has yet to learn: at once it says which.
            State::Held if entry.node == self.id => Found::Moving { hold: entry.hold },
            State::Held => Found::At {
                node: read_node(&entry.node.to_string(), node).unwrap_or_else(|_| entry.holder()),
                fence: entry.fence,
                hold: entry.hold,
                lapsed: node.is_empty(),
            },
        }
    }
}
