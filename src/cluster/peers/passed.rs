//! What one node tells another of a request beside it, in one header: of the visitor, where it is one's, and that it is the node's own.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use http::{HeaderValue, Version};

/// The header. What a visitor says under this name is never believed: whoever passes a request on takes it off first.
pub(super) const PASSED: &str = "sendit-passed";

/// What is known of a request by whoever took it in, and not from the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// The other end of the visitor's connection, where the node accepted that itself.
    pub visitor: Option<SocketAddr>,
    /// Whether that connection is TLS.
    pub secure: bool,
    /// The HTTP that is spoken on it: 1.0, 1.1 or 2.
    pub version: Version,
    /// Whose request it is. Nothing that a visitor says can change it.
    pub errand: Errand,
}

/// Whose request it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// A visitor's, or a client's.
    Visit,
    /// The node's own.
    Ask,
}

/// Why a text is no [`Passed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it has to be `ADDRESS:PORT|- tls|plain 1.0|1.1|2 visit|ask`")]
pub struct InvalidPassed;

impl Passed {
    pub(super) fn to_header(self) -> HeaderValue {
        HeaderValue::try_from(self.to_string()).expect("it is of digits, letters and a few signs")
    }
}

/// What stands for a visitor that is not known.
const NONE: &str = "-";

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.visitor {
            Some(visitor) => write!(f, "{visitor}")?,
            None => f.write_str(NONE)?,
        }
        let version = match self.version {
            Version::HTTP_10 => "1.0",
            Version::HTTP_2 => "2",
            _ => "1.1",
        };
        let transport = if self.secure { "tls" } else { "plain" };
        let errand = match self.errand {
            Errand::Visit => "visit",
            Errand::Ask => "ask",
        };
        write!(f, " {transport} {version} {errand}")
    }
}

impl FromStr for Passed {
    type Err = InvalidPassed;

    fn from_str(text: &str) -> Result<Self, InvalidPassed> {
        let words: Vec<&str> = text.splitn(5, ' ').collect();
        let [visitor, secure, version, errand] = words[..] else { return Err(InvalidPassed) };
        let passed = Self {
            visitor: match visitor {
                NONE => None,
                address => Some(address.parse().map_err(|_| InvalidPassed)?),
            },
            secure: match secure {
                "tls" => true,
                "plain" => false,
                _ => return Err(InvalidPassed),
            },
            version: match version {
                "1.0" => Version::HTTP_10,
                "1.1" => Version::HTTP_11,
                "2" => Version::HTTP_2,
                _ => return Err(InvalidPassed),
            },
            errand: match errand {
                "visit" => Errand::Visit,
                "ask" => Errand::Ask,
                _ => return Err(InvalidPassed),
            },
        };
        Ok(passed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_told_is_read(
            address: Option<(std::net::IpAddr, u16)>,
            secure: bool,
            version in prop::sample::select(vec![Version::HTTP_10, Version::HTTP_11, Version::HTTP_2]),
            errand in prop::sample::select(vec![Errand::Visit, Errand::Ask]),
        ) {
            let passed = Passed { visitor: address.map(Into::into), secure, version, errand };
            prop_assert_eq!(passed.to_string().parse(), Ok(passed));
        }

        #[test]
        fn any_text_is_read(text: String) {
            let _ = text.parse::<Passed>();
        }

        #[test]
        fn words_in_any_order_are_read_or_refused(words in prop::collection::vec(
            prop::sample::select(vec!["-", "tls", "plain", "1.0", "1.1", "2", "127.0.0.1:80", "[::1]:80", "visit", "ask", ""]), 0..6,
        )) {
            let text = words.join(" ");
            if let Ok(passed) = text.parse::<Passed>() {
                prop_assert_eq!(passed.to_string(), text);
            }
        }
    }

    #[test]
    fn texts() {
        let passed = Passed {
            visitor: Some(SocketAddr::from(([192, 0, 2, 1], 80))),
            secure: true,
            version: Version::HTTP_11,
            errand: Errand::Visit,
        };
        assert_eq!(passed.to_string(), "192.0.2.1:80 tls 1.1 visit");
        for text in [
            "",
            "- tls 1.1",
            "- tls 1.1 - visit",
            "- tls 1.1 visit ask",
            "- tls 1.1 Ask",
            "- TLS 1.1 ask",
            "192.0.2.1 tls 1.1 ask",
            "- tls 3 ask",
        ] {
            assert_eq!(text.parse::<Passed>(), Err(InvalidPassed), "{text}");
        }
    }
}
