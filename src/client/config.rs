//! What a client has to be told.

use std::time::Duration;

use super::{Source, Target};

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
    /// Whether an `https` target has to prove who it is.
    pub target_tls: TargetTls,
    /// Which wire is spoken.
    pub wire: Wire,
    /// How long a target that refuses connections is tried again before the visitor is told.
    pub target_hold: Duration,
}

impl Config {
    /// A client with the defaults: renewal after 10 s, a verified target, 5 s of patience with it.
    #[must_use]
    pub fn new(source: Source, target: Target) -> Self {
        Self {
            source,
            target,
            token: None,
            max_ttl: Duration::from_secs(10),
            target_tls: TargetTls::Verified,
            wire: Wire::Auto,
            target_hold: Duration::from_secs(5),
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

    pub(super) fn as_str(&self) -> &str {
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
