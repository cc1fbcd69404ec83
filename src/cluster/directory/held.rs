//! What this node holds, and what the engine has yet to learn of it.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::scripts::{self, Change, KEPT, LONGEST_MOVING, MOVING, Standing};
use crate::cluster::NodeId;
use crate::cluster::claim::{Entry, Fence, State};
use crate::wire::Prefix;

/// A prefix that is this node's, until it is dropped, or lost.
pub struct Claim {
    prefix: Prefix,
    fence: Fence,
    lost: CancellationToken,
    held: Arc<Held>,
}

impl Claim {
    /// Which claim of its prefix it is.
    #[must_use]
    pub fn fence(&self) -> Fence {
        self.fence
    }

    /// Anybody may have it from now on, and visitors of it wait, on whatever node. That is so for as long as the `patience` of whoever
    /// had it for its client, and for 15 s at least. The engine is told soon.
    pub fn moving(&self, patience: Duration) {
        self.held.give_away(&self.prefix, self.fence, patience);
    }

    /// Whether it is this node's, and was neither given away nor lost.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.held.stands(&self.prefix, self.fence)
    }

    /// Returns once another node has it by a higher fence. Nothing but that ends this wait, and cancelling it is harmless.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Claim({}, {})", self.prefix, self.fence)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.held.give_up(&self.prefix, self.fence);
    }
}

/// All that is held.
#[derive(Default)]
pub(super) struct Held {
    state: Mutex<Inner>,
    /// Somebody has left something to tell.
    pub(super) changed: Notify,
}

/// The changes are bounded by what was held, with two for each claim, and by the claims whose answer did not come.
#[derive(Default)]
struct Inner {
    claims: BTreeMap<Prefix, Mine>,
    /// The last of those that were looked at.
    looked_at: Option<Prefix>,
    changes: Vec<Change>,
    /// Prefixes that are being claimed.
    pending: HashSet<Prefix>,
    /// Those of which nobody knows whether they were given to this node.
    doubtful: HashSet<Prefix>,
}

struct Mine {
    entry: Entry,
    /// How long the engine keeps it.
    kept: Duration,
    lost: CancellationToken,
}

impl Held {
    pub(super) fn has(&self, prefix: &str) -> bool {
        self.state().claims.contains_key(prefix)
    }

    fn stands(&self, prefix: &Prefix, fence: Fence) -> bool {
        let state = self.state();
        let mine = state.claims.get(prefix);
        mine.is_some_and(|mine| mine.entry.fence == fence && mine.entry.state == State::Held)
    }

    /// Begins to claim a prefix, unless this node has it or is about to.
    pub(super) fn begin(self: &Arc<Self>, prefix: &Prefix) -> Option<Pending> {
        let mut state = self.state();
        let is_free = !state.claims.contains_key(prefix) && state.pending.insert(prefix.clone());
        is_free.then(|| Pending { prefix: prefix.clone(), is_asked: false, held: Arc::clone(self) })
    }

    fn give_away(&self, prefix: &Prefix, fence: Fence, patience: Duration) {
        let mut state = self.state();
        let Some(mine) = state.claims.get_mut(prefix).filter(|mine| mine.entry.fence == fence) else { return };
        if mine.entry.state == State::Moving {
            return;
        }
        let mut change = change(prefix, &mine.entry);
        mine.entry.state = State::Moving;
        mine.kept = patience.clamp(MOVING, LONGEST_MOVING);
        change.next = Some((mine.entry.clone(), mine.kept));
        state.changes.push(change);
        drop(state);
        self.changed.notify_one();
    }

    fn give_up(&self, prefix: &Prefix, fence: Fence) {
        let mut state = self.state();
        if state.claims.get(prefix).is_none_or(|mine| mine.entry.fence != fence) {
            return;
        }
        let mine = state.claims.remove(prefix).expect("it is there");
        // What was given away stays so until somebody has it, for its visitors wait.
        if mine.entry.state == State::Held {
            state.changes.push(change(prefix, &mine.entry));
            drop(state);
            self.changed.notify_one();
        }
    }

    /// Another has it.
    pub(super) fn lose(&self, prefix: &str, fence: Fence) {
        let mut state = self.state();
        if state.claims.get(prefix).is_some_and(|mine| mine.entry.fence == fence) {
            let mine = state.claims.remove(prefix).expect("it is there");
            mine.lost.cancel();
        }
    }

