//! How long to wait before the next try. Pure: the random number is an argument.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(10);
const FIRST_RETURN: Duration = Duration::from_millis(250);
const LONGEST_RETURN: Duration = Duration::from_secs(2);

/// A carrier that lived so long had come back, however it ended.
pub(super) const GOOD_LIFE: Duration = Duration::from_secs(1);

/// Waits that double from 0.2 s to 10 s, each shortened at random by up to a half, the first as well, so that a server's
/// clients do not all come back at once.
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
}

impl Backoff {
    /// Waits for a client that comes back to its session: none at first, then from 0.25 s to 2 s.
    pub(super) fn returning() -> Self {
        Self { tries: 0, kind: Kind::Returning }
    }

    /// The next wait; `random` is from 0 to 1.
    pub(super) fn next(&mut self, random: f64) -> Duration {
        let tries = self.tries;
        self.tries = tries.saturating_add(1);
        let (first, longest, doublings) = match self.kind {
            Kind::Opening => (FIRST, LONGEST, tries),
            Kind::Returning if tries == 0 => return Duration::ZERO,
            Kind::Returning => (FIRST_RETURN, LONGEST_RETURN, tries - 1),
        };
        let full = first.saturating_mul(2_u32.saturating_pow(doublings)).min(longest);
        full.mul_f64(1.0 - 0.5 * random.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let mut backoff = Backoff::default();
        let waits: Vec<u128> = (0..8).map(|_| backoff.next(0.0).as_millis()).collect();
        assert_eq!(waits, [200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
    }

    #[test]
    fn no_wait_is_the_same_for_all() {
        for kind in [Kind::Opening, Kind::Returning] {
            let waits = |random: f64| {
                let mut backoff = Backoff { tries: 0, kind };
                (0..8).map(|_| backoff.next(random)).collect::<Vec<_>>()
            };
            for (longest, shortest) in waits(0.0).into_iter().zip(waits(1.0)) {
                assert_eq!(shortest * 2, longest);
            }
        }
    }

    proptest! {
        #[test]
        fn every_wait_is_within_bounds(tries: u32, random: f64) {
            let wait = Backoff { tries, kind: Kind::Opening }.next(if random.is_nan() { 0.0 } else { random });
            prop_assert!((FIRST / 2..=LONGEST).contains(&wait));
        }
    }
}
