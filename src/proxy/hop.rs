//! Forwards one exchange over a stream, and brings the answer back.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use http::header::{HOST, HeaderMap, HeaderValue};
use http::uri::PathAndQuery;
use http::{Request, Response, StatusCode, Version};
use http_body::Body as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answer::{Answer, Breaker};
use super::came::Came;
use super::confine::{Asks, confine};
use super::connection::Connector;
use super::expect::Hold;
use super::forwarded::X_FORWARDED_PREFIX;
use super::headers::{Intent, drop_all, has, is_our_own, join_cookies, strip_hop_by_hop};
use super::rewrite::Outside;
use super::rules::{Path, Protocol, Rules, strip};
use super::tracked::Tracked;
use super::{Fault, Meter, Visitor, ambiguous, came, forwarded, http1, http2, trailers, upgrade};
use crate::pieces::Pieces;
use crate::wire::{ERROR_HEADER, FAULT_KEY_HEADER};

/// What is known of an exchange beside its request.
pub struct Call<'a> {
    /// Who calls.
    pub visitor: &'a Visitor,
    /// The path that the visitor finds the tunnel at, without a slash at its end: empty where its host is its own.
    pub place: &'a str,
    /// Who is told of an answer that cannot be finished.
    pub breaker: Breaker,
    /// What counts the bytes.
    pub meter: Meter,
    /// How long the visitor has waited before, where it had to. What gives streams is told, so the exchange has one of its own,
    /// but with a target of HTTP/2, where all share one.
    pub waited: Option<Duration>,
}

/// The way to one target.
pub struct Hop<S> {
    way: Way<S>,
    rules: Rules,
    tasks: TaskTracker,
    /// The server is to stop once this is cancelled.
    stopping: CancellationToken,
    /// What the client repeats on the failures that it answers itself.
    fault_key: HeaderValue,
}

enum Way<S> {
    Http1(http1::Pool<S>),
    Http2(http2::Shared<S>),
}