    pub(super) fn all(&self) -> Vec<Standing> {
        let standing = |(prefix, mine): (&Prefix, &Mine)| Standing {
            prefix: prefix.to_string(),
            entry: mine.entry.clone(),
            kept: mine.kept,
        };
        self.state().claims.iter().map(standing).collect()
    }

    /// Some of the prefixes that are held and not given away: all of them in turn.
    pub(super) fn some(&self, most: usize) -> Vec<String> {
        let mut state = self.state();
        let Inner { claims, looked_at, .. } = &mut *state;
        let rest = looked_at.as_ref().map(|last| (Bound::Excluded(last), Bound::Unbounded));
        let (rest, first) = (rest.map(|rest| claims.range::<Prefix, _>(rest)), claims.range::<Prefix, _>(..));
        let in_turn = rest.into_iter().flatten().chain(first).take(claims.len());
        let held = in_turn.filter(|(_, mine)| mine.entry.state == State::Held).take(most);
        let some: Vec<Prefix> = held.map(|(prefix, _)| prefix.clone()).collect();
        *looked_at = some.last().cloned();
        some.iter().map(ToString::to_string).collect()
    }

    /// What the engine is to be told, `me` being this node. What is being claimed is left for later.
    pub(super) fn changes(&self, me: NodeId) -> Vec<Change> {
        let mut state = self.state();
        let mut changes = std::mem::take(&mut state.changes);
        let Inner { claims, pending, doubtful, .. } = &mut *state;
        for prefix in doubtful.extract_if(|prefix| !pending.contains(prefix)) {
            if !claims.contains_key(&prefix) {
                changes.push(Change {
                    prefix: prefix.to_string(),
                    entry: me.to_string(),
                    next: None,
                    who: String::new(),
                });
            }
        }
        changes
    }

    /// It could not be told.
    pub(super) fn keep(&self, mut changes: Vec<Change>) {
        let mut state = self.state();
        changes.append(&mut state.changes);
        state.changes = changes;
    }

    fn state(&self) -> MutexGuard<'_, Inner> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn change(prefix: &Prefix, entry: &Entry) -> Change {
    Change { prefix: prefix.to_string(), entry: entry.to_string(), next: None, who: scripts::who(entry).to_owned() }
}

/// A prefix that is being claimed. Where that ends in any way but an answer, the engine may have given it, and is told otherwise.
pub(super) struct Pending {
    prefix: Prefix,
    is_asked: bool,
    held: Arc<Held>,
}

impl Pending {
    /// The engine is about to be asked.
    pub(super) fn asks(&mut self) {
        self.is_asked = true;
    }

    /// It has given nothing.
    pub(super) fn answered(&mut self) {
        self.is_asked = false;
    }

    /// It has given the prefix, as `entry` says.
    pub(super) fn granted(mut self, entry: Entry) -> Claim {
        self.is_asked = false;
        let (fence, lost) = (entry.fence, CancellationToken::new());
        self.held.state().claims.insert(self.prefix.clone(), Mine { entry, kept: KEPT, lost: lost.clone() });
        Claim { prefix: self.prefix.clone(), fence, lost, held: Arc::clone(&self.held) }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let mut state = self.held.state();
        state.pending.remove(&self.prefix);
        if self.is_asked {
            state.doubtful.insert(self.prefix.clone());
        }
        let is_due = state.doubtful.contains(&self.prefix);
        drop(state);
        if is_due {
            self.held.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_are_looked_at_in_turn(count in 0_usize..20, most in 1_usize..8, given_away in 0_usize..20) {
            let held = Arc::<Held>::default();
            let claim = |at: usize| {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
                let (node, hold) = (NodeId::from_random([1; 8]), Duration::ZERO);
                let entry = Entry { node, address, fence: Fence(1), state: State::Held, hold, who: None };
                held.begin(&format!("p-{at}").parse().unwrap()).unwrap().granted(entry)
            };
            let claims: Vec<Claim> = (0..count).map(claim).collect();
            claims.iter().take(given_away).for_each(|claim| claim.moving(Duration::ZERO));
            let wanted: HashSet<String> = claims.iter().skip(given_away).map(|claim| claim.prefix.to_string()).collect();
            let mut seen = HashSet::new();
            for _ in 0..wanted.len().div_ceil(most) {
                let some = held.some(most);
                prop_assert_eq!(some.len(), most.min(wanted.len()));
                seen.extend(some);
            }
            prop_assert_eq!(seen, wanted);
        }
    }
}
