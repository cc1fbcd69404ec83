//! The accept loop: one task for each connection, HTTP/1.1 or HTTP/2, heads bounded in size and time.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::body::Body;
use http::StatusCode;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::gate::{Course, Gate, refusal};
use super::router::Routes;
use super::severable::Severable;
use super::{Server, http2};
use crate::proxy::{Breaker, Visitor};

/// How long a connection may be idle before a head, and that head be on its way, together. Longer than the common
/// load balancers keep their side (60 s), so that they are the ones who close.
pub(super) const HEAD_DEADLINE: Duration = Duration::from_secs(75);

/// How often a silent connection's other end is asked for a sign of life: a visitor who has said all may have left
/// without another word.
const PROBE: Duration = Duration::from_secs(15);
/// The most that a request's head may be.
pub(super) const MAX_HEAD: usize = 64 * 1024;

/// How long the loop rests when there is no descriptor left for a connection. Connections that end make room; asking
/// for them without a pause would only burn time.
const BREATHER: Duration = Duration::from_millis(100);

/// Serves until `shutdown` is cancelled, then takes no new session and ends once the exchanges in flight have, after
/// 30 s at most. Carriers are still renewed meanwhile. Cancelling it cuts everything.
pub async fn serve(listener: TcpListener, server: Server, shutdown: CancellationToken) {
    let accepting = async {
        let routes = Routes::of(&server);
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    server.0.tasks.spawn(connection(stream, peer, server.clone(), routes.clone()));
                }
                Err(cause) => {
                    tracing::warn!(%cause, "a connection could not be accepted");
                    sleep(BREATHER).await;
                }
            }
        }
    };
    let stopping = async {
        shutdown.cancelled().await;
        server.shutdown().await;
    };
    tokio::select! {
        () = accepting => {}
        () = stopping => {}
    }
}

/// The answer to one request, and what it makes of the connection.
async fn answer(routes: Routes, request: Request<Incoming>, course: Course) -> Result<Response<Body>, Infallible> {
    if let Some(refusal) = refusal(&request) {
        return Ok(refusal);
    }
    let answer = routes.answer(request.map(Body::new)).await;
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        course.switch();
    }
    Ok(answer)
}

async fn connection(stream: TcpStream, peer: SocketAddr, server: Server, routes: Routes) {
    // Small answers must not wait for the acknowledgement of the ones before. It fails on a dead connection only.
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(PROBE).with_interval(PROBE));
    let breaker = Breaker::default();
    let mut stream = Severable::new(stream, breaker.clone());
    let closing = &server.0.closing;
    let spoken = tokio::select! {
        spoken = timeout(HEAD_DEADLINE, stream.begins_with(http2::PREFACE)) => spoken,
        () = closing.cancelled() => return,
    };
    let visitor = Visitor { peer: Some(peer), secure: false };
    let outcome = match spoken {
        Ok(Ok(true)) => http2::serve(stream, visitor, routes, closing, &server.0.tasks).await,
        Ok(Ok(false)) => http1(stream, visitor, breaker, routes, closing).await,
        Ok(Err(_)) | Err(_) => return,
    };
    if let Err(cause) = outcome {
        tracing::debug!(%peer, %cause, "a connection broke");
    }
}

async fn http1(
    stream: Severable,
    visitor: Visitor,
    breaker: Breaker,
    routes: Routes,
    closing: &CancellationToken,
) -> hyper::Result<()> {
    let course = Course::default();
    let io = TokioIo::new(Gate::new(stream, course.clone()));
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(visitor);
        request.extensions_mut().insert(breaker.clone());
        // Told before the answer is awaited: the end of what the visitor sends may be there already.
        request.extensions_mut().insert(course.begin());
        answer(routes.clone(), request, course.clone())
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_DEADLINE).max_header_size(MAX_HEAD);
    let mut serving = pin!(http.serve_connection(io, service).with_upgrades());
    tokio::select! {
        served = serving.as_mut() => served,
        () = closing.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    }
}
