//! Which status an answer has to have. Pure.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// What is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expectation {
    /// This status.
    Exactly(u16),
    /// One of this hundred.
    Class(u16),
}

impl Expectation {
    pub(super) fn holds(self, status: u16) -> bool {
        match self {
            Self::Exactly(expected) => status == expected,
            Self::Class(hundred) => status / 100 == hundred,
        }
    }
}

impl FromStr for Expectation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no status to expect; write it like `204` or `2xx`");
        let digits = text.strip_suffix("xx").unwrap_or(text);
        let number = digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()));
        match (number, digits.len(), text.len()) {
            (Some(hundred @ 1..=9), 1, 3) => Ok(Self::Class(hundred)),
            (Some(status @ 100..=999), 3, 3) => Ok(Self::Exactly(status)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(status) => write!(f, "{status}"),
            Self::Class(hundred) => write!(f, "{hundred}xx"),
        }
    }
}

impl Serialize for Expectation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_and_classes() {
        for (text, holds, fails) in [("204", 204, 200), ("2xx", 299, 300), ("5xx", 500, 499)] {
            let expected: Expectation = text.parse().unwrap();
            assert_eq!(
                (expected.holds(holds), expected.holds(fails), expected.to_string()),
                (true, false, text.to_owned())
            );
        }
        for text in ["", "2", "20", "2x", "xx", "0xx", "+2xx", "+20", "099", "2000", "ok"] {
            assert_eq!(
                text.parse::<Expectation>(),
                Err(format!("`{text}` is no status to expect; write it like `204` or `2xx`"))
            );
        }
    }
}
