//! What Stripe signs: a time and the body. (Stripe, "Verify webhook signatures manually")

use super::content::{At, Claim, Future, Scheme};
use super::github::{hex, unhex};
use super::verdict::Verdict;
use crate::inspect::request::Request;

pub(super) const SIGNATURE: &str = "Stripe-Signature";

pub(super) static SCHEME: Scheme = Scheme {
    claim,
    sign: |_, mac, now| vec![(SIGNATURE, format!("t={now},v1={}", hex(&mac(format!("{now}.").as_bytes()))))],
};

/// While a secret is being replaced there are several `v1`; `v0` is for tests of Stripe's own.
fn claim(request: &Request<'_>) -> Result<Claim, Verdict> {
    let value = request.header(SIGNATURE).ok_or_else(|| Verdict::missing(SIGNATURE))?;
    let malformed = || Verdict::malformed(SIGNATURE, "`t=`, a number, `,v1=` and 64 hexadecimal digits");
    let parts = || value.split(',').filter_map(|part| part.trim().split_once('='));
    let (_, time) = parts().find(|(name, _)| *name == "t").ok_or_else(malformed)?;
    let seconds = time.parse().map_err(|_| malformed())?;
    let signatures: Vec<_> = parts().filter(|(name, _)| *name == "v1").filter_map(|(_, text)| unhex(text)).collect();
    if signatures.is_empty() {
        return Err(malformed());
    }
    let at = Some(At { seconds, future: Future::Taken });
    Ok(Claim { before: format!("{time}.").into_bytes(), signatures, at })
}
