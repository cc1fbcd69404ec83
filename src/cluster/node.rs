//! What tells servers of a cluster apart, and from strangers.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use url::Url;

use crate::wire::SessionId;

/// One run of one server: 64 random bits, new at each start, so that what a process held is never taken for what the next
/// one holds at the same address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u64);

/// Why a text is no [`NodeId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a server's id is 16 lower-case hexadecimal digits")]
pub struct InvalidNodeId;

impl NodeId {
    /// How many digits spell one.
    pub const DIGITS: usize = 16;

    /// The id that 64 random bits are.
    #[must_use]
    pub fn from_random(bits: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bits))
    }

    /// The node that a session lives on: the last digits of the session's id say it, so whoever has a carrier knows where it
    /// belongs without asking anybody. The first ones tell sessions apart for people. The id of a session of a server that is alone
    /// names no node that there is.
    #[must_use]
    pub fn of(session: &SessionId) -> Self {
        let id = session.as_str().as_bytes();
        let digits = id[id.len() - Self::DIGITS..].iter();
        let value = |digit: &u8| u64::from(digit - if digit.is_ascii_digit() { b'0' } else { b'a' - 10 });
        Self(digits.fold(0, |bits, digit| bits << 4 | value(digit)))
    }

    /// Makes of the random bits of a session's id those of a session of this node.
    #[must_use]
    pub fn mark(self, mut bits: [u8; 32]) -> [u8; 32] {
        bits[24..].copy_from_slice(&self.to_bytes());
        bits
    }

    /// The first half of its digits, by which a person tells the few nodes of a list apart.
    #[must_use]
    pub fn short(self) -> String {
        format!("{:08x}", self.0 >> 32)
    }

    /// The same bits.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for NodeId {
    type Err = InvalidNodeId;

    fn from_str(text: &str) -> Result<Self, InvalidNodeId> {
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != Self::DIGITS || !text.bytes().all(digit) {
            return Err(InvalidNodeId);
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| InvalidNodeId)
    }
}

/// A server of the cluster, as the others know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Which run of it.
    pub id: NodeId,
    /// Where the others reach it.
    pub address: SocketAddr,
    /// Where clients reach it and no other, where there is such a URL.
    pub url: Option<Url>,
    /// How many sessions it has.
    pub sessions: u64,
    /// It is about to stop, and is given nothing new.
    pub draining: bool,
}

/// What the servers of a cluster know, and nobody else.
#[derive(Clone)]
pub struct Secret(Box<[u8]>);

/// Why a text is no [`Secret`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cluster secret has 32 bytes at least")]
pub struct WeakSecret;

impl Secret {
    /// The secret that these bytes are.
    ///
    /// # Errors
    /// Where they could be guessed: there are fewer than 32.
    pub fn new(bytes: &[u8]) -> Result<Self, WeakSecret> {
        if bytes.len() < 32 { Err(WeakSecret) } else { Ok(Self(bytes.into())) }
    }

    /// Its bytes, to key a MAC with.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// A key for this one purpose, the same at each node.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "a key of any length will do")]
    pub fn key_for(&self, purpose: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length will do");
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_session_says_which_node_it_lives_on(node: [u8; 8], bits: [u8; 32]) {
            let node = NodeId::from_random(node);
            let marked = node.mark(bits);
            prop_assert_eq!(NodeId::of(&SessionId::from_random(marked)), node);
            prop_assert_eq!(&marked[..24], &bits[..24]);
        }

        #[test]
        fn what_is_written_is_read(bits: [u8; 8]) {
            let node = NodeId::from_random(bits);
            prop_assert_eq!(node.to_string().parse(), Ok(node));
            prop_assert_eq!(node.short(), &node.to_string()[..8]);
        }

        #[test]
        fn any_text_is_read(text: String) {
            let _ = text.parse::<NodeId>();
        }
    }

    #[test]
    fn what_is_no_id_and_no_secret() {
        for text in ["", "0123456789abcde", "0123456789ABCDEF", "+123456789abcdef", "0123456789abcdef0"] {
            assert_eq!(text.parse::<NodeId>(), Err(InvalidNodeId), "{text}");
        }
        assert!(Secret::new(&[0; 31]).is_err());
        assert_eq!(format!("{:?}", Secret::new(&[7; 32]).unwrap()), "Secret");
    }
}
