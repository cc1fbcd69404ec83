//! The way to a target that speaks HTTP/1.1: streams that are opened on demand, kept alive and used again.

use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioTimer;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Fault;
use super::connection::{Connector, Seen, repeated};
use super::tracked::Tracked;

/// How long a stream, and with it the client's connection to the target, is kept for the next exchange. Shorter than
/// any common server keeps its side (2 s is the least that is met), so that no request is sent into a connection that
/// is being closed.
const IDLE: Duration = Duration::from_secs(1);

/// How many connections in a row may turn out to be closed. After a restart of the target that can be several.
const MAX_REPEATS: usize = 3;

/// A pool of streams.
pub(super) struct Pool<S>(Client<Connector<S>, Body>);

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Pool<S> {
    pub(super) fn new(connector: Connector<S>, tasks: Tracked) -> Self {
        let client = Client::builder(tasks)
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .set_host(false)
            .build(connector);
        Self(client)
    }

    /// Has a request answered, once more where it went into a connection that the target had closed, which is nobody's
    /// fault: but only one that may be repeated. (RFC 9112, section 9.3.1) Waits as long as the target takes.
    pub(super) async fn answered(&self, mut request: Request<Body>) -> Result<Response<Incoming>, Fault> {
        for _ in 0..MAX_REPEATS {
            // What does more than ask may have done it. (RFC 9110, section 9.2.2)
            let again = repeated(&request).filter(|again| again.method().is_safe());
            match (self.0.request(request).await, again) {
                (Err(error), Some(again)) if seen(&error).was_stale() => request = again,
                (result, _) => return result.map_err(|error| blame(&error)),
            }
        }
        self.0.request(request).await.map_err(|error| blame(&error))
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
