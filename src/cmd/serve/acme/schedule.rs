//! When a certificate is to be renewed, and when it is tried again where that failed. Pure: clock and chance are arguments.

use std::time::Duration;

use crate::server::Life;

/// The first wait after a failure, and the longest. Let's Encrypt bears five failures of a name in an hour, and these waits
/// come to four at most.
const FIRST: Duration = Duration::from_secs(5 * 60);
const LONGEST: Duration = Duration::from_secs(6 * 60 * 60);

/// When a certificate that was had at `now` is renewed, in Unix seconds: after two thirds of its life, or up to a thirtieth
/// of it before, since many servers may have theirs of the same day. `random` is from 0 to 1.
pub(super) fn due(Life { from, until }: Life, now: u64, random: f64) -> u64 {
    let life = Duration::from_secs(until.saturating_sub(from));
    let early = (life / 30).mul_f64(random.clamp(0.0, 1.0));
    let due = from.saturating_add((life * 2 / 3).saturating_sub(early).as_secs());
    // Where the clocks differ it may be over already, and a new one would look no younger.
    due.max(now.saturating_add(until.saturating_sub(now) / 3 + 1))
}

/// Waits of 5 min at first that double, and at random are up to twice as long. None is longer than 6 h.
#[derive(Debug, Default)]
pub(super) struct Backoff(u32);

impl Backoff {
    /// The next wait; `random` is from 0 to 1.
    pub(super) fn next(&mut self, random: f64) -> Duration {
        let least = FIRST.saturating_mul(2_u32.saturating_pow(self.0)).min(LONGEST / 2);
        self.0 = self.0.saturating_add(1);
        least.mul_f64(1.0 + random.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn two_thirds_of_a_life() {
        let day = 24 * 60 * 60;
        let check = |until: u64, now: u64, random: f64, expected: u64| {
            assert_eq!(due(Life { from: 0, until }, now, random), expected, "{until} {now} {random}");
        };
        check(90 * day, 0, 0.0, 60 * day);
        check(90 * day, 0, 1.0, 57 * day);
        check(90 * day, 75 * day, 0.0, 80 * day + 1);
        check(30, 0, 0.0, 20);
        check(1, 0, 0.0, 1);
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        for (random, expected) in
            [(0.0, [5, 10, 20, 40, 80, 160, 180, 180]), (1.0, [10, 20, 40, 80, 160, 320, 360, 360])]
        {
            let mut backoff = Backoff::default();
            let waits = expected.map(|_| backoff.next(random).as_secs() / 60);
            assert_eq!(waits, expected);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_good_is_renewed_later_and_in_time(from: u32, life in 10..u32::MAX, at in 0.0..0.9_f64, random in 0.0..1.0_f64) {
            let life = u64::from(life);
            let (from, until) = (u64::from(from), u64::from(from) + life);
            let now = from + Duration::from_secs(life).mul_f64(at).as_secs();
            let due = due(Life { from, until }, now, random);
            prop_assert!(now < due && due < until, "{now} {due} {until}");
        }

        #[test]
        fn every_wait_is_within_bounds(tries in 1..100_usize, random in -1.0..2.0_f64) {
            let mut backoff = Backoff::default();
            let last = (0..tries).map(|_| backoff.next(random)).last().unwrap_or_default();
            prop_assert!((FIRST..=LONGEST).contains(&last), "{last:?}");
        }
    }
}
