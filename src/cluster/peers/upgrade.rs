//! Requests to change the protocol. They cross as the HTTP/1.1 that they are, within a stream of HTTP/2 whose two bodies are the two
//! directions: so each end has a connection of its own that is upgraded, the answer may be any, and a direction that was cut is told
//! from one that has ended. An extended CONNECT (RFC 8441) would be the usual way, but hyper takes its reset for an end.

use std::convert::Infallible;

use axum::body::Body;
use http::header::{CONNECTION, HeaderMap, HeaderValue, UPGRADE};
use http::{Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{client, server};
use hyper_util::rt::{TokioIo, TokioTimer};

use super::again;
use super::carried::drop_ours;
use super::pass::{NotPassed, brought_back, is_not_mine};
use super::passed::{PASSED, Passed};
use super::pool::{Place, Pool};
use super::serve::HEAD_DEADLINE;
use super::{MAX_HEAD, tunnel};

/// On a request that stands for a byte stream, on which HTTP/1.1 is spoken.
pub(super) const TUNNEL: &str = "sendit-tunnel";

/// Lines of a head: what the other node says comes beside the target's.
const MAX_LINES: usize = 256;

/// Whether a request is one to change the protocol. (RFC 9110, section 7.8)
pub(super) fn is_wanted<B>(request: &Request<B>) -> bool {
    request.version() == Version::HTTP_11 && request.headers().contains_key(UPGRADE) && names_it(request.headers())
}

fn names_it(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(CONNECTION).into_iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|token| token.trim().eq_ignore_ascii_case("upgrade"))
}

/// Passes one on. A 101 comes back with its way to the other side.
pub(super) async fn pass(
    pool: &Pool,
    place: Place,
    request: Request<Body>,
    passed: &Passed,
) -> Result<Response<Body>, NotPassed> {
    let Place { mut sender, held } = place;
    let (body, outgoing) = tunnel::begin();
    let mut around = Request::new(body);
    *around.method_mut() = Method::POST;
    around.headers_mut().insert(PASSED, passed.to_header());
    around.headers_mut().insert(TUNNEL, HeaderValue::from_static("http/1.1"));
    // Nothing of the request itself is sent before this is answered.
    let incoming = match sender.send_request(around).await {
        Ok(answer) if answer.status() == StatusCode::OK => Body::new(answer.into_body()),
        _ => return Err(NotPassed::Unreachable(Some(Box::new(request)))),
    };
    let (mut sent, kept) = again::keep(request);
    drop_ours(sent.headers_mut());
    match spoken(pool, TokioIo::new(outgoing.with(incoming)), sent).await {
        Ok(answer) if is_not_mine(&answer) => Err(NotPassed::NotMine(kept.take_back())),
        Ok(answer) => {
            kept.let_go();
            Ok(brought_back(answer, held))
        }
        Err(_) => Err(NotPassed::Lost(kept.take_back())),
    }
}

async fn spoken(
    pool: &Pool,
    tunnel: TokioIo<tunnel::Tunnel>,
    request: Request<Body>,
) -> hyper::Result<Response<Incoming>> {
    let mut http = client::conn::http1::Builder::new();
    http.max_headers(MAX_LINES);
    let (mut sender, connection) = http.handshake(tunnel).await?;
    pool.tasks().0.spawn(async move { drop(connection.with_upgrades().await) });
    sender.send_request(request).await
}

/// Whether a request stands for such a stream.
pub(super) fn is_tunnel(headers: &HeaderMap) -> bool {
    headers.contains_key(TUNNEL)
}

/// Answers the one request that comes on such a stream, by `handler`.
pub(super) async fn serve<H, Fut>(tunnel: tunnel::Tunnel, passed: Passed, handler: H)
where
    H: Fn(Request<Body>, Passed) -> Fut,
    Fut: Future<Output = Response<Body>>,
{
    let service = service_fn(|request: Request<Incoming>| {
        let answered = handler(request.map(Body::new), passed);
        async move { Ok::<_, Infallible>(answered.await) }
    });
    let mut http = server::conn::http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .max_headers(MAX_LINES)
        .max_header_size(MAX_HEAD as usize)
        .auto_date_header(false);
    let served = http.serve_connection(TokioIo::new(tunnel), service).with_upgrades().await;
    if let Err(cause) = served {
        tracing::debug!(%cause, "an upgrade that was passed on broke");
    }
}
