//! The URL by which a visitor called, as far as a request tells that reached the target: its path alone is not what was
//! asked for where a prefix was stripped, and its host may be another. Knows nothing of who calls.

use std::fmt;
use std::str::FromStr;

use super::request::Request;

/// Where a tunnel stands, as its client was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    pub(super) scheme: String,
    pub(super) host: String,
    /// Empty, or with a slash at its beginning and none at its end.
    pub(super) path: String,
}

/// A text that is no URL with a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the URL of a tunnel is written like `https://example.com/my-app`")]
pub struct InvalidSite;

impl FromStr for Site {
    type Err = InvalidSite;

    fn from_str(text: &str) -> Result<Self, InvalidSite> {
        let (scheme, rest) = text.split_once("://").ok_or(InvalidSite)?;
        let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if scheme.is_empty() || host.is_empty() {
            return Err(InvalidSite);
        }
        let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
        Ok(Self { scheme: scheme.to_ascii_lowercase(), host: host.to_owned(), path: path.to_owned() })
    }
}

/// A URL by its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub(super) scheme: String,
    /// With its port, where it has one.
    pub(super) host: String,
    /// What was taken off the path; with a slash at its beginning and none at its end, or empty.
    pub(super) prefix: String,
    /// What is left of it, with its query.
    pub(super) path: String,
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}{}{}", self.scheme, self.host, self.prefix, self.path)
    }
}

impl Address {
    /// What the server's hop, or a proxy before it, says of the visitor's URL. Where neither does, the tunnel's `site` is
    /// believed, then the `Host` that the target was told; none where nobody names a host.
    #[must_use]
    pub fn of(request: &Request<'_>, site: Option<&Site>) -> Option<Self> {
        // Of several proxies the first is the one that the visitor spoke to.
        let said = |name: &str| {
            let first = request.header(name)?.split(',').next()?.trim();
            Some(first.to_owned()).filter(|value| !value.is_empty())
        };
        let scheme = said("x-forwarded-proto").map(|scheme| scheme.to_ascii_lowercase());
        let host = said("x-forwarded-host").or_else(|| site.map(|site| site.host.clone())).or_else(|| said("host"))?;
        let prefix = said("x-forwarded-prefix").filter(|prefix| prefix.starts_with('/')).unwrap_or_default();
        Some(Self {
            scheme: scheme.or_else(|| site.map(|site| site.scheme.clone())).unwrap_or_else(|| "http".to_owned()),
            host,
            prefix: prefix.trim_end_matches('/').to_owned(),
            path: String::from_utf8_lossy(request.path).into_owned(),
        })
    }

    /// The host without its port.
    pub(super) fn name(&self) -> &str {
        match self.host.rsplit_once(':') {
            // What stands behind the last colon of an address in brackets is no port, nor is a password.
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => &self.host,
        }
    }

    /// The port, where it is written.
    pub(super) fn port(&self) -> Option<&str> {
        self.host.strip_prefix(self.name())?.strip_prefix(':')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::exchange::Message;

    #[track_caller]
    fn check(headers: &str, site: Option<&str>, expected: Option<&str>) {
        let head = format!("GET /a%2Fb?c HTTP/1.1\r\n{headers}\r\n").into_bytes();
        let message = Message { head, ..Message::default() };
        let site = site.map(|site| site.parse().unwrap());
        let seen = Address::of(&Request::of(&message), site.as_ref());
        assert_eq!(seen.map(|address| address.to_string()).as_deref(), expected);
    }

    #[test]
    fn the_url_by_which_a_visitor_called() {
        check("", None, None);
        check("Host: in:1\r\n", None, Some("http://in:1/a%2Fb?c"));
        check("Host: in\r\n", Some("https://out/x/"), Some("https://out/a%2Fb?c"));
        let said = "X-Forwarded-Proto: HTTPS, http\r\nX-Forwarded-Host: out:8443, mid\r\nX-Forwarded-Prefix: /p/\r\n";
        check(said, Some("http://other"), Some("https://out:8443/p/a%2Fb?c"));
        check("Host: \r\nX-Forwarded-Prefix: p\r\nX-Forwarded-Host: \u{e4}\r\n", None, Some("http://\u{e4}/a%2Fb?c"));
    }

    #[test]
    fn sites() {
        let parts = |text: &str| text.parse::<Site>().map(|site| [site.scheme, site.host, site.path]);
        assert_eq!(parts("HTTPS://a.example:1/b/c/?d#e"), Ok(["https", "a.example:1", "/b/c"].map(ToOwned::to_owned)));
        assert_eq!(parts("http://a"), Ok(["http", "a", ""].map(ToOwned::to_owned)));
        for text in ["", "a.example", "http:///x", "://a"] {
            assert_eq!(parts(text), Err(InvalidSite), "{text}");
        }
    }

    #[test]
    fn ports() {
        let ports = |host: &str| {
            let address =
                Address { scheme: String::new(), host: host.to_owned(), prefix: String::new(), path: String::new() };
            (address.name().to_owned(), address.port().map(ToOwned::to_owned))
        };
        assert_eq!(ports("a"), ("a".to_owned(), None));
        assert_eq!(ports("a:1"), ("a".to_owned(), Some("1".to_owned())));
        assert_eq!(ports("[::1]"), ("[::1]".to_owned(), None));
        assert_eq!(ports("u:p@a"), ("u:p@a".to_owned(), None));
        assert_eq!(ports("[::1]:2"), ("[::1]".to_owned(), Some("2".to_owned())));
    }
}
