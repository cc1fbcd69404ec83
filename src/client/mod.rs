//! The private end: opens a session, keeps its carriers fresh, and joins each stream that the server opens to a
//! connection of its own to the target. Knows no HTTP beyond its own carriers, and not how bytes are multiplexed.

mod address;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use address::{InvalidUrl, Source, Target};

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
}

/// Whether an `https` target has to prove who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetTls {
    /// Its certificate is checked against the platform's roots.
    Verified,
    /// Any certificate will do.
    Insecure,
}

/// What a client tells while it runs.
#[derive(Debug)]
pub enum Event {
    /// The tunnel stands.
    Ready,
    /// The tunnel was lost, or could not be opened; the client tries again.
    Retrying {
        /// Why.
        cause: String,
        /// In how long.
        after: Duration,
    },
    /// A visitor could not be joined to the target.
    Target {
        /// Why.
        cause: String,
    },
}

/// Why a client ended: trying again could not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server does not accept the token.
    #[error("{0}")]
    Unauthorized(String),
    /// The server does not give this prefix.
    #[error("{0}")]
    Prefix(String),
    /// What answers at the URL is no sendit server.
    #[error("{0}")]
    NotSendit(String),
}

/// Keeps a tunnel standing until `shutdown` is cancelled, then lets exchanges in flight end, for 30 s at most.
///
/// # Errors
/// Where trying again could not succeed.
pub async fn run(
    _config: Config,
    _on_event: impl Fn(Event) + Send + Sync + 'static,
    _shutdown: CancellationToken,
) -> Result<(), Error> {
    Ok(())
}