impl<S: Pieces + Send + Unpin + 'static> Hop<S> {
    /// A hop over the streams that `open` gives, whose tasks run in `tasks`, of a server that is to stop once `stopping` is
    /// cancelled. It is told how long the visitor has waited for whom a stream is, where that is one who has.
    pub fn new<F, Fut>(
        open: F,
        rules: Rules,
        fault_key: HeaderValue,
        tasks: TaskTracker,
        stopping: CancellationToken,
    ) -> Self
    where
        F: Fn(Option<Duration>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<S>> + Send + 'static,
    {
        let (connector, tracked) = (Connector::new(open), Tracked(tasks.clone()));
        let way = match rules.protocol {
            Protocol::Http1 => Way::Http1(http1::Pool::new(connector, tracked)),
            Protocol::Http2 => Way::Http2(http2::Shared::new(connector, tracked)),
        };
        Self { way, rules, tasks, stopping, fault_key }
    }

    /// Whether a visitor may pass. [`forward`](Self::forward) asks by itself; this is for who would have to wait before.
    ///
    /// # Errors
    /// What the visitor is told instead.
    pub fn admit(&self, headers: &HeaderMap, visitor: &Visitor) -> Result<(), Fault> {
        let Rules { trusted, access, .. } = &self.rules;
        access.check(|| trusted.origin(visitor, headers), headers)
    }

    /// Where a visitor comes from, where that is not one of the proxies that are trusted, behind whom everybody may be.
    pub fn stranger(&self, headers: &HeaderMap, visitor: &Visitor) -> Option<IpAddr> {
        let trusted = &self.rules.trusted;
        trusted.origin(visitor, headers).filter(|address| !trusted.contains(*address))
    }

    /// Has `request` answered. Takes it out of its place. Waits as long as the target takes;
    /// cancelling it cancels the exchange there. `guard` is dropped once the last byte is through.
    ///
    /// # Errors
    /// Whose fault it is that there is no answer.
    pub async fn forward(
        &self,
        request: &mut Request<Body>,
        call: Call<'_>,
        guard: impl Send + Sync + Unpin + 'static,
    ) -> Result<Response<Body>, Fault> {
        let Call { visitor, place, breaker, meter, waited } = call;
        self.admit(request.headers(), visitor)?;
        let asks = Asks::of(request.headers(), request.uri().path(), place);
        // Neither upgrades nor expectations are known to HTTP/1.0, and upgrades not to HTTP/2.
        let is_http_11 = request.version() == Version::HTTP_11;
        let mut intent = Intent::of(request.headers());
        let may_upgrade = is_http_11 && matches!(self.way, Way::Http1(_));
        intent.upgrade = intent.upgrade.filter(|_| may_upgrade);
        let wants_upgrade = intent.upgrade.is_some().then(|| hyper::upgrade::on(&mut *request));
        let outside = prepare(request, &intent, visitor, place, &self.rules)?;
        // In one place: each that it is handed on to would have its room in the future.
        let body = std::mem::take(request.body_mut());
        *request.body_mut() = trailers::without_what_is_ours(body);
        let has_body = !request.body().is_end_stream();
        let (mut response, protocol, seen) = match &self.way {
            Way::Http1(pool) => {
                let hold = if is_http_11 { Hold::UntilAsked } else { Hold::Never };
                pool.answered(request, hold, waited).await?
            }
            // Apart, for it would have its room in every exchange.
            Way::Http2(shared) => {
                let response = Box::pin(shared.answered(std::mem::take(request))).await?;
                let protocol = Intent::of(response.headers());
                (response.map(Came::Incoming), protocol, None)
            }
        };
        if let Some(fault) = self.own_fault(&response) {
            return Err(fault);
        }
        // Else the target may read on. (RFC 9112, sections 9.5 and 9.6)
        let is_done = protocol.closes || response.status().is_client_error() || response.status().is_server_error();
        let rest = seen.filter(|_| has_body && is_done);
        brought_back(&mut response, &protocol, &outside, asks);
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let visitor = wants_upgrade.ok_or(Fault::TargetBadResponse)?;
            protocol.say(response.headers_mut());
            let (answer, target) = came::switched(response);
            self.tasks.spawn(upgrade::splice(visitor, target, breaker, meter, self.stopping.clone(), guard));
            return Ok(answer);
        }
        Ok(response.map(|body| Body::new(Answer::new(body, breaker, meter, rest, guard))))
    }

    /// The client's own answer, where it could not reach the target: known by a key that no target ever sees.
    fn own_fault<B>(&self, response: &Response<B>) -> Option<Fault> {
        if !has(response.headers(), FAULT_KEY_HEADER) || response.headers()[FAULT_KEY_HEADER] != self.fault_key {
            return None;
        }
        Fault::named(response.headers().get(ERROR_HEADER)?)
    }
}

/// Makes of a visitor's request the one that the target gets.
fn prepare<'a>(
    request: &mut Request<Body>,
    intent: &Intent,
    visitor: &Visitor,
    place: &'a str,
    rules: &Rules,
) -> Result<Outside<'a>, Fault> {
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
    strip_hop_by_hop(headers, intent);
    intent.say(headers);
    let mut called = forwarded::introduce(headers, visitor, &rules.trusted);
    if let Some(host) = &rules.host {
        headers.insert(HOST, host.clone());
        called.told = Some(host.clone());
    }
    let outside = Outside::of(called, headers, place, rules.path, &path);
    if let (Path::Stripped, false, Ok(said)) = (rules.path, place.is_empty(), HeaderValue::from_str(outside.place())) {
        headers.insert(X_FORWARDED_PREFIX, said);
    }
    *request.uri_mut() = path.into();
    *request.version_mut() = Version::HTTP_11;
    Ok(outside)
}

/// Makes of a target's answer the one that the visitor gets.
fn brought_back<B>(response: &mut Response<B>, intent: &Intent, outside: &Outside<'_>, asks: Asks) {
    *response.version_mut() = Version::HTTP_11;
    let headers = response.headers_mut();
    http1::settle_length(headers);
    strip_hop_by_hop(headers, intent);
    drop_all(headers, is_our_own);
    outside.translate(headers);
    confine(headers, outside, asks);
}
