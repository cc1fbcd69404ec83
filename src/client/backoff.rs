//! How long to wait before the next try. Pure: the random number is an argument.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(10);
const FIRST_RETURN: Duration = Duration::from_millis(250);
const LONGEST_RETURN: Duration = Duration::from_secs(2);
const FIRST_EMPTY: Duration = Duration::from_millis(5);
const LONGEST_EMPTY: Duration = Duration::from_secs(1);

/// A carrier that lived so long had come back, however it ended.
pub(super) const GOOD_LIFE: Duration = Duration::from_secs(1);

/// Waits of 0.2 s at first that double, and at random are up to twice as long, the first as well, so that a server's
/// clients do not all come back at once. None is longer than 10 s.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    tries: u32,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    /// To open a session.
    #[default]
    Opening,
    /// To come back to one.
    Returning,
    /// To ask again where the answer was in order, and had nothing in it.
    Emptied,
}

impl Backoff {
    /// Waits for a client that comes back to its session: none at first, then from 0.25 s to 2 s.
    pub(super) fn returning() -> Self {
        Self { tries: 0, kind: Kind::Returning }
    }

    /// Waits of a client whose carriers end at once and in order, and bring nothing: from 5 ms to 1 s.
    pub(super) fn emptied() -> Self {
        Self { tries: 0, kind: Kind::Emptied }
    }

    /// The next wait; `random` is from 0 to 1.
    pub(super) fn next(&mut self, random: f64) -> Duration {
        let tries = self.tries;
        self.tries = tries.saturating_add(1);
        let (first, longest, doublings) = match self.kind {
            Kind::Opening => (FIRST, LONGEST, tries),
            Kind::Returning if tries == 0 => return Duration::ZERO,
            Kind::Returning => (FIRST_RETURN, LONGEST_RETURN, tries - 1),
            Kind::Emptied => (FIRST_EMPTY, LONGEST_EMPTY, tries),
        };
        let least = first.saturating_mul(2_u32.saturating_pow(doublings)).min(longest / 2);
        least.mul_f64(1.0 + random.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(kind: Kind, random: f64, expected: &[u128]) {
        let mut backoff = Backoff { tries: 0, kind };
        let waits: Vec<u128> = expected.iter().map(|_| backoff.next(random).as_millis()).collect();
        assert_eq!(waits, expected);
    }

    #[test]
    fn waits_double_up_to_the_longest_and_none_is_the_same_for_all() {
        check(Kind::Opening, 0.0, &[200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        check(Kind::Opening, 0.5, &[300, 600, 1_200, 2_400, 4_800, 7_500, 7_500]);
        check(Kind::Opening, 1.0, &[400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
        check(Kind::Returning, 0.0, &[0, 250, 500, 1_000]);
        check(Kind::Returning, 1.0, &[0, 500, 1_000, 2_000]);
        check(Kind::Emptied, 0.0, &[5, 10, 20, 40, 80, 160, 320, 500, 500]);
        check(Kind::Emptied, 1.0, &[10, 20, 40, 80, 160, 320, 640, 1_000, 1_000]);
    }

    proptest! {
        #[test]
        fn every_wait_is_within_bounds(tries: u32, random: f64) {
            let wait = Backoff { tries, kind: Kind::Opening }.next(if random.is_nan() { 0.0 } else { random });
            prop_assert!((FIRST..=LONGEST).contains(&wait));
        }
    }
}
