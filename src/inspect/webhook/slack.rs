//! What Slack signs: a version, a time and the body. (Slack, "Verifying requests from Slack")

use super::content::{At, Claim, Future, Scheme};
use super::github::{hex, unhex};
use super::verdict::Verdict;
use crate::inspect::request::Request;

pub(super) const SIGNATURE: &str = "X-Slack-Signature";
pub(super) const TIMESTAMP: &str = "X-Slack-Request-Timestamp";

pub(super) static SCHEME: Scheme = Scheme {
    claim,
    sign: |_, mac, now| {
        let signature = format!("v0={}", hex(&mac(format!("v0:{now}:").as_bytes())));
        vec![(TIMESTAMP, now.to_string()), (SIGNATURE, signature)]
    },
};

fn claim(request: &Request<'_>) -> Result<Claim, Verdict> {
    let value = |name| request.header(name).ok_or_else(|| Verdict::missing(name));
    let (time, signature) = (value(TIMESTAMP)?, value(SIGNATURE)?);
    let seconds = time.parse().map_err(|_| Verdict::malformed(TIMESTAMP, "a number of seconds"))?;
    let signature = signature.strip_prefix("v0=").and_then(unhex);
    let signature = signature.ok_or_else(|| Verdict::malformed(SIGNATURE, "`v0=` and 64 hexadecimal digits"))?;
    let at = Some(At { seconds, future: Future::Refused });
    Ok(Claim { before: format!("v0:{time}:").into_bytes(), signatures: vec![signature], at })
}
