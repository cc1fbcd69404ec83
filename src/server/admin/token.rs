//! What whoever runs a server shows it. Knows no header.

use std::str::FromStr;
use std::sync::Arc;

use subtle::ConstantTimeEq as _;

/// The fewest characters: what has fewer can be found by trying, and nobody counts the tries.
const LEAST: usize = 32;

/// The admin token. It has no `Debug`, so that it cannot reach a log.
#[derive(Clone)]
pub struct Token(Arc<str>);

/// Why a text is no [`Token`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an admin token is 32 visible characters or more; `openssl rand -hex 32` makes one")]
pub struct InvalidToken;

impl FromStr for Token {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        let fits = text.len() >= LEAST && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.into())) } else { Err(InvalidToken) }
    }
}

impl Token {
    /// The token as it is sent.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Compares in a time that tells nothing of where they differ.
    pub(super) fn is(&self, shown: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(shown).into()
    }
}
