//! How long a direction pauses between two carriers: not at all while they do their work, and ever longer where they fail,
//! or end at once and in order and bring nothing, as something on the way may have them do. Knows neither carriers nor
//! clocks.

use std::time::Duration;

use super::super::backoff::Backoff;

/// How a carrier came out that did not end the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Another takes its place, as was meant.
    Replaced,
    /// It ended in order, and has brought something.
    Worked,
    /// It ended in order, and had nothing in it.
    Empty,
    /// It failed.
    Failed,
}

/// What has been paused so far.
pub(super) struct Pauses {
    failed: Backoff,
    emptied: Backoff,
}

impl Default for Pauses {
    fn default() -> Self {
        Self { failed: Backoff::returning(), emptied: Backoff::emptied() }
    }
}

impl Pauses {
    /// The pause after a carrier. One that has done its work, or has at least lived for long, is no sign that the next one
    /// will not, however it came out. `random` is from 0 to 1.
    pub(super) fn next(&mut self, outcome: Outcome, is_no_sign: bool, random: f64) -> Duration {
        if is_no_sign || matches!(outcome, Outcome::Replaced | Outcome::Worked) {
            *self = Self::default();
        }
        match outcome {
            Outcome::Replaced | Outcome::Worked => Duration::ZERO,
            Outcome::Empty if is_no_sign => Duration::ZERO,
            Outcome::Empty => self.emptied.next(random),
            Outcome::Failed => self.failed.next(random),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome::{Empty, Failed, Replaced, Worked};
    use super::*;

    /// The longest pauses after carriers that came out so, in milliseconds.
    #[track_caller]
    fn check(carriers: &[(Outcome, bool)], expected: &[u128]) {
        let mut pauses = Pauses::default();
        let waits = carriers.iter().map(|(outcome, is_no_sign)| pauses.next(*outcome, *is_no_sign, 1.0).as_millis());
        assert_eq!(waits.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_works_is_followed_at_once_and_what_does_not_ever_later() {
        check(&[(Worked, false); 3], &[0, 0, 0]);
        check(&[(Empty, true); 3], &[0, 0, 0]);
        check(&[(Empty, false); 9], &[10, 20, 40, 80, 160, 320, 640, 1_000, 1_000]);
        check(&[(Failed, false); 4], &[0, 500, 1_000, 2_000]);
        check(&[(Failed, true); 3], &[0, 0, 0]);
        check(&[(Empty, false), (Empty, false), (Worked, false), (Empty, false)], &[10, 20, 0, 10]);
        check(&[(Empty, false), (Replaced, false), (Empty, false)], &[10, 0, 10]);
        // Failures and empty answers in turn are no recovery from either.
        check(&[(Failed, false), (Empty, false), (Failed, false), (Empty, false)], &[0, 10, 500, 20]);
    }
}
