//! What a person's own token says of its end. A server tells nobody why it refuses a token; whoever holds it can read
//! it. Whether it is genuine only the server knows. Pure.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;

use super::duration::span;
use crate::client::Error;

#[derive(Deserialize)]
struct Said {
    exp: f64,
}

/// When a token ends by its own words, since 1970; none where it says nothing that can be read.
pub(crate) fn end(token: &str) -> Option<Duration> {
    let payload = token.trim().split('.').nth(1)?;
    let said: Said = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    Duration::try_from_secs_f64(said.exp).ok()
}

/// An error that says it where it is that a token which ends then is refused.
pub(crate) fn told(error: Error, end: Option<Duration>, now: Duration) -> Error {
    match error {
        Error::Unauthorized(sentence) => Error::Unauthorized(sentence + &hint(end, now)),
        error => error,
    }
}

/// What is to be added to a refusal of a token that ends then; nothing where that has not come.
fn hint(end: Option<Duration>, now: Duration) -> String {
    let Some((end, ago)) = end.and_then(|end| Some((end, now.checked_sub(end)?))) else { return String::new() };
    let date = i64::try_from(end.as_secs()).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    let date = date.map_or_else(String::new, |date| date.strftime(" on %Y-%m-%d at %H:%M UTC").to_string());
    format!("; by its own words it ended{date}, {} ago", span(ago))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(payload: &str, expected: &str) {
        let token = format!("x.{}.x\n", BASE64_URL_SAFE_NO_PAD.encode(payload));
        assert_eq!(hint(end(&token), Duration::from_secs(1_764_104_258)), expected, "{payload}");
    }

    #[test]
    fn ends() {
        let ended = |when: &str| format!("; by its own words it ended on {when} ago");
        check(r#"{"exp":1764104198}"#, &ended("2025-11-25 at 20:56 UTC, 60 seconds"));
        check(r#"{"exp":1763845058.5}"#, &ended("2025-11-22 at 20:57 UTC, 2 days"));
        check(r#"{"exp":1764104258}"#, &ended("2025-11-25 at 20:57 UTC, 0 seconds"));
        check(r#"{"exp":1764104259}"#, "");
        check(r#"{"exp":-1e300}"#, "");
        check(r#"{"exp":1e300}"#, "");
        check(r#"{"exp":"900"}"#, "");
        check("{}", "");
        check("", "");
        assert_eq!(end("no token"), None);
        assert_eq!(end("a.!.c"), None);
    }
}
