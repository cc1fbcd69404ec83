//! The public end: accepts connections, answers the control endpoints, and brings each visitor to the session that
//! holds the prefix of the path. Knows no flags and no environment.

mod accept;
mod access_log;
pub mod admin;
mod admit;
mod answer;
mod assign;
mod cluster;
mod config;
mod connection;
mod connections;
mod counts;
mod domain;
mod ending;
mod expected;
mod gate;
mod http1;
mod http2;
mod https;
mod limits;
mod listener;
mod open;
mod public;
mod quotas;
mod refuse;
mod registry;
mod router;
mod session;
mod severable;
mod spread;
mod stream;
mod threads;
mod tls;
mod transport;
mod upload;
mod v1;
mod v2;
mod waiting;

use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use accept::{serve, serve_at};
pub use cluster::{Cluster, keep};
pub use config::{AccessLog, BasePath, Config, InvalidBasePath, PlainHttp};
pub use domain::{Domain, InvalidDomain};
pub use expected::Standing;
pub use limits::Limits;
pub use listener::Listener;
pub use stream::TargetStream;
pub use threads::Threads;
pub use tls::{ClientAuthorities, Identity, Life, NoClientAuthority, Proving, Tls, Unusable};

use crate::auth::{Audience, Claims, Key, Keys, Revoked, mint, verify};
use crate::metrics::Metrics;
use crate::pipe::v2::Budget;
use crate::proxy::Traffic;
use crate::wire::{Prefix, SessionId};
use connections::Connections;
use ending::GRACE;
use expected::Expected;
use limits::Failures;
use quotas::{Quota, Quotas, Who};
use registry::Registry;

/// A server, to be served by [`serve`] or mounted into another program by its [`router`](Self::router). Clones are
/// the same server.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

struct Inner {
    config: Config,
    /// Signs and checks connect tokens: random, so that they die with the process; of several servers the cluster's.
    connect_keys: Keys,
    started: Instant,
    registry: Registry,
    /// Tunnels that stood at the server before this one.
    expected: Expected,
    /// What sessions may keep for their clients.
    budget: Budget,
    /// Opens with tokens that were not accepted.
    failures: Failures,
    connections: Connections,
    /// What auth tokens are checked against.
    keys: Mutex<Option<Arc<Keys>>>,
    /// Tokens that are good no more.
    revoked: Mutex<Arc<Revoked>>,
    /// What each token or subject may have.
    quotas: Quotas<Who>,
    /// Places for exchanges, those of visitors that wait among them.
    places: Arc<Quota>,
    /// Where sessions live.
    threads: Threads,
    /// What sessions have in common.
    all: Arc<session::All>,
    metrics: Arc<Metrics>,
    /// What all exchanges have come to.
    traffic: Arc<Traffic>,
    /// When it began, in Unix seconds.
    began: u64,
    /// Sessions, connections and swaps.
    tasks: TaskTracker,
    /// Visitors' exchanges in flight, those of visitors who wait among them.
    exchanges: Mutex<TaskTracker>,
    /// No new sessions, no new exchanges.
    draining: CancellationToken,
    /// No listener has a certificate to show, and one is on its way.
    awaits_certificate: AtomicBool,
    /// Connections that have not brought a request yet.
    fresh: TaskTracker,
    /// The server is to stop: each answer to a visitor is the last of its connection, and half an upgrade is not waited for.
    last_calls: CancellationToken,
    /// New connections are left to the server that takes this one's place.
    leaving: CancellationToken,
    /// Everything ends.
    closing: CancellationToken,
    /// The tunnels that stood then.
    stood: OnceLock<Vec<Standing>>,
}

impl Server {
    /// A server without sessions.
    ///
    /// # Panics
    /// Where the operating system has no randomness to give, which makes every secret worthless.
    #[must_use]
    pub fn new(mut config: Config) -> Self {
        let cluster = config.cluster.as_ref();
        let key = cluster.map_or_else(random, Cluster::connect_key);
        let key = Key::new(&key).expect("32 bytes are not empty");
        let Limits { connections, exchanges, .. } = config.limits;
        // What visitors do with their connections is theirs; the clients' carriers need some as well.
        let exchanges = exchanges.min((connections - connections / 4).max(1));
        config.limits.exchanges = exchanges;
        Self(Arc::new(Inner {
            budget: Budget::new(config.limits.replay.saturating_mul(1024 * 1024)),
            connections: Connections::new(&config),
            places: Quota::new(exchanges),
            failures: Failures::default(),
            keys: Mutex::new(config.keys.take().map(Arc::new)),
            revoked: Mutex::default(),
            quotas: Quotas::default(),
            threads: config.threads.clone(),
            all: Arc::default(),
            metrics: Arc::default(),
            traffic: Arc::default(),
            began: (config.clock)(),
            config,
            connect_keys: Keys::new(key, []),
            started: Instant::now(),
            registry: Registry::default(),
            expected: Expected::default(),
            tasks: TaskTracker::new(),
            exchanges: Mutex::default(),
            draining: CancellationToken::new(),
            awaits_certificate: AtomicBool::new(false),
            fresh: TaskTracker::new(),
            last_calls: CancellationToken::new(),
            leaving: CancellationToken::new(),
            closing: CancellationToken::new(),
            stood: OnceLock::new(),
        }))
    }

