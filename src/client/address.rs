//! The two URLs that a client is given: where the public finds the tunnel, and which local service answers. Knows
//! their rules, not how they are reached.

use std::fmt;
use std::str::FromStr;

use url::{ParseError, Url};

use crate::wire::{InvalidPrefix, Prefix};

/// Why a URL is refused. The text says what to change.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    /// It is no absolute URL.
    #[error("`{0}` is no URL; write it like `https://host/prefix`")]
    Syntax(String),
    /// A destination is no absolute URL.
    #[error("`{0}` is no URL; write it like `http://localhost:3000`")]
    DestinationSyntax(String),
    /// It has no scheme, or one that is neither `http` nor `https`.
    #[error("`{0}` must start with `https://` or `http://`, like `https://host/prefix`")]
    Scheme(String),
    /// A destination's scheme is none of those that a service may have.
    #[error("`{0}` must start with `http://`, `https://` or `h2c://`, like `http://localhost:3000`")]
    DestinationScheme(String),
    /// It carries a user, a query or a fragment, which have no meaning here.
    #[error("`{0}` must have no user, no `?` and no `#`")]
    Surplus(String),
    /// The source has no path.
    #[error("the source URL `{0}` needs a path whose last segment is the prefix, like `https://host/prefix`")]
    SourceWithoutPath(String),
    /// The source's last segment is no prefix.
    #[error("the source URL `{url}` ends in no valid prefix: {cause}")]
    Prefix {
        /// The URL as given.
        url: String,
        /// What is wrong with its last segment.
        cause: InvalidPrefix,
    },
    /// The destination has a path.
    #[error("the destination URL `{0}` must have no path: paths are forwarded whole, prefix included")]
    DestinationWithPath(String),
}

impl InvalidUrl {
    /// The same of the text as it was given, of a destination.
    fn about(self, given: &str) -> Self {
        let text = given.to_owned();
        match self {
            Self::Syntax(_) => Self::DestinationSyntax(text),
            Self::Scheme(_) => Self::DestinationScheme(text),
            Self::Surplus(_) => Self::Surplus(text),
            other => other,
        }
    }
}

/// How a destination is given that speaks HTTP/2 without TLS.
const H2C: &str = "h2c://";

fn parse_http(text: &str) -> Result<Url, InvalidUrl> {
    let url = Url::parse(text.trim()).map_err(|error| match error {
        // `localhost:1/x` has the scheme `localhost`, and `a.example/x` none: to who typed them they are alike.
        ParseError::RelativeUrlWithoutBase => InvalidUrl::Scheme(text.to_owned()),
        _ => InvalidUrl::Syntax(text.to_owned()),
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(InvalidUrl::Scheme(text.to_owned()));
    }
    let surplus =
        url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some();
    if surplus { Err(InvalidUrl::Surplus(text.to_owned())) } else { Ok(url) }
}

/// The public side of a tunnel: the server's base URL and the prefix below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    url: Url,
    prefix: Prefix,
}

impl Source {
    /// The prefix to reserve: the last segment of the path.
    #[must_use]
    pub fn prefix(&self) -> &Prefix {
        &self.prefix
    }

    /// The public URL, as visitors use it.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The URL of a control endpoint: what stands before the prefix, then `path`, which starts with a slash.
    #[must_use]
    pub fn endpoint(&self, path: &str) -> Url {
        let base = self.url.path().strip_suffix(self.prefix.as_str()).unwrap_or_default();
        let path = format!("{}{path}", base.trim_end_matches('/'));
        let mut url = self.url.clone();
        url.set_path(&path);
        url
    }
}

impl FromStr for Source {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        let mut url = parse_http(text)?;
        let path = url.path().trim_end_matches('/').to_owned();
        let segment = path.rsplit('/').next().unwrap_or_default();
        if segment.is_empty() {
            return Err(InvalidUrl::SourceWithoutPath(text.to_owned()));
        }
        let prefix = segment.parse().map_err(|cause| InvalidUrl::Prefix { url: text.to_owned(), cause })?;
        url.set_path(&path);
        Ok(Self { url, prefix })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

/// The local service that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    url: Url,
    /// It was given as `h2c://`; the URL has `http` in that place, whose rules are the same.
    http2: bool,
}

impl Target {
    /// Whether the service speaks TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether the service speaks HTTP/2 from the first byte on, without TLS.
    #[must_use]
    pub fn is_http2(&self) -> bool {
        self.http2
    }

