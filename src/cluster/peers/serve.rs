//! Taking in what other nodes pass on: a listener of its own, on which everybody proves to be a node before anything else.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::HeaderMap;
use http::{Request, Response, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::carried::unpack;
use super::passed::{PASSED, Passed};
use super::places::Places;
use super::told::Told;
use super::unproved::Unproved;
use super::{
    ALL_WINDOWS, MAX_HEAD, MAX_SEND, MAX_STREAMS, PING, PING_DEADLINE, Tasks, WINDOW, greeting, tunnel, upgrade,
};
use crate::cluster::{NodeId, Secret};

/// How long a node that has been greeted may say nothing, and a head within a stream.
pub(super) const HEAD_DEADLINE: Duration = Duration::from_secs(5);

/// How long nothing is accepted where the system has refused it.
const BREATHER: Duration = Duration::from_millis(100);

/// Takes in what other nodes pass on, and has `handler` answer it, until `stop`: then no connection is accepted, no request begins,
/// and it returns once all that are under way are over. Dropping it cuts them off.
///
/// A request comes as its visitor has sent it; one to change the protocol can be upgraded like any of HTTP/1.1. It is answered on the
/// one of `threads` that its sender has asked for, else on the caller's.
pub async fn serve<H, Fut>(
    listener: TcpListener,
    me: NodeId,
    secret: Secret,
    threads: Vec<Handle>,
    handler: H,
    stop: CancellationToken,
) where
    H: Fn(Request<Body>, Passed) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Response<Body>> + Send + 'static,
{
    let (tasks, cut) = (TaskTracker::new(), CancellationToken::new());
    let _cut = cut.clone().drop_guard();
    let (places, told) = (Places::default(), Told::default());
    let serving = Arc::new(Serving { me, secret, threads, stop, tasks: Tasks(tasks.clone()), places, told });
    let mut unproved = Unproved::default();
    while let Some((stream, peer)) = accepted(&listener, &serving.stop).await {
        let connection = Arc::clone(&serving).connection(stream, peer, handler.clone(), unproved.enter());
        let cut = cut.clone();
        tasks.spawn(async move { cut.run_until_cancelled(connection).await });
    }
    drop(listener);
    tasks.close();
    tasks.wait().await;
}

/// The next connection, unless it is to stop.
async fn accepted(listener: &TcpListener, stop: &CancellationToken) -> Option<(TcpStream, SocketAddr)> {
    let accepted = async {
        loop {
            match listener.accept().await {
                Ok(accepted) => return accepted,
                Err(cause) => {
                    tracing::debug!(%cause, "another server's connection could not be accepted");
                    sleep(BREATHER).await;
                }
            }
        }
    };
    stop.run_until_cancelled(accepted).await
}

struct Serving {
    me: NodeId,
    secret: Secret,
    threads: Vec<Handle>,
    stop: CancellationToken,
    tasks: Tasks,
    /// For those who have proved to be nodes.
    places: Places,
    told: Told,
}

impl Serving {
    async fn connection<H, Fut>(
        self: Arc<Self>,
        mut stream: TcpStream,
        peer: SocketAddr,
        handler: H,
        unproved: CancellationToken,
    ) where
        H: Fn(Request<Body>, Passed) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Response<Body>> + Send + 'static,
    {
        let proved = self.stop.run_until_cancelled(self.node(&mut stream, peer, unproved)).await;
        let Some(_place) = proved.flatten().and_then(|node| self.places.enter(node)) else { return };
        let Some(Some(thread)) = self.stop.run_until_cancelled(wanted(&mut stream)).await else { return };
        let Some(there) = thread.checked_sub(1).and_then(|at| self.threads.get(usize::from(at))).cloned() else {
            return self.serve(stream, peer, handler).await;
        };
        // Each runtime looks at the sockets that it knows.
        let Ok(stream) = stream.into_std() else { return };
        let serving = {
            let this = Arc::clone(&self);
            async move {
                if let Ok(stream) = TcpStream::from_std(stream) {
                    this.serve(stream, peer, handler).await;
                }
            }
        };
        let _ = AbortOnDropHandle::new(self.tasks.0.spawn_on(serving, &there)).await;
    }

    async fn serve<H, Fut>(&self, stream: TcpStream, peer: SocketAddr, handler: H)
    where
        H: Fn(Request<Body>, Passed) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Response<Body>> + Send + 'static,
    {
        let Self { stop, tasks, .. } = self;
        let service = service_fn(|request| {
            let answered = answer(request, handler.clone(), tasks.clone());
            async move { Ok::<_, Infallible>(answered.await) }
        });
        let mut http = Builder::new(tasks.clone());
        http.timer(TokioTimer::new())
            .auto_date_header(false)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(ALL_WINDOWS)
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(MAX_HEAD)
            .max_send_buf_size(MAX_SEND)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING_DEADLINE)
            // Visitors who leave must not cost all others their connection, and the other end is trusted.
            .max_pending_accept_reset_streams(MAX_STREAMS as usize)
            .max_local_error_reset_streams(None);
        let mut serving = pin!(http.serve_connection(TokioIo::new(stream), service));
        let served = tokio::select! {
            served = serving.as_mut() => served,
            () = stop.cancelled() => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        };
        if let Err(cause) = served {
            tracing::debug!(%peer, %cause, "another server's connection broke");
        }
    }

    /// Which node the other end proves to be, before it has to go.
    async fn node(&self, stream: &mut TcpStream, peer: SocketAddr, unproved: CancellationToken) -> Option<NodeId> {
        let _over = unproved.clone().drop_guard();
        // Small answers must not wait for the acknowledgement of the ones before. It fails on a dead connection only.
        let _ = stream.set_nodelay(true);
        let greeted = unproved.run_until_cancelled(greeting::answer(stream, self.me, &self.secret)).await?;
        greeted.map_err(|greeted| self.told.tell_of_caller(peer.ip(), &greeted)).ok()
    }
}

