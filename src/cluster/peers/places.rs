//! The places that nodes have here, one for each of their connections. A node that has one never keeps another from its first.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::cluster::NodeId;

/// How many connections of nodes there may be: those beyond are closed, and who wanted one for another thread goes by what it has.
pub(super) const MAX_CONNECTIONS: usize = 1_024;

/// How many of them may be another than the first of its node.
const MAX_FURTHER: usize = MAX_CONNECTIONS * 3 / 4;

/// How many each node has.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<HashMap<NodeId, usize>>);

/// A place that a node has until it is dropped.
#[derive(Debug)]
pub(super) struct Place<'a> {
    places: &'a Places,
    node: NodeId,
}

impl Places {
    /// One more for a node. None where there are too many.
    pub(super) fn enter(&self, node: NodeId) -> Option<Place<'_>> {
        let mut places = self.lock();
        let taken: usize = places.values().sum();
        let most = if places.contains_key(&node) { MAX_FURTHER } else { MAX_CONNECTIONS };
        if taken >= most {
            return None;
        }
        *places.entry(node).or_default() += 1;
        Some(Place { places: self, node })
    }

    // Held for a look, never across an await.
    fn lock(&self) -> MutexGuard<'_, HashMap<NodeId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut places = self.places.lock();
        if let Some(count) = places.get_mut(&self.node) {
            *count -= 1;
            if *count == 0 {
                places.remove(&self.node);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(number: usize) -> NodeId {
        NodeId::from_random(number.to_le_bytes())
    }

    #[test]
    fn a_first_connection_finds_a_place_where_a_further_one_does_not() {
        let places = Places::default();
        let mut taken: Vec<_> = (0..MAX_FURTHER).map(|_| places.enter(node(0)).unwrap()).collect();
        assert!(places.enter(node(0)).is_none());
        taken.extend((1..=MAX_CONNECTIONS - MAX_FURTHER).map(|number| places.enter(node(number)).unwrap()));
        assert!(places.enter(node(1)).is_none() && places.enter(node(MAX_CONNECTIONS)).is_none());
        taken.pop();
        assert!(places.enter(node(1)).is_none());
        taken.push(places.enter(node(MAX_CONNECTIONS)).unwrap());
        taken.clear();
        assert!(places.lock().is_empty());
    }
}