    /// Host and port as the service expects them in `Host`.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.url.authority()
    }

    /// The host, without the brackets of an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        let host = self.url.host_str().unwrap_or_default();
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    /// The TCP port, the scheme's own where none was given.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or_default()
    }
}

impl FromStr for Target {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        let rest = text.trim().strip_prefix(H2C);
        let url = match rest {
            Some(rest) => parse_http(&format!("http://{rest}")),
            None => parse_http(text),
        };
        let url = url.map_err(|invalid| invalid.about(text))?;
        if url.path() != "/" {
            return Err(InvalidUrl::DestinationWithPath(text.to_owned()));
        }
        Ok(Self { url, http2: rest.is_some() })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.url.as_str().trim_end_matches('/');
        match text.strip_prefix("http://").filter(|_| self.http2) {
            Some(rest) => write!(f, "{H2C}{rest}"),
            None => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn source(text: &str, expected: Result<(&str, &str), &str>) {
        let parsed =
            text.parse::<Source>().map(|source| (source.prefix().to_string(), source.endpoint("/x").to_string()));
        assert_eq!(
            parsed.as_ref().map(|(prefix, endpoint)| (prefix.as_str(), endpoint.as_str())).map_err(ToString::to_string),
            expected.map_err(ToOwned::to_owned)
        );
    }

    #[test]
    fn sources() {
        source("https://host/foo", Ok(("foo", "https://host/x")));
        source("https://host/foo/", Ok(("foo", "https://host/x")));
        source("http://host:81/base/more/foo", Ok(("foo", "http://host:81/base/more/x")));
        source("http://[::1]:81/foo/foo", Ok(("foo", "http://[::1]:81/foo/x")));
        source(
            "https://host",
            Err(
                "the source URL `https://host` needs a path whose last segment is the prefix, like `https://host/prefix`",
            ),
        );
        source(
            "https://host/Foo",
            Err(
                "the source URL `https://host/Foo` ends in no valid prefix: a prefix is 3 to 64 of `a-z`, `0-9` and `-`",
            ),
        );
        source("host/foo", Err("`host/foo` must start with `https://` or `http://`, like `https://host/prefix`"));
        for other in ["ftp://host/foo", "localhost:5050/foo"] {
            let sentence = format!("`{other}` must start with `https://` or `http://`, like `https://host/prefix`");
            source(other, Err(&sentence));
        }
        source("https://a b/foo", Err("`https://a b/foo` is no URL; write it like `https://host/prefix`"));
        source("http://host/foo?x", Err("`http://host/foo?x` must have no user, no `?` and no `#`"));
        source("http://u:p@host/foo", Err("`http://u:p@host/foo` must have no user, no `?` and no `#`"));
    }

    #[track_caller]
    fn target(text: &str, expected: Result<(&str, u16, bool, &str), &str>) {
        let parsed = text.parse::<Target>();
        let seen = parsed.as_ref().map(|target| (target.host(), target.port(), target.is_tls(), target.to_string()));
        assert_eq!(
            seen.as_ref()
                .map(|(host, port, tls, text)| (*host, *port, *tls, text.as_str()))
                .map_err(ToString::to_string),
            expected.map_err(ToOwned::to_owned)
        );
    }

    #[test]
    fn targets() {
        target("http://localhost:3030", Ok(("localhost", 3030, false, "http://localhost:3030")));
        target("https://localhost", Ok(("localhost", 443, true, "https://localhost")));
        target("http://[::1]:80/", Ok(("::1", 80, false, "http://[::1]")));
        target(
            "http://localhost/x",
            Err(
                "the destination URL `http://localhost/x` must have no path: paths are forwarded whole, prefix included",
            ),
        );
        for other in ["localhost:3030", "3000"] {
            let sentence =
                format!("`{other}` must start with `http://`, `https://` or `h2c://`, like `http://localhost:3000`");
            target(other, Err(&sentence));
        }
        target("h2c://localhost:50051", Ok(("localhost", 50_051, false, "h2c://localhost:50051")));
        target("h2c://[::1]/", Ok(("::1", 80, false, "h2c://[::1]")));
        target("h2c://u@localhost", Err("`h2c://u@localhost` must have no user, no `?` and no `#`"));
        target("h2c://", Err("`h2c://` is no URL; write it like `http://localhost:3000`"));
        for (text, http2) in [("h2c://a:1", true), ("http://a:1", false)] {
            let target: Target = text.parse().unwrap();
            assert_eq!((target.is_http2(), target.authority()), (http2, "a:1"));
        }
    }
}
