//! Those who have connected and proved nothing yet: so many may be there at a time, and the oldest makes room for a new one. So
//! strangers take no place of a node's, however many they are.

use std::collections::VecDeque;

use tokio_util::sync::CancellationToken;

/// How many there may be: all nodes of a large cluster may come at once, where one of them is new.
pub(super) const MAX_UNPROVED: usize = 256;

/// Each is here until its token is cancelled: by itself, once it has proved what it has to, or left; or because it has to go.
#[derive(Default)]
pub(super) struct Unproved(VecDeque<CancellationToken>);

impl Unproved {
    /// One more. The oldest has to go where there are too many.
    pub(super) fn enter(&mut self) -> CancellationToken {
        if self.0.len() >= MAX_UNPROVED {
            self.0.retain(|entered| !entered.is_cancelled());
        }
        if self.0.len() >= MAX_UNPROVED
            && let Some(oldest) = self.0.pop_front()
        {
            oldest.cancel();
        }
        let entered = CancellationToken::new();
        self.0.push_back(entered.clone());
        entered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_of_those_who_are_there_makes_room() {
        let mut unproved = Unproved::default();
        let entered: Vec<_> = (0..MAX_UNPROVED).map(|_| unproved.enter()).collect();
        assert!(!entered.iter().any(CancellationToken::is_cancelled));
        // One that is through has left room.
        entered[1].cancel();
        let next = unproved.enter();
        assert!(!entered[0].is_cancelled());
        unproved.enter();
        assert!(entered[0].is_cancelled() && !entered[2].is_cancelled());
        (0..MAX_UNPROVED - 2).for_each(|_| drop(unproved.enter()));
        assert!(entered.iter().all(CancellationToken::is_cancelled) && !next.is_cancelled());
        unproved.enter();
        assert!(next.is_cancelled());
    }
}
