//! One connection, from the first byte to the last: HTTP/1.1 or HTTP/2, on the thread where it belongs.

use std::cell::Cell;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::body::Body;
use http::StatusCode;
use http::header::{CONNECTION, HeaderValue};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::accept::{HEAD_DEADLINE, MAX_HEAD};
use super::answer::Answer;
use super::connections::Place;
use super::gate::{Course, Gate, Patience, UnderWay, refusal};
use super::public::Arrival;
use super::router::Routes;
use super::severable::Severable;
use super::threads::Home;
use super::tls::Credential;
use super::transport::Transport;
use super::{Inner, Server, Tls, assign, http2};
use crate::proxy::{Breaker, Visitor, has};
use crate::wire::ERROR_HEADER;

/// How often a silent connection's other end is asked for a sign of life: a visitor who has said all may have left
/// without another word.
const PROBE: Duration = Duration::from_secs(15);

/// How much may wait in the system to be sent to a visitor, beyond what is on its way: the system's own bound is some
/// megabytes for each, which a thousand who take nothing would make a part of the machine.
#[cfg(target_os = "linux")]
const MAX_UNSENT: u32 = 256 * 1024;

/// A connection, from the first byte to the last. Until its first head has come, the handshake of TLS included, it can
/// make room for another.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    place: Place,
    tls: Option<Tls>,
    server: Server,
    routes: Routes,
) {
    let deadline = Instant::now() + HEAD_DEADLINE;
    // Small answers must not wait for the acknowledgement of the ones before. It fails on a dead connection only.
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(PROBE).with_interval(PROBE));
    #[cfg(target_os = "linux")]
    let _ = SockRef::from(&stream).set_tcp_notsent_lowat(MAX_UNSENT);
    let breaker = Breaker::default();
    let visitor = Visitor::new(Some(peer), tls.is_some());
    let fresh = server.0.fresh.token();
    let Inner { closing, connections, .. } = &*server.0;
    let spoken = tokio::select! {
        spoken = timeout_at(deadline, begin(stream, tls, breaker.clone())) => spoken,
        () = connections.waiting().told_to_end() => return,
        () = closing.cancelled() => return,
    };
    let (stream, credential, is_http2) = match spoken {
        Ok(Ok(begun)) => begun,
        Ok(Err(cause)) => return tracing::debug!(%peer, %cause, "a connection broke before its first request"),
        Err(_) => return,
    };
    let routes = routes.for_who_presented(credential);
    let home = assign::home(&server, stream.ahead());
    let begun = Begun { stream, is_http2, peer, deadline, breaker, visitor, fresh, server, routes, _place: place };
    match home {
        Some(home) => begun.serve_at(home).await,
        None => begun.serve().await,
    }
}

/// A connection whose first bytes have come.
struct Begun {
    stream: Severable,
    is_http2: bool,
    peer: SocketAddr,
    /// By when its first head has to be whole.
    deadline: Instant,
    breaker: Breaker,
    visitor: Visitor,
    /// There is, until its first request has come.
    fresh: TaskTrackerToken,
    server: Server,
    routes: Routes,
    _place: Place,
}

impl Begun {
    /// Is served on another thread, or here where there is no descriptor to move it by.
    async fn serve_at(mut self, home: Home) {
        let Ok(duplicate) = self.stream.duplicate() else { return self.serve().await };
        let tasks = self.server.0.tasks.clone();
        self.routes = self.routes.at(home.clone());
        home.spawn(&tasks, async move {
            match self.stream.adopt(duplicate) {
                Ok(()) => self.serve().await,
                Err(cause) => tracing::debug!(peer = %self.peer, %cause, "a connection could not be moved"),
            }
        });
    }

    async fn serve(self) {
        let Self { stream, is_http2, peer, deadline, breaker, visitor, fresh, server, routes, _place } = self;
        let outcome = if is_http2 {
            http2::serve(stream, deadline, visitor, routes, &server).await
        } else {
            let (course, Inner { closing, connections, .. }) = (Course::default(), &*server.0);
            let gate = Gate::new(stream, course.clone(), Patience::new(deadline, connections.waiting().clone()));
            http1(gate, course, visitor, breaker, routes, closing, fresh).await
        };
        if let Err(cause) = outcome {
            tracing::debug!(%peer, %cause, "a connection broke");
        }
    }
}

