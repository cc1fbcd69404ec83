//! Why a token is refused, in words for the operator's log.

use super::Audience;

/// Why a token is refused. Nothing of the token but its dates is repeated, and no answer to a peer may depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No token that is minted comes near the bound, which limits the work that a stranger can cause.
    #[error("the token is over 4 KiB")]
    TooLong,
    /// It is not `header.claims.signature`.
    #[error("the token is not three parts with dots between them")]
    Parts,
    /// A part is no canonical base64url, or the signature has another length than HMAC-SHA256 gives.
    #[error("the token is not three parts in base64url without padding, the last of 32 bytes")]
    Encoding,
    /// It was signed with another secret, or changed since.
    #[error("the token is not signed with a secret of this server")]
    Signature,
    /// The part named is no object, or two readers could disagree on what it says.
    #[error("the token's {0} is not a JSON object in UTF-8 without repeated keys, nested less than 128 deep")]
    Json(&'static str),
    /// Tokens are signed with `HS256` alone, and their header must say so.
    #[error("the token's `alg` is not `HS256`")]
    Algorithm,
    /// `crit` or `b64` asks for a way of reading that is not this one.
    #[error("the token's header asks for an extension that sendit does not have")]
    Extension,
    /// The Go tool takes `EXP` for `exp`, other readers do not.
    #[error("the token has a known claim in another case, such as `EXP` for `exp`")]
    Spelling,
    /// `iss` is missing, or another's.
    #[error("the token's `iss` is not `sendit`")]
    Issuer,
    /// `aud` is missing, or does not name the audience that was asked for.
    #[error("the token is not for the audience `{0}`")]
    Audience(Audience),
    /// The claim named must be a text, or not be there.
    #[error("the token's `{0}` is not a string")]
    Text(&'static str),
    /// The claim named must be a number of seconds, or not be there.
    #[error("the token's `{0}` is not a number of seconds between the years 1970 and 9999")]
    Date(&'static str),
    /// `prefixes` must be patterns, at least one, or not be there: a token limited in a way that is not understood
    /// allows nothing.
    #[error("the token's `prefixes` is not a list of patterns such as `team-*`")]
    Prefixes,
    /// Its time is over.
    #[error("the token expired at `{at}` in Unix seconds")]
    Expired {
        /// The first second in which it is no longer valid.
        at: u64,
    },
    /// Its time has not come, or a clock is wrong.
    #[error("the token is not valid before `{at}` in Unix seconds; check the clocks of both ends")]
    NotYetValid {
        /// The first second in which it is valid.
        at: u64,
    },
}
