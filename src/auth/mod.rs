//! Keys, and the HS256 tokens that they sign: who may open a tunnel, and who may attach a carrier to one. Everything
//! here is a function of its arguments: the time is one of them, and HTTP, files and clocks are unknown.
//!
//! A token is a JSON Web Token ([RFC 7519]) in the compact form. Every token of the Go tool is accepted, and whatever
//! is accepted here the Go tool accepts too; what it reads leniently (repeated claims, claims in another case, bits
//! after the end of a base64 text) is refused, because two readers could disagree on what such a token says.
//!
//! ```
//! use sendit::auth::{Audience, Claims, Key, Keys, Refusal, mint, verify};
//!
//! let keys = Keys::new(Key::new(b"0123456789abcdef0123456789abcdef")?, []);
//! let now = 1_800_000_000;
//!
//! let mut claims = Claims::new(Audience::Auth, now);
//! claims.expiry = Some(now + 3600);
//! claims.prefixes = vec!["team-*".parse()?];
//! let token = mint(&keys, &claims);
//!
//! let accepted = verify(&keys, Audience::Auth, &token, now)?;
//! assert!(accepted.allows(&"team-blue".parse()?));
//! assert!(!accepted.allows(&"other".parse()?));
//!
//! let late = verify(&keys, Audience::Auth, &token, now + 3600);
//! assert_eq!(late, Err(Refusal::Expired { at: now + 3600 }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [RFC 7519]: https://www.rfc-editor.org/rfc/rfc7519

mod claims;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod glob;
mod json;
mod key;
mod refusal;
mod revoked;
mod token;

#[cfg(test)]
mod tests;

pub use claims::{Audience, Claims, ISSUER};
pub use glob::{Glob, InvalidGlob};
pub use key::{EmptySecret, Key, Keys};
pub use refusal::Refusal;
pub use revoked::{Bearer, InvalidRevoked, Revoked};

/// Writes a token that says `claims`, signed with the first of `keys`.
///
/// A token may say what [`verify`] refuses: an expiry after the year 9999, or so much that it is over 4 KiB. Who mints
/// from what a person typed verifies the result before handing it out.
#[must_use]
pub fn mint(keys: &Keys, claims: &Claims) -> String {
    token::seal(keys, br#"{"alg":"HS256","typ":"JWT"}"#, claims.to_json().as_bytes())
}

/// Reads `token` as one for `audience`, at `now` in Unix seconds. No leeway is given to clocks that differ: minting
/// sets the first valid second 15 minutes back instead.
///
/// # Errors
/// A [`Refusal`] is for the log alone: whoever sent the token is told that it is not accepted, and no more.
pub fn verify(keys: &Keys, audience: Audience, token: &str, now: u64) -> Result<Claims, Refusal> {
    let claims = Claims::from_json(&token::open(keys, token)?, audience)?;
    if let Some(at) = claims.expiry.filter(|&at| at <= now) {
        return Err(Refusal::Expired { at });
    }
    if let Some(at) = claims.not_before.filter(|&at| at > now) {
        return Err(Refusal::NotYetValid { at });
    }
    Ok(claims)
}
