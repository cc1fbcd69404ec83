//! What a person's own token says of its end. A server tells nobody why it refuses a token; whoever holds it can read
//! it. Whether it is genuine only the server knows. Pure.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;

#[derive(Deserialize)]
struct Said {
    exp: f64,
}

/// How long ago a token ended, by its own words; none where it has not, or says nothing that can be read.
pub(super) fn since(token: &str, now: u64) -> Option<Duration> {
    let payload = token.trim().split('.').nth(1)?;
    let said: Said = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    let ago = Duration::from_secs(now).as_secs_f64() - said.exp;
    Duration::try_from_secs_f64(ago).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(payload: &str, expected: Option<u64>) {
        let token = format!("x.{}.x\n", BASE64_URL_SAFE_NO_PAD.encode(payload));
        assert_eq!(since(&token, 1_000), expected.map(Duration::from_secs), "{payload}");
    }

    #[test]
    fn ends() {
        check(r#"{"exp":900}"#, Some(100));
        check(r#"{"exp":1000}"#, Some(0));
        check(r#"{"exp":1001}"#, None);
        check(r#"{"exp":-1e300}"#, None);
        check(r#"{"exp":"900"}"#, None);
        check("{}", None);
        check("", None);
        assert_eq!(since("no token", 1_000), None);
        assert_eq!(since("a.!.c", 1_000), None);
    }
}
