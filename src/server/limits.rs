//! How much of everything there may be, and the count of opens that fail. Knows no session.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How much there may be at a time. What is beyond is refused with a clear answer, and harms nobody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections that are accepted, of visitors and clients alike. Exchanges have at most three quarters of them, so that
    /// something is left for clients, whatever visitors do.
    pub connections: usize,
    /// Connections of one address that is no trusted proxy's.
    pub connections_per_address: usize,
    /// Sessions.
    pub sessions: usize,
    /// Sessions of one token or, where tokens name a subject, of one subject.
    pub sessions_per_token: usize,
    /// Exchanges, with visitors that wait.
    pub exchanges: usize,
    /// Exchanges of one session. Visitors of one address that is no trusted proxy's have at most half of them.
    pub exchanges_per_session: usize,
    /// Exchanges of one token or, where tokens name a subject, of one subject, in all its sessions.
    pub exchanges_per_token: usize,
    /// Visitors that wait for one session: for its client to come back, or for another exchange to end.
    pub held_per_session: usize,
    /// Opens with a token that is not accepted, for one address, in a minute.
    pub failed_opens: usize,
    /// MiB of what is kept until clients acknowledge it, of all sessions on wire v2. Each has 256 KiB a direction whatever
    /// the others have.
    pub replay: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // As many as there may be exchanges, and four for the carriers of each session.
            connections: 16_384,
            connections_per_address: 1_024,
            sessions: 1_000,
            sessions_per_token: 16,
            exchanges: 10_000,
            exchanges_per_session: 256,
            exchanges_per_token: 2_500,
            held_per_session: 64,
            failed_opens: 10,
            replay: 256,
        }
    }
}

/// The time in which failures are counted together.
const WINDOW: Duration = Duration::from_secs(60);

/// How many addresses are counted at a time. The failures of further ones are throttled at once.
const MAX_ADDRESSES: usize = 10_000;

/// Opens that have failed, for each address.
///
/// It is only ever asked of those that fail: an address may be that of a proxy or of a whole office, and who has a good
/// token gets in whatever others there have sent.
#[derive(Default)]
pub(super) struct Failures(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    since: Option<Instant>,
    of: HashMap<Option<IpAddr>, usize>,
}

/// An open that failed, after too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Throttled {
    /// How long until failures are counted from nought, in whole seconds.
    pub(super) seconds: u64,
}

impl Throttled {
    /// Where it is not known since when failures are counted.
    pub(super) const LONGEST: Self = Self { seconds: WINDOW.as_secs() };
}

impl Failures {
    /// Counts a failure of `address`, where it is known. An error where there have been more than `most`.
    pub(super) fn note(&self, address: Option<IpAddr>, most: usize, now: Instant) -> Result<(), Throttled> {
        // Held for a count, never across an await.
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = counts.since.filter(|since| now.duration_since(*since) < WINDOW);
        if since.is_none() {
            *counts = Counts { since: Some(now), of: HashMap::new() };
        }
        let left = WINDOW.saturating_sub(now.duration_since(since.unwrap_or(now)));
        let throttled = Throttled { seconds: left.as_secs().max(1) };
        let address = address.map(network);
        if counts.of.len() >= MAX_ADDRESSES && !counts.of.contains_key(&address) {
            return Err(throttled);
        }
        let count = counts.of.entry(address).or_default();
        *count = count.saturating_add(1);
        if *count > most { Err(throttled) } else { Ok(()) }
    }
}

/// What one caller can choose freely counts as one address: the last 64 bits of those of IPv6.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(failures: &Failures, address: &str, now: Instant, expected: Result<(), u64>) {
        let noted = failures.note(address.parse().ok(), 3, now).map_err(|throttled| throttled.seconds);
        assert_eq!(noted, expected, "{address}");
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_counted_for_each_address_and_minute() {
        let (failures, begin) = (Failures::default(), Instant::now());
        for address in ["203.0.113.9", "::ffff:203.0.113.9", "203.0.113.9"] {
            check(&failures, address, begin, Ok(()));
        }
        let later = begin + Duration::from_secs(20);
        check(&failures, "203.0.113.9", later, Err(40));
        check(&failures, "203.0.113.8", later, Ok(()));
        for address in ["2001:db8::1", "2001:db8::2", "2001:db8::3:3"] {
            check(&failures, address, later, Ok(()));
        }
        check(&failures, "2001:db8::4", later, Err(40));
        check(&failures, "2001:db8:0:1::4", later, Ok(()));
        for _ in 0..3 {
            check(&failures, "nobody knows", later, Ok(()));
        }
        check(&failures, "nobody knows", later, Err(40));
        check(&failures, "203.0.113.9", begin + WINDOW, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_addresses_are_kept_than_may_be() {
        let (failures, now) = (Failures::default(), Instant::now());
        for address in 0..20_000_u32 {
            let noted = failures.note(Some(IpAddr::from(address.to_be_bytes())), 3, now);
            assert_eq!(noted.is_ok(), usize::try_from(address).unwrap() < MAX_ADDRESSES);
        }
        assert_eq!(failures.0.lock().unwrap().of.len(), MAX_ADDRESSES);
    }
}
