//! The public end: accepts connections, answers the control endpoints, and brings each visitor to the session that
//! holds the prefix of the path. Knows no flags and no environment.

mod accept;
mod config;
mod open;
mod public;
mod registry;
mod router;
mod session;
mod severable;
mod stream;
mod v1;
mod v2;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use accept::serve;
pub use config::{BasePath, Config, InvalidBasePath, PlainHttp};
pub use stream::TargetStream;

use crate::auth::{Audience, Claims, Key, Keys, mint, verify};
use crate::wire::{Prefix, SessionId};
use registry::Registry;

/// How long exchanges in flight may take to end once the server is to stop.
const GRACE: Duration = Duration::from_secs(30);

/// How long what remains then may take to say good-bye.
const FAREWELL: Duration = Duration::from_secs(5);

/// A server, to be served by [`serve`] or mounted into another program by its [`router`](Self::router). Clones are
/// the same server.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

struct Inner {
    config: Config,
    /// Signs and checks connect tokens: random, so that they die with the process.
    connect_keys: Keys,
    started: Instant,
    registry: Registry,
    /// Sessions, connections and swaps.
    tasks: TaskTracker,
    /// Visitors' exchanges in flight.
    exchanges: TaskTracker,
    /// No new sessions, no new exchanges.
    draining: CancellationToken,
    /// Everything ends.
    closing: CancellationToken,
}

impl Server {
    /// A server without sessions.
    ///
    /// # Panics
    /// Where the operating system has no randomness to give, which makes every secret worthless.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let key = Key::new(&random()).expect("32 bytes are not empty");
        Self(Arc::new(Inner {
            config,
            connect_keys: Keys::new(key, []),
            started: Instant::now(),
            registry: Registry::default(),
            tasks: TaskTracker::new(),
            exchanges: TaskTracker::new(),
            draining: CancellationToken::new(),
            closing: CancellationToken::new(),
        }))
    }

    /// The control endpoints and the visitors' way to the sessions, to be nested at any path of an axum application.
    /// What reaches a target is the path as the visitor sent it. Whoever serves the application calls
    /// [`shutdown`](Self::shutdown) in the end.
    pub fn router(&self) -> Router {
        router::router(self.clone())
    }

    /// Opens a byte stream to the target of a session, past all HTTP. Waits at most as long as the session lives.
    ///
    /// # Errors
    /// `NotFound` where there is no such session, `NotConnected` where it has just ended.
    pub async fn dial(&self, session: &SessionId) -> io::Result<TargetStream> {
        let session = self.0.registry.by_id(session);
        let session = session.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "there is no such session"))?;
        session.dial().await
    }

    /// The session that holds a prefix now.
    #[must_use]
    pub fn session(&self, prefix: &Prefix) -> Option<SessionId> {
        self.0.registry.by_prefix(prefix.as_str()).map(|session| session.id().clone())
    }

    /// Takes no new session and no new exchange, lets those in flight end, for 30 s at most, then ends all sessions.
    /// Cancelling it leaves the server draining.
    pub async fn shutdown(&self) {
        let inner = &self.0;
        inner.draining.cancel();
        inner.exchanges.close();
        if timeout(GRACE, inner.exchanges.wait()).await.is_err() {
            tracing::warn!(left = inner.exchanges.len(), "exchanges in flight are cut off");
        }
        inner.closing.cancel();
        inner.tasks.close();
        let _ = timeout(FAREWELL, inner.tasks.wait()).await;
    }

    fn is_draining(&self) -> bool {
        self.0.draining.is_cancelled()
    }

    /// The token that lets a client attach carriers to its session.
    fn connect_token(&self, session: &SessionId) -> String {
        let subject = Some(session.to_string());
        mint(&self.0.connect_keys, &Claims { subject, ..Claims::new(Audience::Connect, self.uptime()) })
    }

    /// The session that a connect token names, if the token is ours.
    fn connected(&self, token: &str) -> Option<SessionId> {
        let claims = verify(&self.0.connect_keys, Audience::Connect, token, self.uptime()).ok()?;
        claims.subject?.parse().ok()
    }

    /// What connect tokens are dated by: no clock that somebody can set, for sessions outlive such a moment.
    fn uptime(&self) -> u64 {
        let skew = 3_600;
        self.0.started.elapsed().as_secs() + skew
    }
}

fn random() -> [u8; 32] {
    let mut bits = [0; 32];
    getrandom::fill(&mut bits).expect("the operating system gives randomness");
    bits
}