    /// The control endpoints and the visitors' way to the sessions, to be nested at any path of an axum application.
    /// What reaches a target is the path as the visitor sent it. Whoever serves the application calls
    /// [`shutdown`](Self::shutdown) in the end.
    ///
    /// Targets learn who calls if the application is served with connect info, or if each request carries a
    /// [`Visitor`](crate::proxy::Visitor) as an extension. [`serve`] moreover resets the connection of a visitor whose
    /// answer was cut; with another server that is its own affair (see [`Breaker`](crate::proxy::Breaker)).
    ///
    /// ```
    /// use axum::{Router, http::Uri, routing::get};
    /// use sendit::client;
    /// use sendit::server::{Config, Server};
    /// # use std::{net::SocketAddr, sync::Arc};
    /// # use tokio::{net::TcpListener, sync::Notify};
    /// # use tokio_util::sync::CancellationToken;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::new(Config::new(None, || 0));
    /// let app = Router::new().route("/", get(|| async { "my own page" })).nest("/tunnels", server.router());
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let public = listener.local_addr()?;
    /// let app = app.into_make_service_with_connect_info::<SocketAddr>();
    /// tokio::spawn(async { axum::serve(listener, app).await });
    ///
    /// # let local = TcpListener::bind("127.0.0.1:0").await?;
    /// # let target = format!("http://{}", local.local_addr()?);
    /// # let page = |uri: Uri| async move { format!("the target got {uri}") };
    /// # tokio::spawn(async move { axum::serve(local, Router::new().fallback(page)).await });
    /// // Clients name the path in their URL, and targets see it.
    /// let config = client::Config::new(format!("http://{public}/tunnels/my-app").parse()?, target.parse()?);
    /// # let (ready, stop) = (Arc::new(Notify::new()), CancellationToken::new());
    /// # let told = { let ready = ready.clone(); move |_| ready.notify_one() };
    /// # let connected = tokio::spawn(client::run(config, told, stop.clone()));
    /// # ready.notified().await;
    /// assert_eq!(visit(public, "/tunnels/my-app/x").await?, "the target got /tunnels/my-app/x");
    /// assert_eq!(visit(public, "/").await?, "my own page");
    /// # stop.cancel();
    /// # connected.await??;
    ///
    /// server.shutdown().await;
    /// # Ok(())
    /// # }
    /// # async fn visit(server: SocketAddr, path: &str) -> std::io::Result<String> {
    /// #     use tokio::io::{AsyncReadExt, AsyncWriteExt};
    /// #     let mut stream = tokio::net::TcpStream::connect(server).await?;
    /// #     stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).await?;
    /// #     let mut answer = String::new();
    /// #     stream.read_to_string(&mut answer).await?;
    /// #     Ok(answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
    /// # }
    /// ```
    pub fn router(&self) -> Router {
        router::router(self.clone())
    }

    /// Opens a byte stream to the target of a session, past all HTTP. Waits at most as long as the session lives.
    /// Cancelling it opens nothing.
    ///
    /// ```
    /// # use std::sync::{Arc, Mutex};
    /// # use sendit::{client, server::{self, Config, Server}};
    /// # use tokio::{net::TcpListener, sync::Notify};
    /// # use tokio_util::sync::CancellationToken;
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let local = TcpListener::bind("127.0.0.1:0").await?;
    /// # let target = format!("http://{}", local.local_addr()?);
    /// // The target here is no web server: it says each byte again.
    /// tokio::spawn(async move {
    ///     let (mut stream, _) = local.accept().await?;
    ///     let (mut read, mut write) = stream.split();
    ///     tokio::io::copy(&mut read, &mut write).await
    /// });
    /// # let server = Server::new(Config::new(None, || 0));
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let source = format!("http://{}/my-app", listener.local_addr()?);
    /// # let stop = CancellationToken::new();
    /// # tokio::spawn(server::serve(listener, server.clone(), stop.clone()));
    /// # let ready = Arc::new(Notify::new());
    /// # let told = { let ready = ready.clone(); move |_| ready.notify_one() };
    /// # tokio::spawn(client::run(client::Config::new(source.parse()?, target.parse()?), told, stop.clone()));
    /// # ready.notified().await;
    /// // A client holds the prefix `my-app`.
    /// let session = server.session(&"my-app".parse()?).ok_or("nobody holds it")?;
    /// let mut stream = server.dial(&session).await?;
    /// stream.write_all(b"hello").await?;
    /// let mut said = [0; 5];
    /// stream.read_exact(&mut said).await?;
    /// assert_eq!(&said, b"hello");
    /// # Ok(())
    /// # }
    /// ```
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

    /// Returns once each of the server's threads has come to it: where one is stuck it does not. Cancelling it changes
    /// nothing.
    pub async fn answer(&self) {
        self.0.threads.answer().await;
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

    /// What connect tokens are dated by: no clock that somebody can set, for sessions outlive such a moment. Several servers,
    /// each of which has to know the others' tokens, have no such clock in common, so theirs are all of one moment.
    fn uptime(&self) -> u64 {
        let skew = 3_600;
        if self.0.config.cluster.is_some() { skew } else { self.0.started.elapsed().as_secs() + skew }
    }
}

fn random() -> [u8; 32] {
    let mut bits = [0; 32];
    getrandom::fill(&mut bits).expect("the operating system gives randomness");
    bits
}
