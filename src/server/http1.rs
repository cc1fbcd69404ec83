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
use futures_util::FutureExt as _;
use futures_util::future::Either;
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as HttpService, service_fn};
use hyper_util::rt::TokioIo;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::accept::MAX_HEAD;
use super::answer::Answer;
use super::gate::{Course, Gate, Owed, UnderWay, refusal};
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
    // Apart, so that its room is not kept behind it: clients' connections last, and are soon the library's.
    let asked = Box::pin(asks::serve(&mut gate, &mut service, closing)).await?;
    let Asked::More(there) = asked else { return Ok(()) };
    let mut http = http1::Builder::new();
    // The gate has the clock that heads are read by.
    http.header_read_timeout(None).max_header_size(MAX_HEAD).max_buf_size(MAX_HEAD);
    let mut serving = pin!(http.serve_connection(TokioIo::new(gate), library(service, there)).with_upgrades());
    let served = tokio::select! {
        // First, or it would end without having looked at what is there.
        biased;
        served = serving.as_mut() => served,
        () = closing.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    served.map_err(io::Error::other)
}

/// What the library has answer the requests that come from now on. Where an answer is `there` it is that to the first.
fn library(
    service: Service,
    there: Option<There>,
) -> impl HttpService<Request<Incoming>, Response = Response<Answer<UnderWay>>, Error = Infallible, Future: Send> {
    let (course, service, there) = (service.course.clone(), RefCell::new(service), Cell::new(there));
    service_fn(move |request: Request<Incoming>| {
        let answering = match there.take() {
            Some((answer, owed)) => {
                let under_way = course.exchange();
                Either::Left(async move {
                    // Until now, or the end of what the visitor sends would be that of the connection.
                    drop(owed);
                    (answer, under_way)
                })
            }
            // Told before the answer is awaited: that end may be there already. Apart, for the library keeps the room of what it
            // waits for as long as the connection lasts.
            None => Either::Right(Box::pin(service.borrow_mut().answer(request.map(Body::new), course.begin()))),
        };
        answering.map(|(answer, under_way)| Ok(answer.map(|body| Answer::new(body, under_way))))
    })
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

    /// The answer to one request, which is owed, and what it makes of the connection; with what says that it is under way.
    fn answer(
        &mut self,
        request: Request<Body>,
        owed: Owed,
    ) -> impl Future<Output = (Response<Body>, UnderWay)> + Send + use<> {
        drop(self.fresh.take());
        let (routes, course, under_way) = (self.routes.clone(), self.course.clone(), self.course.exchange());
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
            (answer, under_way)
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
