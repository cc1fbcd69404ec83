//! A limit that a path may have, learned from where carriers are cut, and tried again. Pure: no clock, no IO.

/// How many cuts in a row at about the same point make a limit. Cuts that come at random are as alike twice in a row
/// now and then.
const STRIKES: u32 = 3;

/// Two points are the same where they are no further apart than this part of the greater.
const SAME: u64 = 10;

/// How many carriers have to come to what is allowed before more is tried; doubled each time that was too much.
const PATIENCE: u32 = 8;
const MAX_PATIENCE: u32 = 4_096;

/// How far a carrier may go: in milliseconds, or in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Limit {
    now: u64,
    least: u64,
    most: u64,
    /// What of a point where carriers are cut is safe, in tenths.
    safe: u64,
    /// Where the last was cut, and how many were in a row there.
    suspect: u64,
    strikes: u32,
    /// How many have come to what is allowed, of how many.
    passes: u32,
    patience: u32,
}

impl Limit {
    /// No limit but `most`. It is never set lower than `least`, and when learned to `safe` tenths of what was seen.
    pub(super) fn new(least: u64, most: u64, safe: u64) -> Self {
        let least = least.min(most);
        Self { now: most, least, most, safe, suspect: 0, strikes: 0, passes: 0, patience: PATIENCE }
    }

    /// How far a carrier may go now.
    pub(super) fn now(&self) -> u64 {
        self.now
    }

    /// A carrier was cut at this point; whether that is a limit now. What is below the least is not looked at.
    pub(super) fn cut(&mut self, at: u64) -> bool {
        if at < self.least {
            return false;
        }
        let same = self.suspect.abs_diff(at) <= self.suspect.max(at) / SAME;
        self.strikes = if same { self.strikes.saturating_add(1) } else { 1 };
        self.suspect = at;
        let believed = self.strikes >= STRIKES && at <= self.now;
        if believed {
            self.set(at);
        }
        believed
    }

    /// Something on the way has said that this was too much.
    pub(super) fn exceeded(&mut self, at: u64) {
        (self.suspect, self.strikes) = (at, STRIKES);
        self.set(at);
    }

    /// A carrier ended in order at this point. Where it was allowed no more than that, more is tried after a while.
    pub(super) fn passed(&mut self, at: u64) {
        if at > self.suspect.saturating_add(self.suspect / SAME) {
            (self.suspect, self.strikes, self.patience) = (0, 0, PATIENCE);
        }
        if at < self.now || self.now == self.most {
            return;
        }
        self.passes += 1;
        if self.passes >= self.patience {
            self.passes = 0;
            self.now = self.now.saturating_mul(2).min(self.most);
        }
    }

    fn set(&mut self, at: u64) {
        if self.now < self.most {
            self.patience = self.patience.saturating_mul(2).min(MAX_PATIENCE);
        }
        self.passes = 0;
        self.now = self.now.min(at / 10 * self.safe).max(self.least);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limit() -> Limit {
        Limit::new(200, 10_000, 8)
    }

    #[test]
    fn cuts_at_the_same_point_make_a_limit() {
        let mut limit = limit();
        assert!(!limit.cut(1_000) && !limit.cut(5_000) && !limit.cut(5_100), "chance");
        assert_eq!(limit.now(), 10_000);
        assert!(limit.cut(5_000));
        assert_eq!(limit.now(), 4_000);
        assert!(!limit.cut(100), "too near to be told from any failure");
        limit.exceeded(300);
        assert_eq!(limit.now(), 240);
        limit.exceeded(100);
        assert_eq!(limit.now(), 200);
    }

    #[test]
    fn one_that_came_further_takes_the_suspicion_away() {
        let mut limit = limit();
        assert!(!limit.cut(1_000) && !limit.cut(1_000));
        limit.passed(10_000);
        assert!(!limit.cut(1_000) && !limit.cut(1_000) && limit.cut(1_000));
    }

    #[test]
    fn what_was_learned_is_tried_again_and_ever_more_seldom() {
        let mut limit = limit();
        limit.exceeded(1_000);
        let mut carriers = 0;
        // Something on the way does cut at 1 000.
        for probes in 1..=5_u32 {
            while limit.now() == 800 {
                limit.passed(800);
                carriers += 1;
            }
            assert_eq!(limit.now(), 1_600);
            assert!(limit.cut(1_000), "known: once is enough");
            assert_eq!((limit.now(), carriers), (800, PATIENCE * (2_u32.pow(probes) - 1)));
        }
        // Then it does so no more.
        while limit.now() < 10_000 {
            limit.passed(limit.now());
        }
    }

    proptest! {
        #[test]
        fn it_stays_within_its_bounds(events: Vec<(u8, u64)>, least in 0..1_000_u64, most in 1..10_000_u64) {
            let mut limit = Limit::new(least, most, 5);
            for (kind, at) in events {
                match kind % 3 {
                    0 => _ = limit.cut(at),
                    1 => limit.exceeded(at),
                    _ => limit.passed(at),
                }
                prop_assert!((least.min(most)..=most).contains(&limit.now()));
            }
        }

        /// Cuts at random do not keep a carrier short: what was taken for a limit by chance is soon given up.
        #[test]
        fn chance_is_no_limit(cuts in prop::collection::vec(200..10_000_u64, 100)) {
            let mut limit = limit();
            for at in cuts {
                // Each carrier goes to its limit, or to where chance cuts it.
                if at < limit.now() { let _ = limit.cut(at); } else { limit.passed(limit.now()) }
            }
            for _ in 0..1_000 {
                limit.passed(limit.now());
            }
            prop_assert_eq!(limit.now(), 10_000);
        }
    }
}
