//! The wall clock. Everything below takes the time as an argument; this is where the argument comes from.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds since 1970.
pub(crate) fn unix_now() -> u64 {
    since_1970().as_secs()
}

/// The time since 1970. A clock before that counts as 1970.
pub(crate) fn since_1970() -> Duration {
    #[expect(clippy::disallowed_methods, reason = "commands are where the time enters")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).unwrap_or_default()
}
