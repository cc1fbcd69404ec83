//! A connection on which HTTP/1.1 is spoken. As long as its requests only ask, and the answers are plain, they are passed on
//! here; from the first one on that is more, the HTTP library does that.

mod asks;
mod head;
mod outgoing;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::io;
use std::pin::pin;

use axum::body::Body;
use futures_util::future::Either;
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::accept::MAX_HEAD;
use super::answer::Answer;
use super::gate::{Course, Gate, Owed, refusal};
use super::public::Arrival;
use super::router::Routes;
use super::severable::Severable;
use crate::proxy::{Breaker, Visitor, has};
use crate::wire::ERROR_HEADER;
use asks::Asked;

/// What answers the requests of one connection.
pub(super) struct Service {
    routes: Routes,
    course: Course,
    visitor: Visitor,
    breaker: Breaker,
    /// There is, until the first request has come.
    fresh: Option<TaskTrackerToken>,
}

/// An answer that is there, and is owed until somebody hands it over.
type There = (Response<Body>, Owed);

/// Serves a connection until it ends, or is to.
pub(super) async fn serve(
    mut gate: Gate<Severable>,
    mut service: Service,
    closing: &CancellationToken,
) -> io::Result<()> {
    // Both apart, or each connection would have room for the larger of them as long as it lasts, and clients' last.
    match Box::pin(asks::serve(&mut gate, &mut service, closing)).await? {
        Asked::All => Ok(()),
        Asked::More(there) => Box::pin(by_the_library(gate, service, closing, there)).await.map_err(io::Error::other),
    }
}

/// Has the library do what comes next. Where an answer is `there` it is that to the next request.
async fn by_the_library(
    gate: Gate<Severable>,
    service: Service,
    closing: &CancellationToken,
    there: Option<There>,
) -> hyper::Result<()> {
    let (course, service, there) = (service.course.clone(), RefCell::new(service), Cell::new(there));
    let service = service_fn(move |request: Request<Incoming>| {
        let answering = match there.take() {
            Some((answer, owed)) => Either::Left(async {
                // Until now, or the end of what the visitor sends would be that of the connection.
                drop(owed);
                answer
            }),
            // Told before the answer is awaited: that end may be there already.
            None => Either::Right(service.borrow_mut().answer(request.map(Body::new), course.begin())),
        };
        let course = course.clone();
        async move {
            let under_way = course.exchange();
            Ok::<_, Infallible>(answering.await.map(|body| Answer::new(body, under_way)))
        }
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

impl Service {
    pub(super) fn new(
        routes: Routes,
        course: Course,
        visitor: Visitor,
        breaker: Breaker,
        fresh: TaskTrackerToken,
    ) -> Self {
        Self { routes, course, visitor, breaker, fresh: Some(fresh) }
    }

    /// The answer to one request, which is owed, and what it makes of the connection.
    fn answer(&mut self, request: Request<Body>, owed: Owed) -> impl Future<Output = Response<Body>> + Send + use<> {
        drop(self.fresh.take());
        let (routes, course) = (self.routes.clone(), self.course.clone());
        let arrival = Arrival { visitor: self.visitor.clone(), breaker: self.breaker.clone(), owed: Some(owed) };
        async move {
            let has_left = routes.home_has_left();
            let mut answer = match refusal(&request, &arrival.visitor, routes.server()) {
                Some(refusal) => refusal,
                None => routes.answer(request, arrival).await,
            };
            if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
                course.switch();
            }
            if is_last(&answer, course.is_within(), has_left) {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            answer
        }
    }
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
