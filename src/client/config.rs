//! What a client has to be told.

use std::str::FromStr;
use std::time::Duration;

use http::uri::Authority;

use super::{Authorities, Connections, Identity, Source, Target};
use crate::inspect::Inspector;
use crate::wire::{Credentials, Network};

/// How long servers have visitors wait unless they are asked for something else.
pub(super) const HOLD: Duration = Duration::from_secs(10);

/// What a client needs to know.
#[derive(Clone)]
pub struct Config {
    /// Where the public finds the tunnel.
    pub source: Source,
    /// Which local service answers.
    pub target: Target,
    /// What the server asks for where it has a secret. Opaque here.
    pub token: Option<Token>,
    /// The longest that a carrier lives before it is renewed.
    pub max_ttl: Duration,
    /// Who vouches for the server; the platform's authorities, where there are none.
    pub authorities: Option<Authorities>,
    /// What says to the server who the client is, where it asks for a certificate.
    pub identity: Option<Identity>,
    /// Whether an `https` target has to prove who it is.
    pub target_tls: TargetTls,
    /// Which wire is spoken.
    pub wire: Wire,
    /// How long a target that refuses connections is tried again before the visitor is told.
    pub target_hold: Duration,
    /// How long the server has visitors wait for this client while it is gone, at most; the server may allow less.
    pub hold: Duration,
    /// What the target is told as its host.
    pub host_header: HostHeader,
    /// What becomes of the source's path on its way to the target.
    pub path: SourcePath,
    /// What visitors have to know.
    pub basic_auth: Option<Credentials>,
    /// Where visitors have to come from; anywhere, if it is empty.
    pub allow_ip: Vec<Network>,
    /// The connections to the server, where they are shared with other clients of it.
    pub connections: Option<Connections>,
    /// What sees all that passes between visitors and the target, if anything does.
    pub inspector: Option<Inspector>,
}

/// What the target is told as its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostHeader {
    /// What the visitor says.
    Keep,
    /// What the target's own URL says.
    Target,
    /// This: a host, with a port or without.
    Fixed(String),
}

/// Why a text is no [`HostHeader`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither `keep` nor `target` nor a host, with a port or without")]
pub struct InvalidHostHeader(String);

impl FromStr for HostHeader {
    type Err = InvalidHostHeader;

    fn from_str(text: &str) -> Result<Self, InvalidHostHeader> {
        let plain = text.parse::<Authority>().is_ok_and(|host| !host.as_str().contains('@') && !host.host().is_empty());
        match text {
            "keep" => Ok(Self::Keep),
            "target" => Ok(Self::Target),
            host if plain => Ok(Self::Fixed(host.to_owned())),
            _ => Err(InvalidHostHeader(text.to_owned())),
        }
    }
}

/// What becomes of the source's path on its way to the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourcePath {
    /// The target sees it.
    Kept,
    /// The target does not, and its redirects and cookies are translated.
    Stripped,
}

impl Config {
    /// A client with the defaults: renewal after 10 s, a verified target, 5 s of patience with it, 10 s of visitors'
    /// patience with the client, and nothing asked of the server's hop or of visitors.
    #[must_use]
    pub fn new(source: Source, target: Target) -> Self {
        Self {
            source,
            target,
            token: None,
            max_ttl: Duration::from_secs(10),
            authorities: None,
            identity: None,
            target_tls: TargetTls::Verified,
            wire: Wire::Auto,
            target_hold: Duration::from_secs(5),
            hold: HOLD,
            host_header: HostHeader::Keep,
            path: SourcePath::Kept,
            basic_auth: None,
            allow_ip: Vec::new(),
            connections: None,
            inspector: None,
        }
    }
}

/// The token that a client presents. It has no `Debug`, so that it cannot reach a log.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// A token as text; white space at its ends is dropped.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether an `https` target has to prove who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetTls {
    /// Its certificate is checked against the platform's roots.
    Verified,
    /// Any certificate will do.
    Insecure,
}

/// Which wire is spoken with the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// v2 where the server knows it, else v1.
    Auto,
    /// v1 alone.
    V1,
    /// v2 alone.
    V2,
}
