//! What both ends must spell alike: the paths of the control endpoints, the names of headers, and the parsers
//! of a prefix, a session's id, a range of addresses and a password. Knows nothing else of either end.

use std::fmt;
use std::str::FromStr;

mod credentials;
mod network;
mod stamp;
pub mod v2;

pub use credentials::{Credentials, InvalidCredentials};
pub use network::{InvalidNetwork, Network};
pub use stamp::stamp;

/// The control endpoints of wire v1, below a server's base path.
pub mod v1 {
    /// Reserves a prefix and answers with the connect token.
    pub const OPEN: &str = "/.well-known/sendit/v1/open";
    /// The carrier whose response body flows down, from server to client.
    pub const READ: &str = "/.well-known/sendit/v1/read";
    /// The carrier whose request body flows up, from client to server.
    pub const WRITE: &str = "/.well-known/sendit/v1/write";
    /// Asks the server to send a session no new exchange, because its client is about to leave. Go servers do not
    /// have it and answer 404, which is harmless.
    pub const DRAIN: &str = "/.well-known/sendit/v1/drain";
}

/// Says who failed, on an answer that sendit itself gives. No target can set it: the server's hop drops it from
/// what targets send.
pub const ERROR_HEADER: &str = "sendit-error";

/// What the server says, in that header or in JSON, to a client without the certificate that it has to have.
pub const UNCERTIFIED: &str = "client-certificate";

/// On the answer to `open`: a value that the client repeats, in the same header, on the failures which it answers
/// itself, so that the server's hop can tell them from what a target made up. A target never sees it.
pub const FAULT_KEY_HEADER: &str = "sendit-fault-key";

/// The first segment of the public path, which a session holds: 3 to 64 of `a-z`, `0-9` and `-`. A text is made one by
/// parsing it.
///
/// ```
/// use sendit::wire::{InvalidPrefix, Prefix};
///
/// assert!("my-app".parse::<Prefix>().is_ok());
/// assert_eq!("My App".parse::<Prefix>(), Err(InvalidPrefix));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prefix(String);

/// Why a text is no [`Prefix`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a prefix is 3 to 64 of `a-z`, `0-9` and `-`")]
pub struct InvalidPrefix;

impl FromStr for Prefix {
    type Err = InvalidPrefix;

    fn from_str(text: &str) -> Result<Self, InvalidPrefix> {
        if Self::is_valid(text) { Ok(Self(text.to_owned())) } else { Err(InvalidPrefix) }
    }
}

impl Prefix {
    /// Whether a text is one.
    #[must_use]
    pub fn is_valid(text: &str) -> bool {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        (3..=64).contains(&text.len()) && text.bytes().all(allowed)
    }

    /// The prefix as it stands in a path, without slashes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Prefix {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The public name of a session: 256 random bits in lower-case hexadecimal, as the Go implementation spells it. It
/// names, it does not authorise.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(String);

/// Why a text is no [`SessionId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session's id is 64 lower-case hexadecimal digits")]
pub struct InvalidSessionId;

impl SessionId {
    /// The id that 256 random bits spell.
    #[must_use]
    pub fn from_random(bits: [u8; 32]) -> Self {
        use fmt::Write as _;
        let mut text = String::with_capacity(64);
        for byte in bits {
            write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        }
        Self(text)
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 12 digits, by which a person tells sessions apart.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

impl FromStr for SessionId {
    type Err = InvalidSessionId;

    fn from_str(text: &str) -> Result<Self, InvalidSessionId> {
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == 64 && text.bytes().all(digit) { Ok(Self(text.to_owned())) } else { Err(InvalidSessionId) }
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, valid: bool) {
        assert_eq!(text.parse::<Prefix>().is_ok(), valid, "{text:?}");
    }

    #[test]
    fn prefixes() {
        check("foo", true);
        check("a-1", true);
        check("---", true);
        check(&"a".repeat(64), true);
        check("", false);
        check("fo", false);
        check(&"a".repeat(65), false);
        check("Foo", false);
        check("foo/bar", false);
        check("foo bar", false);
        check("föö", false);
        check("f..", false);
    }

    #[test]
    fn session_ids_survive_a_round_trip() {
        let id = SessionId::from_random([0xa5; 32]);
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert_eq!("A5".repeat(32).parse::<SessionId>(), Err(InvalidSessionId));
        assert_eq!("a5".repeat(31).parse::<SessionId>(), Err(InvalidSessionId));
    }
}
