//! One client's tunnel as the server sees it: carriers come in pairs, streams go out, exchanges are counted.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::header::HeaderValue;
use http::{HeaderMap, Request};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::registry::Lease;
use super::{GRACE, random};
use crate::mux::{self, Ending, KeepAlive, Opener};
use crate::pipe::v1::{Incoming, Outgoing, Pipe, SwapError, Swapper, pipe};
use crate::proxy::{Fault, Hop, Visitor};
use crate::wire::{Prefix, SessionId};

/// How many streams, and so exchanges, a session may have at a time.
const MAX_STREAMS: usize = 256;

/// How long a visitor waits for a stream where all are in use.
const STREAM_DEADLINE: Duration = Duration::from_secs(10);

/// How many carriers of a direction may wait for one of the other.
const MAX_WAITING: usize = 4;

/// What a session is opened with.
pub(super) struct Opening {
    pub(super) prefix: Prefix,
    /// Whom the auth token names.
    pub(super) subject: Option<String>,
    /// When the auth token's time is over, in Unix seconds: no carrier is renewed after that.
    pub(super) expiry: Option<u64>,
}

pub(super) struct Session {
    id: SessionId,
    opening: Opening,
    fault_key: HeaderValue,
    carriers: Mutex<Carriers>,
    swapper: Swapper,
    opener: Opener,
    hop: Hop<mux::Stream>,
    tasks: TaskTracker,
    exchanges: TaskTracker,
    /// The session is to end in order.
    closing: CancellationToken,
    /// The session has ended.
    ended: CancellationToken,
}

/// Carriers that wait for the other half of their pair. They are paired by order of arrival.
#[derive(Default)]
struct Carriers {
    reads: VecDeque<Outgoing>,
    writes: VecDeque<Incoming>,
}

/// A carrier too many waits for its other half.
#[derive(Debug)]
pub(super) struct TooMany;

/// What moves a session; it ends when this does.
pub(super) struct Running {
    session: Arc<Session>,
    driver: mux::Driver<Pipe>,
}

impl Session {
    /// A session without carriers. It ends by itself where none come: the multiplexer's patience is the deadline.
    pub(super) fn start(opening: Opening, tasks: &TaskTracker, closing: CancellationToken) -> Running {
        let id = SessionId::from_random(random());
        let key = SessionId::from_random(random());
        let fault_key = HeaderValue::from_str(key.as_str()).expect("hexadecimal digits make a header value");
        let (pipe, swapper) = pipe();
        let (opener, driver) = mux::opening(pipe, KeepAlive::default(), MAX_STREAMS);
        let exchanges = TaskTracker::new();
        let hop = {
            let opener = opener.clone();
            Hop::new(move || open(opener.clone()), fault_key.clone(), tasks.clone())
        };
        let session = Self {
            id,
            opening,
            fault_key,
            carriers: Mutex::default(),
            swapper,
            opener,
            hop,
            tasks: tasks.clone(),
            exchanges,
            closing,
            ended: CancellationToken::new(),
        };
        Running { session: Arc::new(session), driver }
    }

    pub(super) fn id(&self) -> &SessionId {
        &self.id
    }

    pub(super) fn prefix(&self) -> &Prefix {
        &self.opening.prefix
    }

    /// What the client repeats on failures that it answers itself.
    pub(super) fn fault_key(&self) -> &HeaderValue {
        &self.fault_key
    }

    /// Whether the token that opened the session is still good at `now`.
    pub(super) fn may_renew(&self, now: u64) -> bool {
        self.opening.expiry.is_none_or(|expiry| now < expiry)
    }

    pub(super) fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    pub(super) async fn dial(&self) -> io::Result<mux::Stream> {
        self.opener.open().await
    }

