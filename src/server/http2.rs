//! A connection on which HTTP/2 is spoken from the first byte on, without TLS, as a proxy in front speaks it, or gRPC
//! clients do.

mod heads;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::accept::{IDLE, MAX_HEAD};
use super::answer::{Answer, Meanwhile};
use super::public::Arrival;
use super::router::Routes;
use super::waiting::Waiting;
use super::{Inner, Server};
use crate::proxy::{Breaker, Tracked, Visitor};
use heads::Heads;

/// What the visitor's part begins with. (RFC 9113, section 3.4)
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How many exchanges a connection may have at a time; what a visitor has more of waits there.
const MAX_STREAMS: u32 = 128;

/// How many streams may be reset before they were looked at, or for errors of the visitor's, before the connection is
/// ended: each costs the server work and the visitor none. (CVE-2023-44487, CVE-2025-8671)
const MAX_RESETS: usize = 20;

/// What waits to be sent on a stream, while the visitor takes none.
const MAX_SEND: usize = 64 * 1024;

/// How often a silent visitor is asked whether it is there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(30);
const PING_DEADLINE: Duration = Duration::from_secs(20);

/// How long a connection that is to end may still bring a request, for its visitor may not have heard of that yet. None
/// where room is needed.
const LAST_CALL: Duration = Duration::from_secs(1);

/// Serves a connection until it ends, or is idle for as long as one of HTTP/1.1 may be. Its first head has to be whole by
/// `deadline`. A stream whose answer cannot be finished is reset by itself, so the connection has no breaker.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    deadline: Instant,
    visitor: Visitor,
    routes: Routes,
    around: &Server,
) -> hyper::Result<()> {
    let exchanges = watch::Sender::new(0_usize);
    let Inner { leaving, tasks, connections, .. } = &*around.0;
    let idle = idle(exchanges.subscribe(), connections.waiting());
    let after = exchanges.subscribe();
    let service = service_fn(move |request: Request<Incoming>| {
        let exchange = Exchange::begin(&exchanges);
        let arrival = Arrival { visitor: visitor.clone(), breaker: Breaker::default(), owed: None };
        let routes = routes.clone();
        async move {
            let answer = routes.answer(request.map(Body::new), arrival).await;
            Ok::<_, Infallible>(answer.map(|body| Answer::new(body, exchange)))
        }
    });
    let mut http = http2::Builder::new(Tracked(tasks.clone()));
    http.timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(MAX_RESETS)
        .max_local_error_reset_streams(MAX_RESETS)
        .max_send_buf_size(MAX_SEND)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING_DEADLINE);
    let mut serving = pin!(http.serve_connection(TokioIo::new(Heads::new(stream, deadline)), service));
    let last_call = tokio::select! {
        served = serving.as_mut() => return served,
        () = leaving.cancelled() => LAST_CALL,
        last_call = idle => last_call,
    };
    serving.as_mut().graceful_shutdown();
    tokio::select! {
        // First, so that the visitor is told.
        biased;
        served = serving => served,
        () = lull(after, last_call) => Ok(()),
    }
}

/// Returns once there has been no exchange for `time`.
async fn lull(mut exchanges: watch::Receiver<usize>, time: Duration) {
    // The sender is dropped with the connection, and this with it.
    while exchanges.wait_for(|count| *count == 0).await.is_ok() {
        if timeout(time, exchanges.wait_for(|count| *count > 0)).await.is_err() {
            return;
        }
    }
    std::future::pending::<()>().await;
}

/// Returns once there has been no exchange for long, or there is none and room is needed, and what time that leaves.
async fn idle(exchanges: watch::Receiver<usize>, waiting: &Waiting) -> Duration {
    let needed = async {
        let mut exchanges = exchanges.clone();
        while exchanges.wait_for(|count| *count == 0).await.is_ok() {
            tokio::select! {
                _ = exchanges.wait_for(|count| *count > 0) => {}
                () = waiting.told_to_end() => return,
            }
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = lull(exchanges.clone(), IDLE) => LAST_CALL,
        () = needed => Duration::ZERO,
    }
}

/// An exchange that is under way until it is dropped.
struct Exchange(watch::Sender<usize>);

impl Exchange {
    fn begin(exchanges: &watch::Sender<usize>) -> Self {
        exchanges.send_modify(|count| *count += 1);
        Self(exchanges.clone())
    }
}

/// The library bounds what waits on each stream.
impl Meanwhile for Exchange {}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
