//! The reverse proxy of Go's standard library, which both Go ends use.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CONNECTION, HeaderName, HeaderValue, RANGE, TE, TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::Connect;
use hyper_util::rt::TokioIo;
use tokio_util::task::TaskTracker;

pub(super) type Answer = Response<BoxBody<Bytes, hyper::Error>>;

/// A proxy to one authority.
#[derive(Clone)]
pub(super) struct Proxy<C> {
    pub(super) client: Client<C, Incoming>,
    pub(super) authority: String,
    pub(super) tasks: TaskTracker,
}

/// An answer without a body.
pub(super) fn blank(status: StatusCode) -> Answer {
    let mut answer = Response::new(Empty::new().map_err(|never| match never {}).boxed());
    *answer.status_mut() = status;
    answer
}

impl<C: Connect + Clone + Send + Sync + 'static> Proxy<C> {
    /// Forwards a request of `visitor`, the name that goes into `X-Forwarded-For`.
    pub(super) async fn forward(&self, mut request: Request<Incoming>, visitor: &str) -> Answer {
        let upgrade = asked_upgrade(request.headers());
        let visitors_end = hyper::upgrade::on(&mut request);
        self.prepare(&mut request, upgrade.as_ref(), visitor);
        let Ok(mut answer) = self.client.request(request).await else { return blank(StatusCode::BAD_GATEWAY) };
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            strip(answer.headers_mut());
            return answer.map(BodyExt::boxed);
        }
        let targets_end = hyper::upgrade::on(&mut answer);
        self.tasks.spawn(async move {
            if let (Ok(visitor), Ok(target)) = (visitors_end.await, targets_end.await) {
                // It ends as either of the two ends.
                let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(visitor), &mut TokioIo::new(target)).await;
            }
        });
        answer.map(BodyExt::boxed)
    }

    fn prepare(&self, request: &mut Request<Incoming>, upgrade: Option<&HeaderValue>, visitor: &str) {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let uri = format!("http://{}{path}", self.authority).parse::<Uri>().expect("an authority and a path");
        *request.uri_mut() = uri;
        let method = request.method().clone();
        let headers = request.headers_mut();
        strip(headers);
        if let Some(protocol) = upgrade {
            headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.insert(UPGRADE, protocol.clone());
        }
        let forwarded = HeaderName::from_static("x-forwarded-for");
        let before = headers.get(&forwarded).and_then(|value| value.to_str().ok());
        let chain = before.map_or_else(|| visitor.to_owned(), |before| format!("{before}, {visitor}"));
        headers.insert(forwarded, chain.parse().expect("addresses make a header"));
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(""));
        if method != Method::HEAD && !headers.contains_key(RANGE) {
            headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("gzip"));
        }
    }
}

fn asked_upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let connection = headers.get(CONNECTION)?.to_str().ok()?.to_ascii_lowercase();
    connection.contains("upgrade").then(|| headers.get(UPGRADE).cloned())?
}

fn strip(headers: &mut HeaderMap) {
    for name in [CONNECTION, UPGRADE, TE, TRANSFER_ENCODING, HeaderName::from_static("keep-alive")] {
        headers.remove(name);
    }
}

/// The visitor's name where it is an address.
pub(super) fn address_of(peer: SocketAddr) -> String {
    peer.ip().to_string()
}
