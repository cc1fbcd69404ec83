//! The domain below which each tunnel has a host of its own: which tunnel a host names, and the address that a tunnel has
//! there. Pure functions of text.

use std::str::FromStr;

use http::Request;
use http::header::HOST;

use super::Config;
use crate::proxy::{Visitor, X_FORWARDED_PROTO};
use crate::wire::Prefix;

/// The longest that a label may be. (RFC 1035, section 2.3.4)
const MAX_LABEL: usize = 63;

/// A domain below which each prefix is a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain(String);

/// Why a text is no [`Domain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a domain is labels of letters, digits and `-`, with dots between them, like `tunnel.example.com`")]
pub struct InvalidDomain;

impl FromStr for Domain {
    type Err = InvalidDomain;

    fn from_str(text: &str) -> Result<Self, InvalidDomain> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        // Where the last is a number it is an address. (WHATWG URL, section 3.5)
        let is_address = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
        let valid = name.split('.').all(is_label) && !is_address;
        if valid { Ok(Self(name)) } else { Err(InvalidDomain) }
    }
}

/// Whether a name can be one of those that a host's is made of.
fn is_label(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=MAX_LABEL).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with('-') && !name.ends_with('-')
}

impl Domain {
    /// The name, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the domain in a host, with a port or without: the name of a tunnel, in lower case, if it is any.
    /// None where the host is not below the domain.
    pub(super) fn tunnel_at(&self, host: &str) -> Option<String> {
        let host = without_port(host);
        let host = host.strip_suffix('.').unwrap_or(host);
        let at = host.len().checked_sub(self.0.len())?;
        let (below, domain) = (host.get(..at)?, host.get(at..)?);
        let name = below.strip_suffix('.').filter(|name| !name.is_empty())?;
        domain.eq_ignore_ascii_case(&self.0).then(|| name.to_ascii_lowercase())
    }

    /// The same of what a request says of its host. The two places where it may are compared elsewhere.
    pub(super) fn tunnel_of<B>(&self, request: &Request<B>) -> Option<String> {
        self.tunnel_at(host(request)?)
    }

    /// Where visitors find the tunnel of a client that has asked by this request. None where its prefix makes no host.
    pub(super) fn url<B>(
        &self,
        prefix: &Prefix,
        config: &Config,
        by: &Visitor,
        request: &Request<B>,
    ) -> Option<String> {
        let (scheme, port) = if let Some(url) = &config.public_url {
            (url.scheme(), url.port().map(|port| port.to_string()))
        } else {
            came_by(config, by, request)
        };
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        is_label(prefix.as_str()).then(|| format!("{scheme}://{prefix}.{}{port}", self.0))
    }
}

/// The scheme and port that a request came by, as far as that is known: a proxy that is trusted has the word on the scheme.
fn came_by<B>(config: &Config, by: &Visitor, request: &Request<B>) -> (&'static str, Option<String>) {
    let is_trusted = by.address().is_some_and(|peer| config.trusted.contains(peer));
    let said = request.headers().get(X_FORWARDED_PROTO).is_some_and(|proto| proto == "https");
    let scheme = if by.is_secure() || is_trusted && said { "https" } else { "http" };
    let port = host(request).and_then(|host| host.strip_prefix(without_port(host))?.strip_prefix(':'));
    (scheme, port.map(str::to_owned))
}

/// The host that a request asks for. Which of the two says it, is a matter of the version of HTTP.
pub(super) fn host<B>(request: &Request<B>) -> Option<&str> {
    match request.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => request.headers().get(HOST)?.to_str().ok(),
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;

    #[test]
    fn domains() {
        for (text, name) in [
            ("tunnel.example.com", Some("tunnel.example.com")),
            ("Tunnel.Example.com.", Some("tunnel.example.com")),
            ("localhost", Some("localhost")),
            ("", None),
            (".", None),
            ("a..b", None),
            ("-a.b", None),
            ("a_b.c", None),
            ("a.b:80", None),
            ("*.a.b", None),
            ("127.0.0.1", None),
            ("[::1]", None),
            ("https://a.b", None),
        ] {
            assert_eq!(text.parse().ok(), name.map(|name| Domain(name.to_owned())), "{text}");
        }
    }

    #[test]
    fn a_host_names_a_tunnel_or_none() {
        let domain: Domain = "tunnel.example.com".parse().unwrap();
        for (host, name) in [
            ("my-app.tunnel.example.com", Some("my-app")),
            ("My-App.Tunnel.EXAMPLE.com", Some("my-app")),
            ("my-app.tunnel.example.com:8443", Some("my-app")),
            ("my-app.tunnel.example.com.", Some("my-app")),
            ("my-app.tunnel.example.com.:80", Some("my-app")),
            ("my-app.tunnel.example.com:", Some("my-app")),
            // Below it, and no tunnel's: it is for nobody else to answer.
            ("a.my-app.tunnel.example.com", Some("a.my-app")),
            ("tunnel.example.com", None),
            (".tunnel.example.com", None),
            ("tunnel.example.com:80", None),
            ("my-apptunnel.example.com", None),
            ("my-app.tunnel.example.com..", None),
            ("my-app.tunnel.example.com.evil.example", None),
            ("my-app.example.com", None),
            ("127.0.0.1:80", None),
            ("[::1]:80", None),
            ("", None),
            ("ä", None),
        ] {
            assert_eq!(domain.tunnel_at(host).as_deref(), name, "{host}");
        }
    }

    #[test]
    fn a_tunnel_is_told_where_it_is() {
        let domain: Domain = "t.example".parse().unwrap();
        let check =
            |public: Option<&str>, secure: bool, host: &str, proto: Option<&str>, prefix: &str, url: Option<&str>| {
                let mut config = Config::new(None, || 0);
                config.public_url = public.map(|url| url.parse().unwrap());
                let by = Visitor::new(Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 1))), secure);
                let mut request = Request::builder().header(HOST, host);
                if let Some(proto) = proto {
                    request = request.header(X_FORWARDED_PROTO, proto);
                }
                let seen = domain.url(&prefix.parse().unwrap(), &config, &by, &request.body(()).unwrap());
                assert_eq!(seen.as_deref(), url);
            };
        check(None, false, "t.example", None, "my-app", Some("http://my-app.t.example"));
        check(None, true, "t.example:8443", None, "my-app", Some("https://my-app.t.example:8443"));
        check(None, false, "t.example", Some("https"), "my-app", Some("https://my-app.t.example"));
        check(None, false, "[::1]:81", None, "my-app", Some("http://my-app.t.example:81"));
        check(Some("https://t.example"), false, "x:1", None, "my-app", Some("https://my-app.t.example"));
        check(Some("http://t.example:81"), true, "x:1", None, "my-app", Some("http://my-app.t.example:81"));
        check(None, false, "t.example", None, "-my-app", None);
        check(None, false, "t.example", None, "my-app-", None);
        check(None, false, "t.example", None, &"a".repeat(64), None);
    }
}
