//! What was found of prefixes, for as long as it is worth knowing: bounded, and by the clock that it is given. Pure.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

/// How many holders are known.
const MAX_KNOWN: usize = 65_536;

/// How many prefixes are known for a moment to have no holder that answers.
const MAX_BRIEF: usize = 4096;

/// How long that counts, for a tunnel may be opened at any time.
const BRIEF: Duration = Duration::from_millis(500);

/// Answers by prefix: who holds one is known until somebody says otherwise, for the holder itself decides; that nobody does, for a
/// moment.
#[derive(Debug)]
pub(super) struct Cache<T> {
    known: Bounded<T>,
    brief: Bounded<(T, Instant)>,
}

impl<T: Clone> Cache<T> {
    pub(super) fn new() -> Self {
        Self { known: Bounded::new(MAX_KNOWN), brief: Bounded::new(MAX_BRIEF) }
    }

    pub(super) fn find(&self, prefix: &str, now: Instant) -> Option<T> {
        let brief = || self.brief.find(prefix).filter(|(_, until)| now < *until).map(|(found, _)| found.clone());
        self.known.find(prefix).cloned().or_else(brief)
    }

    /// It has a holder, for good.
    pub(super) fn know(&mut self, prefix: &str, found: T) {
        self.brief.remove(prefix);
        self.known.insert(prefix, found);
    }

    /// It has none that answers, at `now`.
    pub(super) fn know_briefly(&mut self, prefix: &str, found: T, now: Instant) {
        self.known.remove(prefix);
        self.brief.insert(prefix, (found, now + BRIEF));
    }

    pub(super) fn forget(&mut self, prefix: &str) {
        self.known.remove(prefix);
        self.brief.remove(prefix);
    }
}

/// A map that makes room by forgetting what came first.
#[derive(Debug)]
struct Bounded<T> {
    most: usize,
    entries: HashMap<String, (T, u64)>,
    /// In the order in which they came, with those that are there no more.
    order: VecDeque<(String, u64)>,
    count: u64,
}

impl<T> Bounded<T> {
    fn new(most: usize) -> Self {
        Self { most, entries: HashMap::new(), order: VecDeque::new(), count: 0 }
    }

    fn find(&self, prefix: &str) -> Option<&T> {
        self.entries.get(prefix).map(|(found, _)| found)
    }

    fn insert(&mut self, prefix: &str, found: T) {
        self.count += 1;
        self.entries.insert(prefix.to_owned(), (found, self.count));
        self.order.push_back((prefix.to_owned(), self.count));
        while self.entries.len() > self.most || self.order.len() > 2 * self.most {
            let Some((oldest, count)) = self.order.pop_front() else { return };
            if self.entries.get(&oldest).is_some_and(|entry| entry.1 == count) {
                self.entries.remove(&oldest);
            }
        }
    }

    fn remove(&mut self, prefix: &str) {
        self.entries.remove(prefix);
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_known_and_for_how_long() {
        let (mut cache, now) = (Cache::new(), Instant::now());
        cache.know("app", 1);
        cache.know_briefly("none", 2, now);
        let later = now + BRIEF;
        assert_eq!(
            [cache.find("app", later), cache.find("none", now), cache.find("none", later)],
            [Some(1), Some(2), None]
        );
        cache.know_briefly("app", 3, now);
        assert_eq!([cache.find("app", now), cache.find("app", later)], [Some(3), None]);
        cache.know("none", 4);
        cache.forget("none");
        assert_eq!(cache.find("none", now), None);
    }

    proptest! {
        #[test]
        fn no_more_than_its_bound_and_the_last_of_each(steps in vec((0_u8..12, any::<bool>()), 0..200)) {
            let mut bounded = Bounded::new(4);
            let mut last: Vec<(u8, usize)> = Vec::new();
            for (step, (prefix, is_kept)) in steps.into_iter().enumerate() {
                last.retain(|entry| entry.0 != prefix);
                if is_kept {
                    bounded.insert(&prefix.to_string(), step);
                    last.push((prefix, step));
                } else {
                    bounded.remove(&prefix.to_string());
                }
                prop_assert!(bounded.entries.len() <= 4 && bounded.order.len() <= 8);
                prop_assert!(!is_kept || bounded.find(&prefix.to_string()) == Some(&step));
                for (prefix, found) in &bounded.entries {
                    prop_assert!(last.iter().any(|(of, step)| of.to_string() == *prefix && found.0 == *step));
                }
            }
        }
    }
}
