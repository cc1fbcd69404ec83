//! Both ends of gRPC: a service that answers as its services do, and visitors who call as its clients do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, BodyStream, Empty, StreamBody};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

pub(crate) type Body = UnsyncBoxBody<Bytes, hyper::Error>;

/// A service as gRPC has it: each message comes back as soon as it has come, and trailers say how it went.
pub(crate) struct Service {
    pub(crate) url: String,
    /// How many connections there have been.
    pub(crate) connections: Arc<AtomicUsize>,
}

impl Service {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("h2c://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let (count, tasks) = (Arc::clone(&connections), TaskTracker::new());
        tasks.clone().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                tasks.spawn(serve(stream));
            }
        });
        Self { url, connections }
    }
}

async fn serve(stream: TcpStream) {
    let mut serving = std::pin::pin!(
        http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service_fn(answer))
    );
    let _ = serving.as_mut().await;
}

/// One call.
pub(crate) async fn answer(request: Request<Incoming>) -> hyper::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let said = ["te", "cookie", "x-forwarded-for", "host", "expect"].map(|name| {
        let lines: Vec<_> = head.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
        format!("{name}={}", lines.join("|"))
    });
    let said = format!("{} {} {}", head.method, head.uri, said.join(" "));
    let response = Response::builder().header("content-type", "application/grpc").header("x-said", said);
    let echo =
        BodyStream::new(body).filter_map(|frame| async { frame.map(|frame| frame.into_data().ok()).transpose() });
    let echo = echo.map(|data| data.map(Frame::data)).chain(stream::once(async { Ok(Frame::trailers(trailers)) }));
    Ok(response.body(StreamBody::new(echo).boxed_unsync()).unwrap())
}

/// A visitor's connection.
pub(crate) async fn visitor(server: SocketAddr) -> SendRequest<Body> {
    let stream = TcpStream::connect(server).await.unwrap();
    let io = TokioIo::new(stream);
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    TaskTracker::new().spawn(async move { drop(connection.await) });
    sender
}

/// A body that is sent as it is said, and what says it.
pub(crate) fn spoken() -> (mpsc::Sender<&'static str>, Body) {
    let (sender, receiver) = mpsc::channel(1);
    let frames = stream::unfold(receiver, |mut receiver: mpsc::Receiver<&str>| async {
        let text = receiver.recv().await?;
        Some((Ok(Frame::data(Bytes::from_static(text.as_bytes()))), receiver))
    });
    (sender, StreamBody::new(frames).boxed_unsync())
}

/// A body that is none.
pub(crate) fn nothing() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}
