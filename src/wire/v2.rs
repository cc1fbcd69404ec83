//! What both ends of wire v2 must spell alike: the paths, the messages of `open`, and how a carrier proves that it
//! belongs to its session.

pub mod measure;
mod open;
mod waits;

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::{InvalidSessionId, SessionId};

pub use open::{Asked, Attempt, Given, Refusal, RefusalError, Wish};
pub use waits::{InvalidWaits, WAITS, WAITS_HEADER, Waited, Waits};

/// Opens a session: JSON both ways.
pub const OPEN: &str = "/.well-known/sendit/v2/open";
/// Carries the log that flows down, from server to client.
pub const READ: &str = "/.well-known/sendit/v2/read";
/// Carries the log that flows up, from client to server.
pub const WRITE: &str = "/.well-known/sendit/v2/write";

/// Asks for no more exchanges, because the client is about to leave. Proved like a carrier.
pub const DRAIN: &str = "/.well-known/sendit/v2/drain";

/// Which session a carrier belongs to.
pub const SESSION_HEADER: &str = "sendit-session";
/// The number of the carrier in its direction; it only rises.
pub const EPOCH_HEADER: &str = "sendit-epoch";
/// The offset of the log at which the carrier begins.
pub const OFFSET_HEADER: &str = "sendit-offset";
/// How the carrier brings its bytes: a [`Manner`].
pub const MANNER_HEADER: &str = "sendit-manner";
/// The [`Digest`] of a batch up, so that its proof covers its body as well.
pub const DIGEST_HEADER: &str = "sendit-digest";
/// That whoever sends the carrier knows the session's secret.
pub const PROOF_HEADER: &str = "sendit-proof";

/// The first byte of each stream from client to server: how the client's connection to the target came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What follows is the target's.
    Joined,
    /// There is no connection: refused, no such name, or TLS failed.
    Refused,
    /// The target did not answer in time.
    TimedOut,
}

impl Outcome {
    /// The outcome as it stands on the stream.
    #[must_use]
    pub fn to_byte(self) -> u8 {
        match self {
            Self::Joined => 0,
            Self::Refused => 1,
            Self::TimedOut => 2,
        }
    }

    /// The outcome that a byte says; one that is not known is a refusal.
    #[must_use]
    pub fn from_byte(byte: u8) -> Self {
        match byte {
            0 => Self::Joined,
            2 => Self::TimedOut,
            _ => Self::Refused,
        }
    }
}

/// How a carrier brings its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As they come, for as long as the carrier lives.
    Stream,
    /// The same, and it begins where the one before leaves off, which is still read to its end: so nothing is brought
    /// twice. Where it begins, the answer says in [`OFFSET_HEADER`]. For what flows down only.
    Renewal,
    /// All at once.
    Batch,
    /// As they come, but none of the log: to see whether that works on this path.
    Trial,
}

impl Manner {
    /// The manner as it stands in a header.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Renewal => "renewal",
            Self::Batch => "batch",
            Self::Trial => "trial",
        }
    }
}

impl fmt::Display for Manner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Manner {
    type Err = InvalidCarrier;

    fn from_str(text: &str) -> Result<Self, InvalidCarrier> {
        let known =
            [Self::Stream, Self::Renewal, Self::Batch, Self::Trial].into_iter().find(|manner| manner.as_str() == text);
        known.ok_or(InvalidCarrier)
    }
}

/// The SHA-256 of a body, in base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of a body that is whole.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl FromStr for Digest {
    type Err = InvalidCarrier;

    fn from_str(text: &str) -> Result<Self, InvalidCarrier> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCarrier)?;
        bytes.try_into().map(Self).map_err(|_| InvalidCarrier)
    }
}

/// What the headers of a carrier say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carrier {
    /// Which session it belongs to.
    pub session: SessionId,
    /// Its number in its direction.
    pub epoch: u64,
    /// The offset of the log at which it begins.
    pub offset: u64,
    /// How it brings its bytes.
    pub manner: Manner,
    /// What its body is, where that is known before it is sent: of a batch up.
    pub digest: Option<Digest>,
}

/// The headers of a carrier do not say what they must.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the carrier's headers are missing or malformed")]
pub struct InvalidCarrier;

impl From<InvalidSessionId> for InvalidCarrier {
    fn from(_: InvalidSessionId) -> Self {
        Self
    }
}

