//! The accept loop of the inspector: few connections, each with its deadlines, each request past the guard. Knows no path.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service as _;

use super::Api;
use super::answer::protect;
use super::patient::Patient;

/// How many connections there may be; the next waits for a place. A browser has six for each of its windows at most.
const MAX_CONNECTIONS: usize = 128;

/// How long a head may take, and a connection be idle.
const HEAD_DEADLINE: Duration = Duration::from_secs(30);

/// The most that a head may be.
const MAX_HEAD: usize = 64 * 1024;

/// How long the loop rests where a connection cannot be accepted.
const BREATHER: Duration = Duration::from_millis(100);

/// Answers at `listener` until `shutdown` is cancelled, and then no more at once. Cancelling it does the same.
pub async fn serve(listener: TcpListener, api: Api, shutdown: CancellationToken) {
    let shutdown = shutdown.child_token();
    let _end = shutdown.clone().drop_guard();
    let (tasks, places) = (TaskTracker::new(), Arc::new(Semaphore::new(MAX_CONNECTIONS)));
    let router = api.router();
    let accepting = async {
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let (api, router, shutdown) = (api.clone(), router.clone(), shutdown.clone());
                    tasks.spawn(async move {
                        tokio::select! {
                            () = connection(stream, api, router) => {}
                            () = shutdown.cancelled() => {}
                        }
                        drop(place);
                    });
                }
                Err(cause) => {
                    tracing::debug!(%cause, "a connection to the inspector could not be accepted");
                    sleep(BREATHER).await;
                }
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        () = shutdown.cancelled() => {}
    }
    tasks.close();
    tasks.wait().await;
}

async fn connection(stream: TcpStream, api: Api, router: Router) {
    // Small answers must not wait for the acknowledgement of the ones before. It fails on a dead connection only.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(request, api.clone(), router.clone()));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_DEADLINE).max_header_size(MAX_HEAD).max_buf_size(MAX_HEAD);
    if let Err(cause) = http.serve_connection(TokioIo::new(Patient::new(stream)), service).await {
        tracing::debug!(%cause, "a connection to the inspector broke");
    }
}

async fn answer(request: Request<Incoming>, api: Api, mut router: Router) -> Result<Response, Infallible> {
    let (head, body) = request.into_parts();
    let mut answer = match api.0.guard.admit(&head) {
        Ok(()) => router.call(Request::from_parts(head, Body::new(body))).await?,
        Err(refusal) => refusal.into_response(),
    };
    protect(answer.headers_mut());
    Ok(answer)
}
