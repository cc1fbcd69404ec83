//! A name and a password that visitors have to give. Knows no header.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a visitor has to know, as `USER:PASS`. It has no `Debug`, so that it cannot reach a log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Credentials(String);

/// Why a text is no [`Credentials`]. It does not repeat the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a user and a password are written `USER:PASS`, neither empty, without control characters")]
pub struct InvalidCredentials;

impl Credentials {
    /// Name and password with a colon between them, as they are compared.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for Credentials {
    type Err = InvalidCredentials;

    /// Of several colons the first counts: a name has none. (RFC 7617, section 2)
    fn from_str(text: &str) -> Result<Self, InvalidCredentials> {
        let whole = text.split_once(':').is_some_and(|(user, pass)| !user.is_empty() && !pass.is_empty());
        if whole && !text.chars().any(char::is_control) { Ok(Self(text.to_owned())) } else { Err(InvalidCredentials) }
    }
}

impl TryFrom<String> for Credentials {
    type Error = InvalidCredentials;

    fn try_from(text: String) -> Result<Self, InvalidCredentials> {
        text.parse()
    }
}

impl From<Credentials> for String {
    fn from(credentials: Credentials) -> Self {
        credentials.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        for (text, valid) in [
            ("u:p", true),
            ("u:p:q", true),
            ("ü: p ", true),
            ("", false),
            (":", false),
            ("u", false),
            ("u:", false),
            (":p", false),
            ("u:p\n", false),
            ("u:\u{7f}", false),
        ] {
            assert_eq!(text.parse::<Credentials>().is_ok(), valid, "{text:?}");
        }
    }
}
