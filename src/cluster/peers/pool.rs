//! The connections to other nodes: made when they are needed, one at first, and another where the streams of those that there
//! are run out. Any thread may send by any of them; each is driven where it was made.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::{Mutex as AsyncMutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::told::Told;
use super::{
    ALL_WINDOWS, CONNECT_DEADLINE, Greeted, MAX_HEAD, MAX_SEND, MAX_STREAMS, PING, PING_DEADLINE, Tasks, WINDOW,
    greeting,
};
use crate::cluster::{Node, NodeId, Secret};

/// How many connections there may be to one node: all exchanges of a server find a stream.
const MAX_CONNECTIONS: usize = 16;

/// How long a connection that could not be made counts for all who want one: thousands may.
const FAILURE: Duration = Duration::from_millis(100);

#[derive(Clone)]
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    me: NodeId,
    secret: Secret,
    tasks: Tasks,
    ways: Mutex<HashMap<NodeId, Arc<Way>>>,
    told: Told,
}

/// A stream to another node, which is another's again once the place is dropped.
pub(super) struct Place {
    pub(super) sender: SendRequest<Body>,
    pub(super) held: Held,
}

pub(super) struct Held(#[expect(dead_code, reason = "it is held")] OwnedSemaphorePermit);

/// The way to one node.
#[derive(Default)]
struct Way {
    open: Mutex<Vec<Open>>,
    /// Held while somebody makes a connection, so that all others wait for the same one; when that last failed.
    making: AsyncMutex<Option<Instant>>,
}

struct Open {
    sender: SendRequest<Body>,
    streams: Arc<Semaphore>,
}

impl Pool {
    pub(super) fn new(me: NodeId, secret: Secret, tasks: Tasks) -> Self {
        Self(Arc::new(Inner { me, secret, tasks, ways: Mutex::default(), told: Told::default() }))
    }

    pub(super) fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    /// A stream to a node. None where it is not reached, or has as many as it may.
    pub(super) async fn place(&self, to: &Node) -> Option<Place> {
        let way = Arc::clone(lock(&self.0.ways).entry(to.id).or_default());
        if let Some(place) = way.free() {
            return Some(place);
        }
        let mut making = way.making.lock().await;
        if let Some(place) = way.free() {
            return Some(place);
        }
        if making.is_some_and(|failed| failed.elapsed() < FAILURE) || lock(&way.open).len() >= MAX_CONNECTIONS {
            return None;
        }
        match self.connect(to).await {
            Ok(sender) => {
                let streams = Arc::new(Semaphore::new(MAX_STREAMS as usize));
                lock(&way.open).push(Open { sender, streams });
                *making = None;
                way.free()
            }
            Err(greeted) => {
                *making = Some(Instant::now());
                self.0.told.tell(to.address, &greeted);
                None
            }
        }
    }

    async fn connect(&self, to: &Node) -> Result<SendRequest<Body>, Greeted> {
        let late = |_| Greeted::Nobody(io::ErrorKind::TimedOut.into());
        let mut stream = timeout(CONNECT_DEADLINE, TcpStream::connect(to.address)).await.map_err(late)??;
        // It fails on a dead connection only.
        let _ = stream.set_nodelay(true);
        let id = self.greet(&mut stream).await?;
        if id != to.id {
            return Err(Greeted::Other(id));
        }
        let Self(inner) = self;
        let mut http = Builder::new(inner.tasks.clone());
        http.timer(TokioTimer::new())
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(ALL_WINDOWS)
            .initial_max_send_streams(MAX_STREAMS as usize)
            .max_header_list_size(MAX_HEAD)
            .max_send_buf_size(MAX_SEND)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING_DEADLINE)
            .keep_alive_while_idle(true)
            // Visitors who leave must not cost all others their connection, and the other end is trusted.
            .max_concurrent_reset_streams(MAX_STREAMS as usize)
            .max_local_error_reset_streams(None);
        let (sender, connection) = http.handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        inner.tasks.0.spawn(async move { drop(connection.await) });
        Ok(sender)
    }

    /// Finds out who is at the other end.
    pub(super) async fn greet(&self, stream: &mut TcpStream) -> Result<NodeId, Greeted> {
        greeting::dial(stream, self.0.me, &self.0.secret).await
    }

    /// Lets go of all other nodes.
    pub(super) fn keep(&self, nodes: &[Node]) {
        lock(&self.0.ways).retain(|id, _| nodes.iter().any(|node| node.id == *id));
    }
}

impl Way {
    fn free(&self) -> Option<Place> {
        let mut open = lock(&self.open);
        open.retain(|open| !open.sender.is_closed());
        open.iter().find_map(|Open { sender, streams }| {
            let held = Held(Arc::clone(streams).try_acquire_owned().ok()?);
            Some(Place { sender: sender.clone(), held })
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
