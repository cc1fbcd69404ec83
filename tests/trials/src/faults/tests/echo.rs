//! A tiny server that faults are tried in front of. It counts the requests that it got whole.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A server that answers with what it is sent.
pub(super) struct Echo {
    pub(super) address: SocketAddr,
    pub(super) delivered: Arc<AtomicU64>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

impl Echo {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let echo = Self {
            address: listener.local_addr().unwrap(),
            delivered: Arc::default(),
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
        };
        let (delivered, tasks) = (Arc::clone(&echo.delivered), echo.tasks.clone());
        let shutdown = echo.shutdown.clone();
        echo.tasks.spawn(echo.shutdown.clone().run_until_cancelled_owned(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let delivered = Arc::clone(&delivered);
                let answer = service_fn(move |request| answer(request, Arc::clone(&delivered)));
                let connection = hyper::server::conn::http1::Builder::new()
                    .half_close(true)
                    .serve_connection(TokioIo::new(stream), answer);
                tasks.spawn(shutdown.clone().run_until_cancelled_owned(connection));
            }
        }));
        echo
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

async fn answer(request: Request<Incoming>, delivered: Arc<AtomicU64>) -> Result<Response<Full<Bytes>>, Infallible> {
    let Ok(body) = request.into_body().collect().await else {
        return Ok(Response::new(Full::default()));
    };
    let turn = delivered.fetch_add(1, Ordering::SeqCst) + 1;
    let mut response = Response::new(Full::new(body.to_bytes()));
    response.headers_mut().insert("turn", turn.into());
    Ok(response)
}
