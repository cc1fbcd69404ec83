//! The accept loop: few connections, of which those that have sent no whole head make room for others. Knows no path.

use std::future::{pending, poll_fn};
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower_service::Service as _;

use super::super::waiting::{Waiter, Waiting};
use super::guard::Reached;

/// How many connections there may be. For the next the oldest that has sent no whole head makes room; where all have, it
/// waits for an answer to end.
pub(super) const MAX_CONNECTIONS: usize = 64;

/// How long a head may take, from the beginning of its connection on. Who asks is near, and has all of it to say at once.
pub(super) const HEAD_DEADLINE: Duration = Duration::from_secs(2);

/// How long a connection may take. It brings one request, and each answer is there at once.
const DEADLINE: Duration = Duration::from_secs(10);

/// The most that a head may be.
const MAX_HEAD: usize = 16 * 1024;

/// How long the loop rests where a connection cannot be accepted.
const BREATHER: Duration = Duration::from_millis(100);

/// Has `router` answer at `listener` for as long as this runs.
pub(super) async fn accept(listener: TcpListener, router: Router) {
    let (waiting, mut connections) = (Waiting::default(), JoinSet::new());
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    if connections.len() >= MAX_CONNECTIONS {
                        waiting.shed();
                        connections.join_next().await;
                    }
                    // Here and not in its task, which may run only after others have come.
                    let waiter = poll_fn(|cx| Poll::Ready(waiting.join(cx))).await;
                    connections.spawn(timeout(DEADLINE, connection(stream, waiter, router.clone())));
                }
                Err(cause) => {
                    tracing::debug!(%cause, "an admin connection could not be accepted");
                    sleep(BREATHER).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Brings one request, and waits in the queue of those who make room until its head is whole.
async fn connection(stream: TcpStream, waiter: Waiter, router: Router) {
    // It has one unless it has broken already.
    let Ok(reached) = stream.local_addr().map(Reached) else { return };
    let heard = CancellationToken::new();
    let service = service_fn(|mut request: Request<Incoming>| {
        heard.cancel();
        request.extensions_mut().insert(reached);
        router.clone().call(request.map(Body::new))
    });
    let mut http = http1::Builder::new();
    http.keep_alive(false).timer(TokioTimer::new()).header_read_timeout(HEAD_DEADLINE);
    http.max_header_size(MAX_HEAD).max_buf_size(MAX_HEAD);
    tokio::select! {
        // First, so that a head which is there already is heard.
        biased;
        served = http.serve_connection(TokioIo::new(stream), service) => if let Err(cause) = served {
            tracing::debug!(%cause, "an admin connection broke");
        },
        () = told_to_end(waiter, &heard) => {}
    }
}

/// Returns once it is time to make room, which is never once it is heard.
async fn told_to_end(waiter: Waiter, heard: &CancellationToken) {
    tokio::select! {
        biased;
        () = heard.cancelled() => {}
        () = poll_fn(|cx| waiter.poll_shed(cx)) => return,
    }
    drop(waiter);
    pending::<()>().await;
}
