//! Signatures over a body and a few words before it, by HMAC-SHA256: whether one holds, and what it would hold for. Knows
//! no header.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::secret::Secret;
use super::verdict::Verdict;
use crate::inspect::request::Request;

/// How old a request may be, or how far ahead of the clock: what all of them recommend.
const TOLERANCE: u64 = 300;

/// How a sender signs.
pub(super) struct Scheme {
    /// Reads what a request says of its signature.
    pub(super) claim: fn(&Request<'_>) -> Result<Claim, Verdict>,
    /// The headers of a request that is signed at a time, in seconds since 1970.
    pub(super) sign: fn(&Request<'_>, &Signer<'_>, u64) -> Fresh,
}

/// Makes a signature of the words before the body.
pub(super) type Signer<'a> = dyn Fn(&[u8]) -> [u8; 32] + 'a;

/// Names and values of headers.
pub(super) type Fresh = Vec<(&'static str, String)>;

/// What a request says of its signature.
#[derive(Debug)]
pub(super) struct Claim {
    /// What is signed before the body.
    pub(super) before: Vec<u8>,
    /// The signatures, any of which will do.
    pub(super) signatures: Vec<Vec<u8>>,
    /// When it was signed, in seconds since 1970.
    pub(super) at: Option<At>,
}

/// When a request was signed.
#[derive(Debug)]
pub(super) struct At {
    pub(super) seconds: u64,
    pub(super) future: Future,
}

/// What a sender's own libraries say to a time that is yet to come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Future {
    Taken,
    Refused,
}

pub(super) fn mac(key: &[u8], before: &[u8], body: &[u8]) -> [u8; 32] {
    hmac(key, before, body).finalize().into_bytes().into()
}

fn hmac(key: &[u8], before: &[u8], body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(before);
    mac.update(body);
    mac
}

pub(super) fn check(scheme: &Scheme, request: &Request<'_>, secrets: &[&Secret], now: Duration) -> Verdict {
    let claim = match (scheme.claim)(request) {
        Ok(claim) => claim,
        Err(verdict) => return verdict,
    };
    if secrets.iter().any(|secret| claim.holds(secret.key(), request.body)) {
        return claim.at.map_or(Verdict::VALID, |at| at.judge(now.as_secs()));
    }
    Verdict::invalid(claim.instead(secrets, request.body))
}

impl Claim {
    fn holds(&self, key: &[u8], body: &[u8]) -> bool {
        let mac = hmac(key, &self.before, body);
        self.signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
    }

    /// What a signature that does not hold would hold for.
    fn instead(&self, secrets: &[&Secret], body: &[u8]) -> String {
        for (other, change) in otherwise(body) {
            if secrets.iter().any(|secret| self.holds(secret.key(), &other)) {
                let (was, is) = (other.len(), body.len());
                return format!("the body was changed: {change}; its length was {was} and is {is}");
            }
        }
        for secret in secrets {
            if let Some((_, how)) = secret.otherwise().into_iter().find(|(key, _)| self.holds(key, body)) {
                return format!("holds for {how}");
            }
        }
        "the secret is another one, or what was signed has been changed since".to_owned()
    }
}

impl At {
    fn judge(&self, now: u64) -> Verdict {
        let (age, ahead) = (now.saturating_sub(self.seconds), self.seconds.saturating_sub(now));
        if age > TOLERANCE {
            return Verdict::untimely(format_args!("the timestamp is {age} s old, and {TOLERANCE} s are allowed"));
        }
        if ahead > TOLERANCE && self.future == Future::Refused {
            return Verdict::untimely(format_args!("the timestamp is {ahead} s ahead, and {TOLERANCE} s are allowed"));
        }
        Verdict::VALID
    }
}

/// What a body may have been before something on its way, or somebody with an editor, meant well; and what that did.
fn otherwise(body: &[u8]) -> Vec<(Vec<u8>, &'static str)> {
    let mut others = vec![([body, b"\n"].concat(), "the line feed at its end was taken off")];
    if let Some(shorter) = body.strip_suffix(b"\n") {
        let shorter = shorter.strip_suffix(b"\r").unwrap_or(shorter);
        others.push((shorter.to_vec(), "a line feed was put at its end"));
    }
    if body.contains(&b'\n') {
        let unix = replaced(body, b"\r\n", b"\n");
        let crlf = replaced(&unix, b"\n", b"\r\n");
        others.push((unix, "its line feeds were made CR LF"));
        others.push((crlf, "its CR LF were made line feeds"));
    }
    others.push((body.trim_ascii_end().to_vec(), "white space was put at its end"));
    others.push((compact(body), "white space was put between the parts of its JSON"));
    others.retain(|(other, _)| other != body);
    others
}

fn replaced(body: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let (mut result, mut rest) = (Vec::with_capacity(body.len()), body);
    while let Some(first) = rest.first() {
        let (piece, length) = if rest.starts_with(old) { (new, old.len()) } else { (std::slice::from_ref(first), 1) };
        result.extend_from_slice(piece);
        rest = &rest[length..];
    }
    result
}

/// JSON without the white space between its parts.
fn compact(json: &[u8]) -> Vec<u8> {
    let (mut inside, mut escaped) = (false, false);
    let is_kept = |byte: &u8| {
        let kept = inside || !byte.is_ascii_whitespace();
        inside ^= *byte == b'"' && !escaped;
        escaped = inside && *byte == b'\\' && !escaped;
        kept
    };
    json.iter().copied().filter(is_kept).collect()
}
