//! Forwards one exchange over a stream, and brings the answer back.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::HeaderValue;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, StatusCode, Uri, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioTimer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::task::TaskTracker;

use super::connection::{Connector, Seen};
use super::headers::{Intent, strip_hop_by_hop};
use super::{Fault, Visitor, ambiguous, expect, forwarded, upgrade};
use crate::wire::{ERROR_HEADER, FAULT_KEY_HEADER};

/// How long a stream, and with it the client's connection to the target, is kept for the next exchange. Shorter than
/// any common server keeps its side (2 s is the least that is met), so that no request is sent into a connection that
/// is being closed.
const IDLE: Duration = Duration::from_secs(1);

/// How many connections in a row may turn out to be closed. After a restart of the target that can be several.
const MAX_REPEATS: usize = 3;

/// Set while an answer has begun and is not finished, so that whoever owns the visitor's connection resets it, should
/// it go then, instead of ending it as if the answer were whole. A request carries it as an extension.
#[derive(Clone, Debug, Default)]
pub struct Breaker(Arc<AtomicBool>);

impl Breaker {
    /// Asks for the reset.
    pub fn trip(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Takes that back: the answer is whole.
    pub fn mend(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// Whether the connection has to be reset.
    #[must_use]
    pub fn has_tripped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The way to one target: streams that are opened on demand, kept alive and used again.
pub struct Hop<S> {
    client: Client<Connector<S>, Body>,
    tasks: TaskTracker,
    /// What the client repeats on the failures that it answers itself.
    fault_key: HeaderValue,
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Hop<S> {
    /// A hop over the streams that `open` gives, whose tasks run in `tasks`.
    pub fn new<F, Fut>(open: F, fault_key: HeaderValue, tasks: TaskTracker) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<S>> + Send + 'static,
    {
        let client = Client::builder(Tracked(tasks.clone()))
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .set_host(false)
            .build(Connector::new(open));
        Self { client, tasks, fault_key }
    }

    /// Has `request` answered. Waits as long as the target takes; cancelling it cancels the exchange there. `guard` is
    /// dropped once the last byte is through.
    ///
    /// # Errors
    /// Whose fault it is that there is no answer.
    pub async fn forward(
        &self,
        mut request: Request<Body>,
        visitor: &Visitor,
        guard: impl Send + Sync + Unpin + 'static,
    ) -> Result<Response<Body>, Fault> {
        let breaker = request.extensions_mut().remove::<Breaker>().unwrap_or_default();
        // Neither upgrades nor expectations are known to HTTP/1.0.
        let is_http_11 = request.version() == Version::HTTP_11;
        let mut intent = Intent::of(request.headers());
        intent.upgrade = intent.upgrade.filter(|_| is_http_11);
        let wants_upgrade = intent.upgrade.is_some().then(|| hyper::upgrade::on(&mut request));
        prepare(&mut request, &intent, visitor)?;
        if is_http_11 {
            expect::hold_body(&mut request);
        }

        let mut response = self.answered(request).await.map_err(|error| blame(&error))?;
        if let Some(fault) = self.own_fault(&response) {
            return Err(fault);
        }
        let protocol = Intent::of(response.headers());
        strip_hop_by_hop(response.headers_mut());
        response.headers_mut().remove(ERROR_HEADER);
        response.headers_mut().remove(FAULT_KEY_HEADER);
        *response.version_mut() = Version::HTTP_11;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let visitor = wants_upgrade.ok_or(Fault::TargetBadResponse)?;
            protocol.say(response.headers_mut());
            let target = hyper::upgrade::on(&mut response);
            self.tasks.spawn(upgrade::splice(visitor, target, breaker, guard));
            return Ok(response.map(|_| Body::empty()));
        }
        Ok(response.map(|body| Body::new(Answer::new(body, breaker, guard))))
    }

    /// Has a request answered, once more where it went into a connection that the target had closed, which is nobody's
    /// fault: but only one that may be repeated. (RFC 9112, section 9.3.1)
    async fn answered(&self, mut request: Request<Body>) -> Result<Response<Incoming>, Error> {
        for _ in 0..MAX_REPEATS {
            let again = repeated(&request);
            match (self.client.request(request).await, again) {
                (Err(error), Some(again)) if seen(&error).was_stale() => request = again,
                (result, _) => return result,
            }
        }
        self.client.request(request).await
    }

    /// The client's own answer, where it could not reach the target: known by a key that no target ever sees.
    fn own_fault(&self, response: &Response<Incoming>) -> Option<Fault> {
        let key = response.headers().get(FAULT_KEY_HEADER)?;
        if *key != self.fault_key {
            return None;
        }
        Fault::named(response.headers().get(ERROR_HEADER)?)
    }
}

/// Makes of a visitor's request the one that the target gets.
fn prepare(request: &mut Request<Body>, intent: &Intent, visitor: &Visitor) -> Result<(), Fault> {
    ambiguous::settle(request)?;
    // Never resolved: the connector opens a stream whatever the address.
    let address = Authority::from_static("target");
    let path = request.uri().path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
    let uri = Uri::builder().scheme(Scheme::HTTP).authority(address).path_and_query(path).build();
    *request.uri_mut() = uri.map_err(|_| Fault::BadRequest)?;
    *request.version_mut() = Version::HTTP_11;
    let headers = request.headers_mut();
    strip_hop_by_hop(headers);
    intent.say(headers);
    forwarded::introduce(headers, visitor);
    Ok(())
}

/// The same request once more, where it is one that only asks.
fn repeated(request: &Request<Body>) -> Option<Request<Body>> {
    if !request.method().is_safe() || !request.body().is_end_stream() {
        return None;
    }
    let mut again = Request::new(Body::empty());
    *again.method_mut() = request.method().clone();
    *again.uri_mut() = request.uri().clone();
    *again.headers_mut() = request.headers().clone();
    Some(again)
}

/// What was seen on the connection that failed.
fn seen(error: &Error) -> Seen {
    let mut extras = http::Extensions::new();
    if let Some(connection) = error.connect_info() {
        connection.get_extras(&mut extras);
    }
    extras.remove().unwrap_or_default()
}

fn blame(error: &Error) -> Fault {
    if error.is_connect() {
        Fault::ClientOffline
    } else if was_refused(error) {
        Fault::TargetRefused
    } else if seen(error).tls() {
        Fault::TargetSpeaksTls
    } else {
        Fault::TargetBadResponse
    }
}

/// Whether the stream itself says that there is no connection to the target behind it.
fn was_refused(error: &Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if matches!(kind, Some(io::ErrorKind::ConnectionRefused | io::ErrorKind::TimedOut)) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Runs the connections' tasks where they are waited for.
#[derive(Clone)]
struct Tracked(TaskTracker);

impl<Fut> Executor<Fut> for Tracked
where
    Fut: Future + Send + 'static,
    Fut::Output: Send,
{
    fn execute(&self, task: Fut) {
        self.0.spawn(async move { drop(task.await) });
    }
}

/// The target's body on its way to the visitor.
struct Answer<G> {
    body: Incoming,
    breaker: Breaker,
    _guard: G,
}

impl<G> Answer<G> {
    /// The breaker trips at the beginning, not when something fails: the process may end at any moment, and then
    /// nobody is left to trip it.
    fn new(body: Incoming, breaker: Breaker, guard: G) -> Self {
        if !body.is_end_stream() {
            breaker.trip();
        }
        Self { body, breaker, _guard: guard }
    }
}

impl<G: Unpin> HttpBody for Answer<G> {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.body).poll_frame(cx);
        let whole = match &frame {
            Poll::Ready(None) => true,
            // Nobody asks for more after trailers.
            Poll::Ready(Some(Ok(frame))) => frame.is_trailers() || this.body.is_end_stream(),
            Poll::Ready(Some(Err(_))) | Poll::Pending => false,
        };
        if whole {
            this.breaker.mend();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
