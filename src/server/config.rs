//! What a server has to be told.

use std::str::FromStr;
use std::time::Duration;

use url::Url;

use super::{Cluster, Domain, Limits, Threads};
use crate::auth::Keys;
use crate::proxy::Trusted;

/// What a server needs to know.
pub struct Config {
    /// What auth tokens are checked against. Without it anybody may open a session.
    pub keys: Option<Keys>,
    /// Below which path the server lives.
    pub base: BasePath,
    /// The domain below which each prefix is a host as well, where there is one.
    pub domain: Option<Domain>,
    /// The address that visitors use, where it is known: redirects never leave it.
    pub public_url: Option<Url>,
    /// What is done with a visitor who came over plain HTTP, as `X-Forwarded-Proto` says.
    pub plain_http: PlainHttp,
    /// The wall clock, in Unix seconds, that auth tokens are dated by.
    pub clock: fn() -> u64,
    /// How much of everything there may be.
    pub limits: Limits,
    /// How long the client of a new session may take to bring its first carrier, on wire v2.
    pub ready_within: Duration,
    /// How long a session, and its prefix, wait for a client that is gone.
    pub grace: Duration,
    /// The longest that a client may have its visitors wait for it.
    pub max_hold: Duration,
    /// Whose word on where a visitor comes from is believed.
    pub trusted: Trusted,
    /// How exchanges are logged, where anything is at `info`.
    pub access_log: AccessLog,
    /// How long a target may take to answer once it has a whole request; none is as long as it likes.
    pub target_timeout: Option<Duration>,
    /// Where sessions live.
    pub threads: Threads,
    /// The others, where the server is one of several.
    pub cluster: Option<Cluster>,
}

impl Config {
    /// A server at the root of its address, with the usual limits; each session has a grace of 60 s. It believes proxies
    /// on loopback, and has no thread of its own.
    #[must_use]
    pub fn new(keys: Option<Keys>, clock: fn() -> u64) -> Self {
        Self {
            keys,
            base: BasePath::default(),
            domain: None,
            public_url: None,
            plain_http: PlainHttp::Serve,
            clock,
            limits: Limits::default(),
            ready_within: Duration::from_secs(15),
            grace: Duration::from_secs(60),
            max_hold: Duration::from_secs(60),
            trusted: Trusted::default(),
            access_log: AccessLog::Path,
            target_timeout: None,
            threads: Threads::default(),
            cluster: None,
        }
    }
}

/// What is done with a visitor who came over plain HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainHttp {
    /// It is served.
    Serve,
    /// It is sent to the same address under `https`, with status 307.
    Redirect,
}

/// How exchanges are logged: one line each, at `info`, with the target `sendit::access`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessLog {
    /// Not at all.
    Off,
    /// With the path, without the query.
    Path,
    /// With the query too, in which secrets may stand.
    PathAndQuery,
}

/// The path below which a server lives: empty, or segments each with a slash before them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BasePath(String);

/// Why a text is no [`BasePath`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a path prefix is segments of letters, digits and `-._~`, with slashes between them")]
pub struct InvalidBasePath;

impl FromStr for BasePath {
    type Err = InvalidBasePath;

    fn from_str(text: &str) -> Result<Self, InvalidBasePath> {
        let segments = || text.split('/').filter(|segment| !segment.is_empty());
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let valid = segments().all(|segment| segment.bytes().all(plain) && segment != "." && segment != "..");
        if !valid {
            return Err(InvalidBasePath);
        }
        Ok(Self(segments().flat_map(|segment| ["/", segment]).collect()))
    }
}

impl BasePath {
    /// The path without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The segment of `path` that names the tunnel: the first one below the base.
    #[must_use]
    pub fn prefix_of<'a>(&self, path: &'a str) -> Option<&'a str> {
        let below = path.strip_prefix(&self.0)?.strip_prefix('/')?;
        below.split('/').next().filter(|segment| !segment.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(base: &str, path: &str, prefix: Option<&str>) {
        let base: BasePath = base.parse().expect("a base path");
        assert_eq!(base.prefix_of(path), prefix);
    }

    #[test]
    fn a_prefix_is_a_whole_segment() {
        check("", "/foo/x", Some("foo"));
        check("", "/foo", Some("foo"));
        check("", "/foobar", Some("foobar"));
        check("", "/", None);
        check("", "//foo", None);
        check("", "*", None);
        check("/", "/foo", Some("foo"));
        check("a/b", "/a/b/foo/x", Some("foo"));
        check("/a/b/", "/a/b", None);
        check("/a", "/ab/foo", None);
        check("/a", "/foo", None);
    }

    #[test]
    fn base_paths() {
        for refused in ["a b", "a?b", "..", "a/./b", "ä"] {
            assert_eq!(refused.parse::<BasePath>(), Err(InvalidBasePath), "{refused}");
        }
    }
}