/// Which thread a node wants, counted from 1, where it has something to say: some only ask who is here.
async fn wanted(stream: &mut TcpStream) -> Option<u16> {
    timeout(HEAD_DEADLINE, stream.read_u16()).await.ok()?.ok()
}

async fn answer<H, Fut>(mut request: Request<Incoming>, handler: H, tasks: Tasks) -> Response<Body>
where
    H: Fn(Request<Body>, Passed) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Response<Body>> + Send + 'static,
{
    let Some(passed) = passed(request.headers_mut()) else {
        let mut refused = Response::new(Body::empty());
        *refused.status_mut() = StatusCode::BAD_REQUEST;
        return refused;
    };
    if upgrade::is_tunnel(request.headers()) {
        let (body, outgoing) = tunnel::begin();
        let tunnel = outgoing.with(Body::new(Whole(request.into_body())));
        tasks.0.spawn(upgrade::serve(tunnel, passed, handler));
        return Response::new(body);
    }
    unpack(request.headers_mut());
    *request.version_mut() = passed.version;
    handler(request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(Whole(body)) }), passed).await
}

fn passed(headers: &mut HeaderMap) -> Option<Passed> {
    headers.remove(PASSED)?.to_str().ok()?.parse().ok()
}

/// A request's body, which has ended only where its sender says so. The library takes a connection that it gives up itself for an
/// end as well.
struct Whole(Incoming);

#[derive(Debug, thiserror::Error)]
enum NotWhole {
    #[error(transparent)]
    Broken(#[from] hyper::Error),
    #[error("the server that passes it on is lost")]
    Cut,
}

impl HttpBody for Whole {
    type Data = Bytes;
    type Error = NotWhole;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, NotWhole>>> {
        let Self(body) = self.get_mut();
        Poll::Ready(match ready!(Pin::new(&mut *body).poll_frame(cx)) {
            None if !body.is_end_stream() => Some(Err(NotWhole::Cut)),
            frame => frame.map(|frame| frame.map_err(NotWhole::Broken)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
