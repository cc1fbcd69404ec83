//! A connection on which HTTP/2 is spoken from the first byte on, without TLS, as a proxy in front speaks it, or gRPC
//! clients do.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::accept::{HEAD_DEADLINE, MAX_HEAD};
use super::router::Routes;
use super::severable::Severable;
use crate::proxy::{Tracked, Visitor};

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

/// Serves a connection until it ends, or is idle for as long as one of HTTP/1.1 may be. A stream whose answer cannot
/// be finished is reset by itself, so the connection has no breaker.
pub(super) async fn serve(
    stream: Severable,
    visitor: Visitor,
    routes: Routes,
    closing: &CancellationToken,
    tasks: &TaskTracker,
) -> hyper::Result<()> {
    let exchanges = watch::Sender::new(0_usize);
    let idle = idle(exchanges.subscribe());
    let service = service_fn(move |mut request: Request<Incoming>| {
        let exchange = Exchange::begin(&exchanges);
        request.extensions_mut().insert(visitor);
        let routes = routes.clone();
        async move {
            let answer = routes.answer(request.map(Body::new)).await;
            Ok::<_, Infallible>(answer.map(|body| Answer { body, _exchange: exchange }))
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
    let mut serving = pin!(http.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        served = serving.as_mut() => return served,
        () = closing.cancelled() => {}
        () = idle => {}
    }
    serving.as_mut().graceful_shutdown();
    serving.await
}

/// Returns once there has been no exchange for long.
async fn idle(mut exchanges: watch::Receiver<usize>) {
    // The sender is dropped with the connection, and this with it.
    while exchanges.wait_for(|count| *count == 0).await.is_ok() {
        if timeout(HEAD_DEADLINE, exchanges.wait_for(|count| *count > 0)).await.is_err() {
            return;
        }
    }
    std::future::pending::<()>().await;
}

/// An exchange that is under way until it is dropped.
struct Exchange(watch::Sender<usize>);

impl Exchange {
    fn begin(exchanges: &watch::Sender<usize>) -> Self {
        exchanges.send_modify(|count| *count += 1);
        Self(exchanges.clone())
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// An answer's body, whose exchange is over when it is.
struct Answer {
    body: Body,
    _exchange: Exchange,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_once_its_last_exchange_is_long_over() {
        let (begin, exchanges) = (Instant::now(), watch::Sender::new(0));
        let exchanging = async {
            sleep(PING).await;
            let exchange = Exchange::begin(&exchanges);
            sleep(2 * HEAD_DEADLINE).await;
            drop(exchange);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = idle(exchanges.subscribe()) => {}
            () = exchanging => {}
        }
        assert_eq!(begin.elapsed(), PING + 3 * HEAD_DEADLINE);
    }
}
