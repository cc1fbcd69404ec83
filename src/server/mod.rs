//! The public end: accepts connections, answers the control endpoints, and brings each visitor to the session that
//! holds the prefix of the path. Knows no flags and no environment.

use std::str::FromStr;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

/// What a server needs to know.
pub struct Config {
    /// What auth tokens are checked against. Without it anybody may open a session.
    pub keys: Option<crate::wire::SessionId>,
    /// Below which path the server lives.
    pub base: BasePath,
    /// The address that visitors use, where it is known: redirects never leave it.
    pub public_url: Option<Url>,
    /// What is done with a visitor who came over plain HTTP, as `X-Forwarded-Proto` says.
    pub plain_http: PlainHttp,
}

/// What is done with a visitor who came over plain HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainHttp {
    /// It is served.
    Serve,
    /// It is sent to the same address under `https`, with status 307.
    Redirect,
}

/// The path below which a server lives: empty, or segments each with a slash before them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BasePath(String);

impl FromStr for BasePath {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.split('/').filter(|segment| !segment.is_empty()).flat_map(|segment| ["/", segment]).collect()))
    }
}

/// A server, to be served by [`serve`] or mounted into another program by its router.
#[derive(Clone)]
pub struct Server {}

impl Server {
    /// A server without sessions.
    #[must_use]
    pub fn new(_config: Config) -> Self {
        Self {}
    }
}

/// Serves until `shutdown` is cancelled, then takes no new session and ends once the exchanges in flight have, after
/// 30 s at most.
pub async fn serve(_listener: TcpListener, _server: Server, shutdown: CancellationToken) {
    shutdown.cancelled().await;
}
