//! A client of wire v2 that is all carriers and no target: so light that one process holds a thousand of them. It keeps
//! its connections and renews its carriers as the real one does.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use sendit::pipe::v2::{Budget, Carriers, Pipe, pipe};
use sendit::wire::SessionId;
use sendit::wire::v2::{self, Asked, Carrier, Given, Manner, Secret};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

/// How long a carrier lives, as with `sendit connect`.
const LIFE: Duration = Duration::from_secs(10);

/// A session that stands.
pub(crate) struct Light {
    link: Arc<Link>,
    pub(crate) pipe: Pipe,
}

struct Link {
    server: SocketAddr,
    session: SessionId,
    secret: Secret,
    carriers: Carriers,
    epoch: AtomicU64,
    /// Connections that are free.
    pool: Mutex<Vec<SendRequest<Body>>>,
    tasks: TaskTracker,
    renewals: Arc<AtomicUsize>,
}

impl Light {
    /// Opens a session and attaches a carrier each way. `phase` is how old these already are; `renewals` counts those
    /// that follow.
    pub(crate) async fn open(
        server: SocketAddr,
        prefix: &str,
        phase: Duration,
        tasks: &TaskTracker,
        renewals: &Arc<AtomicUsize>,
    ) -> Self {
        let asked = Asked { prefix: prefix.to_owned(), client: "light".to_owned(), ..Asked::default() };
        let asked = serde_json::to_string(&asked).unwrap();
        let (mut connection, tasks) = (connect(server, tasks).await, tasks.clone());
        let request = Request::post(v2::OPEN).header(HOST, server.to_string()).header(CONTENT_LENGTH, asked.len());
        let response = connection.send_request(request.body(Body::from(asked)).unwrap()).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let given: Given = serde_json::from_slice(&body).unwrap_or_else(|_| panic!("no session, but {body:?}"));
        let (pipe, carriers) = pipe(&Budget::default());
        let link = Arc::new(Link {
            server,
            session: given.session.parse().unwrap(),
            secret: given.secret.parse().unwrap_or_else(|_| panic!("no secret")),
            carriers,
            epoch: AtomicU64::new(1),
            pool: Mutex::new(vec![connection]),
            tasks,
            renewals: Arc::clone(renewals),
        });
        for direction in [Link::down, Link::up] {
            direction(&link).await;
            let owner = Arc::clone(&link);
            link.tasks.spawn(async move {
                let mut life = LIFE.saturating_sub(phase);
                loop {
                    sleep(life).await;
                    direction(&owner).await;
                    owner.renewals.fetch_add(1, Ordering::Relaxed);
                    life = LIFE;
                }
            });
        }
        Self { link, pipe }
    }

    /// Waits until the server has read what is said, and said something itself.
    pub(crate) async fn greet(&mut self) {
        // A ping of the multiplexer, which the other end answers.
        self.pipe.write_all(&[0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9]).await.unwrap();
        let mut pong = [0; 12];
        while pong != [0, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0, 9] {
            self.pipe.read_exact(&mut pong).await.unwrap();
        }
        assert!(self.link.carriers.ended().is_none());
    }
}

type Attached<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

impl Link {
    /// A carrier down, which takes over from the one before.
    fn down(self: &Arc<Self>) -> Attached<'_> {
        Box::pin(async {
            let from = self.carriers.wanted();
            let (connection, response) = self.post(v2::READ, from, Body::empty()).await;
            let owner = Arc::clone(self);
            self.tasks.spawn(async move {
                if owner.carriers.receive(from).read(response.into_body()).await.is_ok() {
                    owner.pool.lock().await.push(connection);
                }
            });
        })
    }

    /// A carrier up, the same.
    fn up(self: &Arc<Self>) -> Attached<'_> {
        Box::pin(async {
            let from = self.carriers.acked();
            let body = self.carriers.send(from, u64::MAX).unwrap();
            let owner = Arc::clone(self);
            self.tasks.spawn(async move {
                let (connection, response) = owner.post(v2::WRITE, from, Body::new(body)).await;
                let answer = response.into_body().collect().await;
                if let Ok(bytes) = answer.map(http_body_util::Collected::to_bytes) {
                    take(&owner.carriers, bytes);
                    owner.pool.lock().await.push(connection);
                }
            });
        })
    }

    async fn post(&self, path: &str, offset: u64, body: Body) -> (SendRequest<Body>, Response<Incoming>) {
        let epoch = self.epoch.fetch_add(1, Ordering::Relaxed);
        let carrier = Carrier { session: self.session.clone(), epoch, offset, manner: Manner::Stream, digest: None };
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(HOST, self.server.to_string())
            .header(v2::SESSION_HEADER, carrier.session.as_str())
            .header(v2::EPOCH_HEADER, epoch)
            .header(v2::OFFSET_HEADER, offset)
            .header(v2::MANNER_HEADER, carrier.manner.as_str())
            .header(v2::PROOF_HEADER, self.secret.prove(path, &carrier));
        let free = self.pool.lock().await.pop().filter(|free| !free.is_closed());
        let mut connection = match free {
            Some(connection) => connection,
            None => connect(self.server, &self.tasks).await,
        };
        let response = connection.send_request(request.body(body).unwrap()).await.unwrap();
        assert!(response.status().is_success(), "{response:?}");
        (connection, response)
    }
}

fn take(carriers: &Carriers, bytes: Bytes) {
    carriers.receive(carriers.wanted()).take(bytes).unwrap();
}

async fn connect(server: SocketAddr, tasks: &TaskTracker) -> SendRequest<Body> {
    let stream = TcpStream::connect(server).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tasks.spawn(async move { drop(connection.await) });
    sender
}
