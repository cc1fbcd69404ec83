//! The way to a target that speaks HTTP/1.1: streams that are opened on demand, and for requests that may be repeated kept
//! alive and used again.

use std::time::Duration;

use axum::body::Body;
use http::header::{CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING};
use http::{Request, Response};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioTimer;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Fault;
use super::connection::{Connector, Seen, repeated};
use super::interim::Interim;
use super::tracked::Tracked;

/// How long a stream, and with it the client's connection to the target, is kept for the next exchange. Shorter than
/// any common server keeps its side (2 s is the least that is met), so that no request is sent into a connection that
/// is being closed.
const IDLE: Duration = Duration::from_secs(1);

/// What is read of an answer at a time, its head among it. The library's own bound is six times as much, and where the
/// visitor takes nothing all of that is kept.
const MAX_READ: usize = 64 * 1024;

/// Streams, kept and fresh.
pub(super) struct Pool<S> {
    kept: Client<Connector<S>, Body>,
    /// A stream, and with it a connection to the target, for each request.
    fresh: Client<Connector<S>, Body>,
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Pool<S> {
    pub(super) fn new(connector: Connector<S>, tasks: Tracked) -> Self {
        let mut builder = Client::builder(tasks);
        builder.pool_idle_timeout(IDLE).pool_timer(TokioTimer::new()).set_host(false);
        builder.http1_max_buf_size(MAX_READ);
        let kept = builder.build(connector.clone());
        let fresh = builder.pool_max_idle_per_host(0).build(connector);
        Self { kept, fresh }
    }

    /// Has a request answered. A target may close a kept connection just when the next request goes into it, which is
    /// nobody's fault: one that may be repeated is, and one that may not (RFC 9112, section 9.3.1) never goes into a
    /// connection that another has used. That costs the client a connection, and no round trip of the tunnel, for
    /// streams are opened together with what they bring. Waits as long as the target takes.
    pub(super) async fn answered(
        &self,
        mut request: Request<Body>,
        interim: &Interim,
    ) -> Result<Response<Incoming>, Fault> {
        frame(&mut request);
        interim.watch(&mut request);
        // What does more than ask may have done it. (RFC 9110, section 9.2.2)
        let answered = match repeated(&request).filter(|again| again.method().is_safe()) {
            None => self.fresh.request(request).await,
            Some(mut again) => match self.kept.request(request).await {
                Err(error) if seen(&error).was_stale() => {
                    interim.watch(&mut again);
                    self.fresh.request(again).await
                }
                answered => answered,
            },
        };
        answered.map_err(|error| blame(&error))
    }
}

/// Says how a body ends of which nobody has told the length. Of a method that brings one seldom, such as `GET`, the library
/// would else take it for none, and drop it.
fn frame(request: &mut Request<Body>) {
    let is_told = request.headers().contains_key(CONTENT_LENGTH) || request.body().size_hint().exact().is_some();
    if !is_told && !request.body().is_end_stream() {
        request.headers_mut().insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
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
    if error.is_connect() { Fault::ClientOffline } else { seen(error).blame() }
}
