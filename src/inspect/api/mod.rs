//! What the page, scripts and our own commands ask of a running client: lists, details, bodies, replays, events. Knows the
//! store and who may ask; not how exchanges are carried, nor how the target is reached.
//!
//! It answers this machine alone, and of what runs here no page of another origin: see `guard.rs`. It may be slow, or stop;
//! nothing waits for it.

mod accept;
mod answer;
mod bodies;
mod events;
mod files;
mod guard;
mod json;
mod list;
mod ngrok;
mod patient;
mod replay;
mod search;
mod status;
mod summary;
mod webhooks;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, watch};

use super::{Exchange, Inspector};
pub use accept::serve;
use guard::Guard;
pub use guard::Token;
pub use status::{Link, Standing};
pub use summary::{Progress, Sort, Summary};
pub use webhooks::{Webhook, Webhooks};

/// How many may follow the events at a time.
const MAX_FOLLOWERS: usize = 32;

/// How many replays may be under way at a time.
const MAX_REPLAYS: usize = 8;

/// A connection to the target.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// Connects to the one target, by one try. It has to end by itself, within seconds.
pub type Dial = Arc<dyn Fn() -> BoxFuture<'static, io::Result<Box<dyn Connection>>> + Send + Sync>;

/// A tunnel, as it is shown.
pub struct Tunnel {
    /// What it is called, where there are several.
    pub name: Option<Arc<str>>,
    /// Its public URL.
    pub url: String,
    /// The local service's.
    pub target: String,
    /// How it stands with it, as it changes.
    pub link: watch::Receiver<Link>,
    /// How the target is reached.
    pub dial: Dial,
}

/// What the API has to be told.
pub struct Config {
    /// The only tunnel, or the first.
    pub tunnel: Tunnel,
    /// The others. Whoever changes one of their links marks the first one's as changed.
    pub others: Vec<Tunnel>,
    /// The time since 1970.
    pub now: fn() -> Duration,
    /// What webhooks are judged by.
    pub webhooks: Arc<Webhooks>,
    /// What whoever changes something has to know.
    pub token: Token,
}

/// What every request needs.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    inspector: Inspector,
    config: Config,
    guard: Guard,
    webhooks: Arc<Webhooks>,
    /// When it started, since 1970.
    started: Duration,
    /// Where it listens.
    addr: SocketAddr,
    followers: Arc<Semaphore>,
    replays: Semaphore,
}

impl Api {
    /// What is answered about `inspector` by whoever listens at `addr`.
    #[must_use]
    pub fn new(inspector: Inspector, config: Config, addr: SocketAddr) -> Self {
        let guard = Guard::new(addr, config.token.clone());
        let (webhooks, started) = (Arc::clone(&config.webhooks), (config.now)());
        let (followers, replays) = (Arc::new(Semaphore::new(MAX_FOLLOWERS)), Semaphore::new(MAX_REPLAYS));
        Self(Arc::new(Inner { inspector, config, guard, webhooks, started, addr, followers, replays }))
    }

    fn tunnels(&self) -> impl Iterator<Item = &Tunnel> {
        let Config { tunnel, others, .. } = &self.0.config;
        std::iter::once(tunnel).chain(others)
    }

    /// The tunnel that an exchange came by.
    fn tunnel_of(&self, exchange: &Exchange) -> &Tunnel {
        self.tunnels().find(|tunnel| tunnel.name == exchange.tunnel).unwrap_or(&self.0.config.tunnel)
    }

    fn router(&self) -> Router {
        let router = Router::new()
            .route("/api/requests", get(list::list).delete(list::clear))
            .route("/api/requests/{id}", get(list::detail))
            .route("/api/requests/{id}/{side}/body", get(bodies::body))
            .route("/api/requests/{id}/curl", get(bodies::curl))
            .route("/api/requests/{id}/har", get(bodies::har))
            .route("/api/har", get(bodies::all_har))
            .route("/api/requests/{id}/replay", post(replay::replay))
            .route("/api/events", get(events::events))
            .route("/api/status", get(status::status))
            .route("/api/openapi.json", get(files::openapi))
            .route("/api/tunnels", get(ngrok::tunnels))
            .route("/api/tunnels/{name}", get(ngrok::tunnel))
            .route("/api/requests/http", get(ngrok::requests).post(ngrok::replay).delete(list::clear))
            .route("/api/requests/http/{id}", get(ngrok::request))
            .route("/", get(files::index))
            .route("/page/{name}", get(files::file));
        router.fallback(answer::nothing_here).method_not_allowed_fallback(answer::not_so).with_state(self.clone())
    }
}

#[cfg(test)]
mod tests;
