//! Where a doctor looks: the URL of `connect`, or the server's alone.

use std::fmt;
use std::str::FromStr;

use super::super::super::{InvalidUrl, Source};
use crate::wire::Prefix;

/// What stands for a prefix where none is named. It is never asked for.
const NOBODY: &str = "doctor";

/// The URL of a tunnel, or of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub(super) source: Source,
    given: String,
    is_named: bool,
}

impl Place {
    /// The prefix, if the URL names one.
    #[must_use]
    pub fn prefix(&self) -> Option<&Prefix> {
        self.is_named.then(|| self.source.prefix())
    }
}

impl FromStr for Place {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        let given = text.trim().to_owned();
        match text.parse::<Source>() {
            Ok(source) => Ok(Self { source, given, is_named: true }),
            Err(InvalidUrl::SourceWithoutPath(_)) => {
                let source = format!("{}/{NOBODY}", given.trim_end_matches('/')).parse()?;
                Ok(Self { source, given, is_named: false })
            }
            Err(error) => Err(error),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, endpoint: &str, prefix: Option<&str>) {
        let place: Place = text.parse().unwrap();
        assert_eq!(place.source.endpoint("/x").as_str(), endpoint);
        assert_eq!(place.prefix().map(Prefix::as_str), prefix);
        assert_eq!(place.to_string(), text);
    }

    #[test]
    fn places() {
        check("https://host/foo", "https://host/x", Some("foo"));
        check("https://host/base/foo", "https://host/base/x", Some("foo"));
        check("https://host", "https://host/x", None);
        check("http://host:81/", "http://host:81/x", None);
        assert_eq!("host".parse::<Place>(), Err(InvalidUrl::Scheme("host".to_owned())));
    }
}