    /// Has a visitor's request answered by the target.
    pub(super) async fn forward(
        &self,
        request: Request<Body>,
        visitor: &Visitor,
        guard: impl Send + Sync + Unpin + 'static,
    ) -> Result<Response, Fault> {
        if self.exchanges.is_closed() {
            return Err(Fault::ClientOffline);
        }
        let guard = (self.exchanges.token(), guard);
        let answer = self.hop.forward(request, visitor, guard).await;
        answer.map_err(|fault| match fault {
            // The streams have ended because the session has: it is not the target that failed.
            Fault::TargetBadResponse if self.ended.is_cancelled() => Fault::ClientLost,
            Fault::ClientOffline if !self.ended.is_cancelled() => Fault::Limit,
            fault => fault,
        })
    }

    /// Sends the session no new exchange, and ends it when those in flight have ended.
    pub(super) fn drain(self: &Arc<Self>) {
        if self.exchanges.close() {
            let session = Arc::clone(self);
            self.tasks.spawn(async move {
                let _ = timeout(GRACE, session.exchanges.wait()).await;
                session.closing.cancel();
            });
        }
    }

    pub(super) fn add_read(self: &Arc<Self>, carrier: Outgoing) -> Result<(), TooMany> {
        self.add(|carriers| carriers.reads.push_back(carrier))
    }

    pub(super) fn add_write(self: &Arc<Self>, carrier: Incoming) -> Result<(), TooMany> {
        self.add(|carriers| carriers.writes.push_back(carrier))
    }

    fn add(self: &Arc<Self>, push: impl FnOnce(&mut Carriers)) -> Result<(), TooMany> {
        let pair = {
            // Held for a queue operation, never across an await.
            let mut carriers = self.carriers.lock().unwrap_or_else(PoisonError::into_inner);
            carriers.reads.retain(|carrier| !carrier.is_lost());
            push(&mut carriers);
            let excess = carriers.reads.len() > MAX_WAITING || carriers.writes.len() > MAX_WAITING;
            if excess {
                carriers.reads.truncate(MAX_WAITING);
                carriers.writes.truncate(MAX_WAITING);
                return Err(TooMany);
            }
            carriers.pair()
        };
        if let Some((incoming, outgoing)) = pair {
            self.tasks.spawn(Arc::clone(self).swap(incoming, outgoing));
        }
        Ok(())
    }

    async fn swap(self: Arc<Self>, incoming: Incoming, outgoing: Outgoing) {
        let session = &self.id;
        match self.swapper.swap(incoming, outgoing).await {
            Ok(()) => tracing::debug!(%session, "carriers swapped"),
            Err(SwapError::Refused(cause)) => tracing::info!(%session, cause, "a pair of carriers was refused"),
            Err(SwapError::Lost(cause)) => tracing::warn!(%session, cause, "a pair of carriers was lost"),
        }
    }
}

impl Carriers {
    fn pair(&mut self) -> Option<(Incoming, Outgoing)> {
        if self.reads.is_empty() {
            return None;
        }
        Some((self.writes.pop_front()?, self.reads.pop_front()?))
    }
}

impl Running {
    pub(super) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Moves the session until it ends, then frees its prefix.
    pub(super) async fn run(self, lease: Lease) {
        let Self { session, driver } = self;
        let (id, prefix) = (&session.id, session.prefix());
        let subject = session.opening.subject.as_deref().unwrap_or_default();
        tracing::info!(session = %id, %prefix, subject, "session opened");
        let ending = driver.run(session.closing.clone(), drop).await;
        session.ended.cancel();
        drop(lease);
        match ending {
            Ending::Closed => tracing::info!(session = %id, %prefix, "session closed"),
            Ending::Failed(cause) => tracing::warn!(session = %id, %prefix, %cause, "session lost"),
        }
    }
}

async fn open(opener: Opener) -> io::Result<mux::Stream> {
    timeout(STREAM_DEADLINE, opener.open()).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// What a control endpoint says to keep intermediaries from holding or changing a carrier.
pub(super) fn unbuffered(headers: &mut HeaderMap) {
    use http::header::{CACHE_CONTROL, HeaderName};
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache, no-store, no-transform"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
}