/// What a connection is read by, what its other end has presented where it was asked to, and whether HTTP/2 is spoken on it:
/// what TLS has agreed on says no more than the first bytes do. Waits for them, so the caller sets the deadline.
async fn begin(
    stream: TcpStream,
    tls: Option<Tls>,
    breaker: Breaker,
) -> io::Result<(Severable, Option<Credential>, bool)> {
    let (stream, credential) = match tls {
        Some(tls) => {
            // Apart, for it would have its room in every connection.
            let (stream, credential) = Box::pin(tls.accept(stream)).await?;
            (Transport::Tls(Box::new(stream)), credential)
        }
        None => (Transport::Plain(stream), None),
    };
    let mut stream = Severable::new(stream, breaker);
    let is_http2 = stream.begins_with(http2::PREFACE).await?;
    Ok((stream, credential, is_http2))
}

async fn http1(
    gate: Gate<Severable>,
    course: Course,
    visitor: Visitor,
    breaker: Breaker,
    routes: Routes,
    closing: &CancellationToken,
    fresh: TaskTrackerToken,
) -> hyper::Result<()> {
    let fresh = Cell::new(Some(fresh));
    let service = service_fn(move |request: Request<Incoming>| {
        drop(fresh.take());
        // Told before the answer is awaited: the end of what the visitor sends may be there already.
        let arrival = Arrival { visitor: visitor.clone(), breaker: breaker.clone(), owed: Some(course.begin()) };
        answer(routes.clone(), request, course.clone(), arrival)
    });
    let mut http = http1::Builder::new();
    // The gate has the clock that heads are read by.
    http.header_read_timeout(None).max_header_size(MAX_HEAD).max_buf_size(MAX_HEAD);
    let mut serving = pin!(http.serve_connection(TokioIo::new(gate), service).with_upgrades());
    tokio::select! {
        served = serving.as_mut() => served,
        () = closing.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    }
}

/// The answer to one request, and what it makes of the connection.
async fn answer(
    routes: Routes,
    request: Request<Incoming>,
    course: Course,
    arrival: Arrival,
) -> Result<Response<Answer<UnderWay>>, Infallible> {
    let (under_way, has_left) = (course.exchange(), routes.home_has_left());
    let mut answer = match refusal(&request, &arrival.visitor, routes.server()) {
        Some(refusal) => refusal,
        None => routes.answer(request.map(Body::new), arrival).await,
    };
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        course.switch();
    }
    if is_last(&answer, course.is_within(), has_left) {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(answer.map(|body| Answer::new(body, under_way)))
}

/// Whether an answer is the last of its connection. Who is refused by the server, or a client, is heard no more. Who has come
/// for a session that lives elsewhere now has its next exchange there, but says all of this one. What is HTTP no more has no
/// next one.
fn is_last<B>(answer: &Response<B>, is_within: bool, has_left: bool) -> bool {
    match answer.status() {
        StatusCode::SWITCHING_PROTOCOLS => false,
        _ if is_within => has(answer.headers(), ERROR_HEADER),
        _ => has_left,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_refused_or_is_served_elsewhere_has_the_last_answer() {
        for (status, error, is_within, has_left, last) in [
            (200, false, false, false, false),
            (200, false, false, true, true),
            (200, false, true, true, false),
            (502, true, false, false, false),
            (502, true, true, false, true),
            // `Connection` says something else there.
            (101, false, false, true, false),
        ] {
            let mut answer = Response::builder().status(status);
            if error {
                answer = answer.header(ERROR_HEADER, "limit");
            }
            let answer = answer.body(()).unwrap();
            assert_eq!(is_last(&answer, is_within, has_left), last, "{status} {is_within} {has_left}");
        }
    }
}
