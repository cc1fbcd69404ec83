//! A client's session at the Go server.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Uri};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::{Mutex, OnceCell, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

use super::Settings;
use super::chunked::{Reader, Writer};
use super::pipe::Pipe;
use super::proxy::{Answer, Proxy};
use super::stream::Stream;
use super::yamux;

#[derive(Clone)]
pub(super) struct Session(Arc<Shared>);

struct Shared {
    id: String,
    prefix: String,
    pipe: Pipe,
    /// Pairs reads and writes by their order: one write may wait for its read.
    writes: mpsc::Sender<Reader>,
    paired: Mutex<mpsc::Receiver<Reader>>,
    mux: OnceCell<yamux::Session>,
    ready: CancellationToken,
    proxy: Proxy<Dial>,
    settings: Settings,
    tasks: TaskTracker,
}

impl Session {
    pub(super) fn new(prefix: &str, id: &str, settings: Settings, tasks: &TaskTracker) -> Self {
        let (writes, paired) = mpsc::channel(1);
        Self(Arc::new_cyclic(|session| {
            let dial = Dial(session.clone());
            // As many idle connections as Go keeps to one host.
            let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(2).build(dial);
            Shared {
                id: id.to_owned(),
                prefix: prefix.to_owned(),
                pipe: Pipe::new(settings.frozen.clone()),
                writes,
                paired: Mutex::new(paired),
                mux: OnceCell::new(),
                ready: CancellationToken::new(),
                proxy: Proxy { client, authority: id.to_owned(), tasks: tasks.clone() },
                settings,
                tasks: tasks.clone(),
            }
        }))
    }

    pub(super) fn id(&self) -> &str {
        &self.0.id
    }

    pub(super) fn prefix(&self) -> &str {
        &self.0.prefix
    }

    pub(super) fn renewals(&self) -> usize {
        self.0.pipe.swapped().saturating_sub(1)
    }

    pub(super) async fn ready(&self) {
        self.0.ready.cancelled().await;
    }

    /// Waits for the end of a session that has begun, and says why it ended.
    pub(super) async fn live(&self) -> String {
        self.ready().await;
        match self.0.mux.get() {
            Some(mux) => mux.ended().await,
            None => String::new(),
        }
    }

    pub(super) async fn forward(&self, request: Request<Incoming>, visitor: &str) -> Answer {
        self.0.proxy.forward(request, visitor).await
    }

    pub(super) async fn use_reader(&self, reader: Reader) {
        // It fails with the session only.
        let _ = self.0.writes.send(reader).await;
    }

    /// Waits for the read half of the pair, then goes over to it. The first pair begins the session.
    pub(super) async fn use_writer(&self, writer: Writer) {
        let Some(reader) = self.0.paired.lock().await.recv().await else { return };
        if self.0.pipe.swap(reader, writer).await.is_err() {
            return;
        }
        let begin = async {
            let (mux, _) = yamux::Session::start(self.0.pipe.clone(), self.0.settings.clone(), &self.0.tasks);
            // A Go server asks for one sign of life before it takes the session for real.
            if mux.ping().await.is_ok() {
                self.0.ready.cancel();
            }
            mux
        };
        self.0.mux.get_or_init(|| begin).await;
    }
}

/// Opens a stream for each connection.
#[derive(Clone)]
struct Dial(std::sync::Weak<Shared>);

impl Service<Uri> for Dial {
    type Response = TokioIo<Stream>;
    type Error = io::Error;
    type Future = futures_util::future::BoxFuture<'static, io::Result<TokioIo<Stream>>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _uri: Uri) -> Self::Future {
        let session = self.0.upgrade();
        Box::pin(async move {
            let session = session.ok_or(io::ErrorKind::NotConnected)?;
            session.ready.cancelled().await;
            let mux = session.mux.get().ok_or(io::ErrorKind::NotConnected)?;
            Ok(TokioIo::new(mux.open()?))
        })
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}