impl Carrier {
    /// Reads the headers, which `find` looks up by name.
    ///
    /// # Errors
    /// Where one is missing or malformed.
    pub fn parse<'a>(find: impl Fn(&str) -> Option<&'a str>) -> Result<Self, InvalidCarrier> {
        let digest = find(DIGEST_HEADER).map(str::parse).transpose()?;
        let find = |name| find(name).ok_or(InvalidCarrier);
        let number = |text: &str| {
            let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| plain).ok_or(InvalidCarrier)
        };
        Ok(Self {
            session: find(SESSION_HEADER)?.parse()?,
            epoch: number(find(EPOCH_HEADER)?)?,
            offset: number(find(OFFSET_HEADER)?)?,
            manner: find(MANNER_HEADER)?.parse()?,
            digest,
        })
    }

    /// What is proved: method, path from `/.well-known` on, and the headers, a line each; the last one is empty where there
    /// is no digest.
    fn statement(&self, path: &str) -> String {
        let Self { session, epoch, offset, manner, digest } = self;
        let digest = digest.map(|digest| digest.to_string()).unwrap_or_default();
        format!("POST\n{path}\n{session}\n{epoch}\n{offset}\n{manner}\n{digest}\n")
    }
}

/// The secret of a session, which proves its carriers. It has no `Debug`, and never stands in a URL or a log.
#[derive(Clone)]
pub struct Secret(Hmac<Sha256>, String);

/// A text that is no [`Secret`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session's secret is 32 bytes in base64url")]
pub struct InvalidSecret;

impl Secret {
    /// The secret that 256 random bits make.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "it cannot: HMAC takes keys of any length")]
    pub fn from_random(bits: [u8; 32]) -> Self {
        let mac = Hmac::new_from_slice(&bits).expect("HMAC takes keys of any length");
        Self(mac, URL_SAFE_NO_PAD.encode(bits))
    }

    /// The secret as it is given at `open`.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.1
    }

    /// The proof that a carrier on `path` belongs to the session: HMAC-SHA256, in base64url.
    #[must_use]
    pub fn prove(&self, path: &str, carrier: &Carrier) -> String {
        URL_SAFE_NO_PAD.encode(self.0.clone().chain_update(carrier.statement(path)).finalize().into_bytes())
    }

    /// Whether `proof` is that proof; takes as long whatever it is.
    #[must_use]
    pub fn accepts(&self, path: &str, carrier: &Carrier, proof: &str) -> bool {
        let Ok(proof) = URL_SAFE_NO_PAD.decode(proof) else { return false };
        self.0.clone().chain_update(carrier.statement(path)).verify_slice(&proof).is_ok()
    }
}

impl FromStr for Secret {
    type Err = InvalidSecret;

    fn from_str(text: &str) -> Result<Self, InvalidSecret> {
        let bits = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidSecret)?;
        Ok(Self::from_random(bits.try_into().map_err(|_| InvalidSecret)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carrier() -> Carrier {
        let digest = Some(Digest::of(b"body"));
        Carrier { session: SessionId::from_random([7; 32]), epoch: 3, offset: 1_000, manner: Manner::Batch, digest }
    }

    #[test]
    fn a_proof_is_good_for_its_carrier_alone() {
        let secret = Secret::from_random([1; 32]);
        let proof = secret.prove(READ, &carrier());
        assert!(secret.accepts(READ, &carrier(), &proof));
        assert!(secret.reveal().parse::<Secret>().is_ok_and(|secret| secret.accepts(READ, &carrier(), &proof)));
        for other in [
            Carrier { session: SessionId::from_random([8; 32]), ..carrier() },
            Carrier { epoch: 4, ..carrier() },
            Carrier { offset: 1_001, ..carrier() },
            Carrier { manner: Manner::Stream, ..carrier() },
            Carrier { digest: Some(Digest::of(b"another")), ..carrier() },
            Carrier { digest: None, ..carrier() },
        ] {
            assert!(!secret.accepts(READ, &other, &proof), "{other:?}");
        }
        assert!(!secret.accepts(WRITE, &carrier(), &proof), "swapped");
        assert!(!Secret::from_random([2; 32]).accepts(READ, &carrier(), &proof), "another's");
        assert!(!secret.accepts(READ, &carrier(), ""));
        assert!(!secret.accepts(READ, &carrier(), &proof[1..]));
    }

    #[track_caller]
    fn check(epoch: &str, offset: &str, manner: &str, valid: bool) {
        let session = carrier().session;
        let parsed = Carrier::parse(|name| match name {
            SESSION_HEADER => Some(session.as_str()),
            EPOCH_HEADER => Some(epoch),
            OFFSET_HEADER => Some(offset),
            MANNER_HEADER => Some(manner),
            _ => None,
        });
        assert_eq!(parsed.is_ok(), valid, "{epoch} {offset} {manner}");
    }

    #[test]
    fn headers() {
        check("3", "1000", "batch", true);
        check("3", "18446744073709551615", "stream", true);
        check("3", "18446744073709551616", "stream", false);
        check("+3", "0", "stream", false);
        check("", "0", "stream", false);
        check("3", "-1", "stream", false);
        check("3", "0", "Stream", false);
        assert_eq!(Carrier::parse(|_| None), Err(InvalidCarrier));
        let digest = Digest::of(b"body");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        for wrong in ["", "AAAA", "=", &digest.to_string()[1..]] {
            assert_eq!(wrong.parse::<Digest>(), Err(InvalidCarrier), "{wrong}");
        }
    }
}
