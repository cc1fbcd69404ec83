//! What a server says of visitors who have waited for its client: of one at the beginning of its stream, and of all of them
//! in the heads of carriers' answers.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// In the answer to a carrier, how many have waited: a [`Waits`]. Left out while nobody has.
pub const WAITS_HEADER: &str = "sendit-waits";

/// By which name a server grants that it says [`Waited`].
pub const WAITS: &str = "waits";

/// How long the visitor of a stream has waited for the client. It stands before the first byte that is the target's, where
/// there was a wait, or where that byte could be taken for the mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waited(pub Duration);

impl Waited {
    /// The first of its bytes. No request begins with it, of whatever version of HTTP.
    pub const MARK: u8 = 0;

    /// How many bytes it has.
    pub const LEN: usize = 5;

    /// As it stands on the stream: the mark, and milliseconds.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        let [a, b, c, d] = u32::try_from(self.0.as_millis()).unwrap_or(u32::MAX).to_be_bytes();
        [Self::MARK, a, b, c, d]
    }

    /// What the beginning of a stream says of it, and what follows. Of one that is not whole nothing is said.
    #[must_use]
    pub fn split(begin: &[u8]) -> (Self, &[u8]) {
        match begin {
            [Self::MARK, a, b, c, d, rest @ ..] => {
                let millis = u32::from_be_bytes([*a, *b, *c, *d]);
                (Self(Duration::from_millis(millis.into())), rest)
            }
            [Self::MARK, ..] => (Self::default(), &[]),
            rest => (Self::default(), rest),
        }
    }
}

/// How many visitors of a session have waited for its client since it began. Both numbers only rise, so that whichever answer
/// is lost, the next one says all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// How many there were, those who still wait included.
    pub waited: u64,
    /// How many of them have left, or were told that nobody came.
    pub in_vain: u64,
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.waited, self.in_vain)
    }
}

/// A text that is no [`Waits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("how many have waited is two numbers with a space between them")]
pub struct InvalidWaits;

impl FromStr for Waits {
    type Err = InvalidWaits;

    fn from_str(text: &str) -> Result<Self, InvalidWaits> {
        let (waited, in_vain) = text.split_once(' ').ok_or(InvalidWaits)?;
        let number = |text: &str| text.parse().map_err(|_| InvalidWaits);
        Ok(Self { waited: number(waited)?, in_vain: number(in_vain)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(begin: &[u8], millis: u64, rest: &[u8]) {
        assert_eq!(Waited::split(begin), (Waited(Duration::from_millis(millis)), rest));
    }

    #[test]
    fn a_stream_says_at_its_beginning_how_long_it_was_waited_for() {
        for (waited, said) in [(0, 0), (1_800, 1_800), (u64::MAX, u64::from(u32::MAX))] {
            let bytes = Waited(Duration::from_millis(waited)).to_bytes();
            check(&[&bytes[..], b"GET /"].concat(), said, b"GET /");
            check(&bytes, said, b"");
            check(&bytes[..3], 0, b"");
        }
        check(b"GET /", 0, b"GET /");
        check(b"PRI * HTTP/2.0", 0, b"PRI * HTTP/2.0");
        check(b"", 0, b"");
    }

    #[test]
    fn how_many_have_waited() {
        let waits = Waits { waited: 4, in_vain: 1 };
        assert_eq!((waits.to_string().as_str(), waits.to_string().parse()), ("4 1", Ok(waits)));
        for wrong in ["", "4", "4 ", " 1", "4 1 1", "-4 1", "4, 1", "18446744073709551616 0"] {
            assert_eq!(wrong.parse::<Waits>(), Err(InvalidWaits), "{wrong}");
        }
    }
}
