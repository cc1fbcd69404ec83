//! What the server has said of visitors who have waited for this client.

use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::header::HeaderMap;

use super::super::link::text;
use crate::wire::v2::{self, WAITS_HEADER};

/// The highest numbers that any answer has named: they only rise, and answers may overtake each other.
#[derive(Default)]
pub(super) struct Waits {
    waited: AtomicU64,
    in_vain: AtomicU64,
}

impl Waits {
    /// Takes note of what the head of an answer says, where it says anything that can be meant.
    pub(super) fn note(&self, headers: &HeaderMap) {
        if let Ok(v2::Waits { waited, in_vain }) = text(headers, WAITS_HEADER).parse() {
            self.waited.fetch_max(waited, Ordering::Relaxed);
            self.in_vain.fetch_max(in_vain, Ordering::Relaxed);
        }
    }

    pub(super) fn now(&self) -> v2::Waits {
        let number = |count: &AtomicU64| count.load(Ordering::Relaxed);
        v2::Waits { waited: number(&self.waited), in_vain: number(&self.in_vain) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_late_or_by_somebody_else_changes_nothing() {
        let waits = Waits::default();
        for (said, expected) in
            [("2 0", (2, 0)), ("5 1", (5, 1)), ("4 1", (5, 1)), ("", (5, 1)), ("x", (5, 1)), ("5 3", (5, 3))]
        {
            waits.note(&[(WAITS_HEADER.parse().unwrap(), said.parse().unwrap())].into_iter().collect());
            let v2::Waits { waited, in_vain } = waits.now();
            assert_eq!((waited, in_vain), expected, "{said}");
        }
    }
}
