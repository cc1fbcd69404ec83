//! The connections to other nodes: made when they are needed, one for each of this node's threads that sends and each of the other's that
//! it sends to, and another where the streams of those that there are run out. Any thread may send by any of them; each is driven where
//! it was made, and served on the thread that was asked for.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use http::Response;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::runtime::{self, Handle};
use tokio::sync::{Mutex as AsyncMutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::threads::{Guesses, Thread, told};
use super::told::Told;
use super::{
    ALL_WINDOWS, CONNECT_DEADLINE, Greeted, MAX_HEAD, MAX_SEND, MAX_STREAMS, PING, PING_DEADLINE, Tasks, To, WINDOW,
    greeting,
};
use crate::cluster::{Node, NodeId, Secret};

/// How many connections there may be to one node: all exchanges of a server find a stream, and most of them threads of their own.
const MAX_CONNECTIONS: usize = 64;

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
    guesses: Guesses,
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
    ends: Ends,
}

/// The threads at both ends: what goes by others hops between them.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Ends {
    here: runtime::Id,
    /// None is any.
    there: Option<Thread>,
}

impl Pool {
    pub(super) fn new(me: NodeId, secret: Secret, tasks: Tasks) -> Self {
        Self(Arc::new(Inner {
            me,
            secret,
            tasks,
            ways: Mutex::default(),
            told: Told::default(),
            guesses: Guesses::default(),
        }))
    }

    pub(super) fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    /// A stream to a node. None where it is not reached, or has as many as it may.
    pub(super) async fn place(&self, to: To<'_>) -> Option<Place> {
        let Self(inner) = self;
        let way = Arc::clone(lock(&inner.ways).entry(to.node.id).or_default());
        let there = to.names.and_then(|name| inner.guesses.find(to.node.id, name));
        let ends = Ends { here: Handle::current().id(), there };
        if let Some(place) = way.between(ends) {
            return Some(place);
        }
        let spare = way.near(ends);
        let making = match spare {
            None => Some(way.making.lock().await),
            // It would only be quicker, and somebody else makes one.
            Some(_) => way.making.try_lock().ok(),
        };
        if let Some(mut failed) = making {
            self.make(to.node, &way, ends, &mut failed).await;
        }
        way.between(ends).or(spare).or_else(|| way.near(ends))
    }

    /// What a node says of its threads.
    pub(super) fn hear(&self, to: To<'_>, answer: &mut Response<Body>) {
        if let Some((thread, name)) = told(answer).zip(to.names) {
            self.0.guesses.learn(to.node.id, name, thread);
        }
    }

    /// Makes a connection, unless that has just failed, or somebody has made it meanwhile.
    async fn make(&self, to: &Node, way: &Way, ends: Ends, failed: &mut Option<Instant>) {
        let has_failed = failed.is_some_and(|failed| failed.elapsed() < FAILURE);
        if has_failed || lock(&way.open).len() >= MAX_CONNECTIONS || way.between(ends).is_some() {
            return;
        }
        match self.connect(to, ends.there).await {
            Ok(sender) => {
                let streams = Arc::new(Semaphore::new(MAX_STREAMS as usize));
                lock(&way.open).push(Open { sender, streams, ends });
                *failed = None;
            }
            Err(greeted) => {
                *failed = Some(Instant::now());
                self.0.told.tell(to.address, &greeted);
            }
        }
    }

    async fn connect(&self, to: &Node, there: Option<Thread>) -> Result<SendRequest<Body>, Greeted> {
        let late = |_| Greeted::Nobody(io::ErrorKind::TimedOut.into());
        let mut stream = timeout(CONNECT_DEADLINE, TcpStream::connect(to.address)).await.map_err(late)??;
        // It fails on a dead connection only.
        let _ = stream.set_nodelay(true);
        let id = self.greet(&mut stream).await?;
        if id != to.id {
            return Err(Greeted::Other(id));
        }
        stream.write_u16(there.map_or(0, Thread::get)).await?;
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
    /// A stream of a connection between these threads.
    fn between(&self, ends: Ends) -> Option<Place> {
        let mut open = lock(&self.open);
        open.retain(|open| !open.sender.is_closed());
        open.iter().filter(|open| ends.there.is_none() || open.ends == ends).find_map(Open::place)
    }

    /// A stream of any other, of one that has an end in common where there is such a one.
    fn near(&self, Ends { here, there }: Ends) -> Option<Place> {
        let open = lock(&self.open);
        let free = open.iter().filter(|open| open.streams.available_permits() > 0);
        free.min_by_key(|Open { ends, .. }| (ends.there != there, ends.here != here))?.place()
    }
}

impl Open {
    fn place(&self) -> Option<Place> {
        let held = Held(Arc::clone(&self.streams).try_acquire_owned().ok()?);
        Some(Place { sender: self.sender.clone(), held })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
