//! Forwards one exchange over a stream, and brings the answer back.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use axum::body::Body;
use http::header::{HOST, HeaderMap, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, StatusCode, Uri, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::task::TaskTracker;

use super::answer::{Answer, Breaker};
use super::confine::{Asks, confine};
use super::connection::{Connector, Seen};
use super::forwarded::X_FORWARDED_PREFIX;
use super::headers::{Intent, closes, drop_all, is_our_own, join_cookies, strip_hop_by_hop};
use super::interim::Interim;
use super::rewrite::Outside;
use super::rules::{Path, Protocol, Rules, strip};
use super::tracked::Tracked;
use super::{Fault, Meter, Visitor, ambiguous, expect, forwarded, http1, http2, trailers, upgrade};
use crate::wire::{ERROR_HEADER, FAULT_KEY_HEADER};

/// The way to one target.
pub struct Hop<S> {
    way: Way<S>,
    rules: Rules,
    tasks: TaskTracker,
    /// What the client repeats on the failures that it answers itself.
    fault_key: HeaderValue,
}

enum Way<S> {
    Http1(http1::Pool<S>),
    Http2(http2::Shared<S>),
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Hop<S> {
    /// A hop over the streams that `open` gives, whose tasks run in `tasks`.
    pub fn new<F, Fut>(open: F, rules: Rules, fault_key: HeaderValue, tasks: TaskTracker) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<S>> + Send + 'static,
    {
        let (connector, tracked) = (Connector::new(open), Tracked(tasks.clone()));
        let way = match rules.protocol {
            Protocol::Http1 => Way::Http1(http1::Pool::new(connector, tracked)),
            Protocol::Http2 => Way::Http2(http2::Shared::new(connector, tracked)),
        };
        Self { way, rules, tasks, fault_key }
    }

    /// Whether a visitor may pass. [`forward`](Self::forward) asks by itself; this is for who would have to wait before.
    ///
    /// # Errors
    /// What the visitor is told instead.
    pub fn admit(&self, headers: &HeaderMap, visitor: &Visitor) -> Result<(), Fault> {
        let Rules { trusted, access, .. } = &self.rules;
        access.check(trusted.origin(visitor, headers), headers)
    }

    /// Where a visitor comes from, where that is not one of the proxies that are trusted, behind whom everybody may be.
    pub fn stranger(&self, headers: &HeaderMap, visitor: &Visitor) -> Option<IpAddr> {
        let trusted = &self.rules.trusted;
        trusted.origin(visitor, headers).filter(|address| !trusted.contains(*address))
    }

    /// Has `request`, to a tunnel that its visitor finds at the path `place`, answered. Waits as long as the target takes;
    /// cancelling it cancels the exchange there. `guard` is dropped once the last byte is through.
    ///
    /// # Errors
    /// Whose fault it is that there is no answer.
    pub async fn forward(
        &self,
        mut request: Request<Body>,
        visitor: &Visitor,
        place: &str,
        guard: impl Send + Sync + Unpin + 'static,
    ) -> Result<Response<Body>, Fault> {
        self.admit(request.headers(), visitor)?;
        let breaker = request.extensions_mut().remove::<Breaker>().unwrap_or_default();
        let meter = request.extensions_mut().remove::<Arc<Meter>>();
        let asks = Asks::of(request.headers(), request.uri().path(), place);
        // Neither upgrades nor expectations are known to HTTP/1.0, and upgrades not to HTTP/2.
        let is_http_11 = request.version() == Version::HTTP_11;
        let mut intent = Intent::of(request.headers());
        let may_upgrade = is_http_11 && matches!(self.way, Way::Http1(_));
        intent.upgrade = intent.upgrade.filter(|_| may_upgrade);
        let wants_upgrade = intent.upgrade.is_some().then(|| hyper::upgrade::on(&mut request));
        let outside = prepare(&mut request, &intent, visitor, place, &self.rules)?;
        let request = request.map(trailers::without_what_is_ours);
        let has_body = !request.body().is_end_stream();
        let mut response = match &self.way {
            Way::Http1(pool) => {
                let interim = Interim::default();
                let request = if is_http_11 { expect::hold_body(request, &interim) } else { request };
                tokio::select! {
                    answered = pool.answered(request, &interim) => answered?,
                    () = interim.flood() => return Err(Fault::TargetBadResponse),
                }
            }
            // Apart, for it would have its room in every exchange.
            Way::Http2(shared) => Box::pin(shared.answered(request)).await?,
        };
        if let Some(fault) = self.own_fault(&response) {
            return Err(fault);
        }
        let protocol = Intent::of(response.headers());
        // Else the target may read on. (RFC 9112, sections 9.5 and 9.6)
        let is_done =
            closes(response.headers()) || response.status().is_client_error() || response.status().is_server_error();
        let rest = response.extensions_mut().remove::<Seen>().filter(|_| has_body && is_done);
        brought_back(&mut response, &outside, asks);
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let visitor = wants_upgrade.ok_or(Fault::TargetBadResponse)?;
            protocol.say(response.headers_mut());
            let target = hyper::upgrade::on(&mut response);
            self.tasks.spawn(upgrade::splice(visitor, target, breaker, meter, guard));
            return Ok(response.map(|_| Body::empty()));
        }
        Ok(response.map(|body| Body::new(Answer::new(body, breaker, meter, rest, guard))))
    }

    /// The client's own answer, where it could not reach the target: known by a key that no target ever sees.
    fn own_fault(&self, response: &Response<Incoming>) -> Option<Fault> {
        let key = response.headers().get(FAULT_KEY_HEADER)?;
        if *key != self.fault_key {
            return None;
        }
        Fault::named(response.headers().get(ERROR_HEADER)?)
    }
}

/// What the HTTP client is told to connect to. A short name, for it is hashed again and again.
static TARGET: LazyLock<Authority> = LazyLock::new(|| Authority::from_static("t"));

/// Makes of a visitor's request the one that the target gets.
fn prepare(
    request: &mut Request<Body>,
    intent: &Intent,
    visitor: &Visitor,
    place: &str,
    rules: &Rules,
) -> Result<Outside, Fault> {
    ambiguous::settle(request)?;
    if request.version() == Version::HTTP_2 {
        join_cookies(request.headers_mut());
    }
    let path = request.uri().path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
    let path = match rules.path {
        Path::Kept => path,
        Path::Stripped => strip(path.as_str(), place).and_then(|path| path.parse().ok()).ok_or(Fault::BadRequest)?,
    };
    let headers = request.headers_mut();
    rules.access.conceal(headers);
    strip_hop_by_hop(headers);
    intent.say(headers);
    forwarded::introduce(headers, visitor, &rules.trusted);
    let outside = Outside::of(headers, place, rules.path, rules.host.as_ref(), path.as_str());
    if let (Path::Stripped, Ok(place)) = (rules.path, HeaderValue::from_str(outside.place())) {
        headers.insert(X_FORWARDED_PREFIX, place);
    }
    if let Some(host) = &rules.host {
        headers.insert(HOST, host.clone());
    }
    // Never resolved: the connector opens a stream whatever the address.
    let uri = Uri::builder().scheme(Scheme::HTTP).authority(TARGET.clone()).path_and_query(path).build();
    *request.uri_mut() = uri.map_err(|_| Fault::BadRequest)?;
    *request.version_mut() = Version::HTTP_11;
    Ok(outside)
}

/// Makes of a target's answer the one that the visitor gets.
fn brought_back(response: &mut Response<Incoming>, outside: &Outside, asks: Asks) {
    *response.version_mut() = Version::HTTP_11;
    let headers = response.headers_mut();
    strip_hop_by_hop(headers);
    drop_all(headers, is_our_own);
    outside.translate(headers);
    confine(headers, outside, asks);
}
