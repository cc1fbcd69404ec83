//! The way to a target that speaks HTTP/2 from the first byte on: one stream, which all exchanges share.

use axum::body::Body;
use http::header::{EXPECT, HOST};
use http::uri::{Authority, Scheme};
use http::{Method, Request, Response, Uri, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::TokioTimer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Mutex;

use super::Fault;
use super::connection::{Connector, Seen};
use super::tracked::Tracked;

/// How often a request goes into a connection: three may turn out to be closed.
const MAX_REPEATS: usize = 4;

/// The most that the head, or the trailers, of an answer may be.
const MAX_HEAD: u32 = 64 * 1024;

/// The one connection, made on demand, and made again where it has ended. It is kept for as long as the target keeps
/// it.
pub(super) struct Shared<S> {
    connector: Connector<S>,
    /// Held while somebody makes it, so that all others wait for the same one.
    now: Mutex<Option<Open>>,
    tasks: Tracked,
}

#[derive(Clone)]
struct Open {
    sender: SendRequest<Body>,
    seen: Seen,
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Shared<S> {
    pub(super) fn new(connector: Connector<S>, tasks: Tracked) -> Self {
        Self { connector, now: Mutex::default(), tasks }
    }

    /// Has a request answered. Waits as long as the target takes; cancelling it resets the exchange alone.
    pub(super) async fn answered(&self, request: Request<Body>) -> Result<Response<Incoming>, Fault> {
        let mut request = spoken(request)?;
        for _ in 0..MAX_REPEATS {
            let (Open { mut sender, seen }, age) = self.open().await?;
            let again = repeated(&request);
            let mut error = match sender.try_send_request(request).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let unsent = error.take_message();
            let again = again.filter(|again| may_repeat(error.error(), again.method()));
            let again = unsent.or(again).filter(|_| age == Age::Kept);
            request = again.ok_or_else(|| seen.blame())?;
        }
        Err(Fault::TargetBadResponse)
    }

    async fn open(&self) -> Result<(Open, Age), Fault> {
        let mut now = self.now.lock().await;
        if let Some(open) = now.as_ref().filter(|open| !open.sender.is_closed()) {
            return Ok((open.clone(), Age::Kept));
        }
        let connection = self.connector.open(None).await.map_err(|_| Fault::ClientOffline)?;
        let seen = connection.seen();
        let mut builder = Builder::new(self.tasks.clone());
        builder.timer(TokioTimer::new()).max_header_list_size(MAX_HEAD);
        // Says its own part and waits for nobody.
        let (sender, connection) = builder.handshake(connection.in_turns()).await.map_err(|_| Fault::ClientOffline)?;
        self.tasks.spawn(connection);
        let open = Open { sender, seen };
        *now = Some(open.clone());
        Ok((open, Age::Fresh))
    }
}

/// Whether a connection was made for the request that goes into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    Fresh,
    /// It was there before, so the target may have closed it in this moment, which is nobody's fault.
    Kept,
}

/// The same request once more, where there is nothing behind its head.
fn repeated(request: &Request<Body>) -> Option<Request<Body>> {
    if !request.body().is_end_stream() {
        return None;
    }
    let mut again = Request::new(Body::empty());
    *again.method_mut() = request.method().clone();
    *again.uri_mut() = request.uri().clone();
    *again.headers_mut() = request.headers().clone();
    Some(again)
}

/// Whether a request can be sent again: where the target says that it has not looked at it (RFC 9113, section 8.7), or
/// where the connection broke and it is one that only asks.
fn may_repeat(error: &hyper::Error, method: &Method) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<h2::Error>());
    match cause {
        Some(cause) if cause.is_remote() && cause.is_go_away() => true,
        Some(cause) if cause.is_reset() => cause.reason() == Some(h2::Reason::REFUSED_STREAM),
        _ => method.is_safe(),
    }
}

/// A request as HTTP/2 spells it: the host is a part of the address, and the body comes when it comes.
fn spoken(mut request: Request<Body>) -> Result<Request<Body>, Fault> {
    let host = request.headers_mut().remove(HOST);
    let host = host.as_ref().and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    let path = request.uri().path_and_query().cloned();
    let uri = Uri::builder().scheme(Scheme::HTTP).authority(host.ok_or(Fault::BadRequest)?);
    let uri = uri.path_and_query(path.ok_or(Fault::BadRequest)?).build();
    *request.uri_mut() = uri.map_err(|_| Fault::BadRequest)?;
    *request.version_mut() = Version::HTTP_2;
    // Whoever expects something is told to go on as soon as the body is read, which is at once.
    request.headers_mut().remove(EXPECT);
    Ok(request)
}
