//! What one follower has not been told yet, a pure value: however much happens, it is little, and what was too much is
//! told as missed.

use std::collections::{BTreeSet, VecDeque};

use crate::inspect::{Change, Id};

/// How many exchanges one batch may tell of; who misses some asks for the list.
const MAX_NEWS: usize = 1_024;

/// One thing to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// How it stands.
    Status,
    /// All were forgotten.
    Cleared,
    /// More happened than is told.
    Missed,
    /// It began, was answered, or ended.
    Exchange(Id),
    /// There are more messages.
    Said(Id),
}

/// What happened, and the batch that is being told.
#[derive(Debug, Default)]
pub(super) struct News {
    status: bool,
    cleared: bool,
    missed: bool,
    exchanges: BTreeSet<Id>,
    said: BTreeSet<Id>,
    batch: VecDeque<Item>,
}

impl News {
    /// Those of one who has just come.
    pub(super) fn starting() -> Self {
        Self { status: true, ..Self::default() }
    }

    pub(super) fn note(&mut self, change: Change) {
        match change {
            Change::Began(id) | Change::Answered(id) | Change::Ended(id) => drop(self.exchanges.insert(id)),
            Change::Said(id) => drop(self.said.insert(id)),
            Change::Cleared => {
                self.forget();
                self.cleared = true;
            }
        }
        if self.exchanges.len() + self.said.len() > MAX_NEWS {
            self.miss();
        }
    }

    /// More happened than anybody can tell.
    pub(super) fn miss(&mut self) {
        self.forget();
        self.missed = true;
    }

    /// It stands otherwise.
    pub(super) fn restate(&mut self) {
        self.status = true;
    }

    /// Whether nothing has happened.
    pub(super) fn is_quiet(&self) -> bool {
        !(self.status || self.cleared || self.missed) && self.exchanges.is_empty() && self.said.is_empty()
    }

    /// What happened until now is told from now on.
    pub(super) fn begin_batch(&mut self) {
        let flags = [(self.status, Item::Status), (self.cleared, Item::Cleared), (self.missed, Item::Missed)];
        self.batch.extend(flags.iter().filter(|(is_so, _)| *is_so).map(|(_, item)| item));
        self.batch.extend(self.exchanges.iter().copied().map(Item::Exchange));
        self.batch.extend(self.said.iter().copied().map(Item::Said));
        *self = Self { batch: std::mem::take(&mut self.batch), ..Self::default() };
    }

    /// The next of the batch.
    pub(super) fn next(&mut self) -> Option<Item> {
        self.batch.pop_front()
    }

    fn forget(&mut self) {
        self.exchanges.clear();
        self.said.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(news: &mut News) -> Vec<Item> {
        news.begin_batch();
        std::iter::from_fn(|| news.next()).collect()
    }

    #[test]
    fn many_changes_are_one() {
        let mut news = News::starting();
        for change in [Change::Began(2), Change::Began(1), Change::Said(1), Change::Said(1), Change::Ended(2)] {
            news.note(change);
        }
        assert_eq!(told(&mut news), [Item::Status, Item::Exchange(1), Item::Exchange(2), Item::Said(1)]);
        assert!(news.is_quiet());
        news.restate();
        assert!(!news.is_quiet());
        assert_eq!(told(&mut news), [Item::Status]);
    }

    #[test]
    fn what_was_before_is_not_told_after() {
        let mut news = News::default();
        for change in [Change::Began(1), Change::Said(1), Change::Cleared, Change::Began(2)] {
            news.note(change);
        }
        assert_eq!(told(&mut news), [Item::Cleared, Item::Exchange(2)]);
        news.note(Change::Began(3));
        news.miss();
        assert_eq!(told(&mut news), [Item::Missed]);
    }

    #[test]
    fn too_much_is_told_as_missed() {
        let mut news = News::default();
        for id in 1..=MAX_NEWS as Id {
            news.note(Change::Began(id));
        }
        assert!(!news.missed);
        news.note(Change::Said(1));
        news.note(Change::Began(9_999));
        assert_eq!(told(&mut news), [Item::Missed, Item::Exchange(9_999)]);
    }
}
