//! Why a token is refused, in words for the operator's log.

use jiff::Timestamp;

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
    #[error("the token expired on {}", date(*at))]
    Expired {
        /// The first second in which it is no longer valid.
        at: u64,
    },
    /// Its time has not come, or a clock is wrong.
    #[error("the token is not valid before {}; check the clocks of both ends", date(*at))]
    NotYetValid {
        /// The first second in which it is valid.
        at: u64,
    },
}

/// A time in Unix seconds, for people.
fn date(seconds: u64) -> String {
    let date = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    date.map_or_else(
        || format!("{seconds} in Unix seconds"),
        |date| date.strftime("%Y-%m-%d at %H:%M:%S UTC").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dates_of_a_token_are_told_as_people_write_them() {
        for (at, expected) in [
            (0, "1970-01-01 at 00:00:00 UTC"),
            (1_764_104_258, "2025-11-25 at 20:57:38 UTC"),
            (253_402_300_799, "253402300799 in Unix seconds"),
            (u64::MAX, "18446744073709551615 in Unix seconds"),
        ] {
            assert_eq!(Refusal::Expired { at }.to_string(), format!("the token expired on {expected}"));
        }
    }
}
