//! Passing one request on.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http::header::HeaderValue;
use http::{Request, Response, StatusCode, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;

use super::again::{self, Again};
use super::carried::pack;
use super::passed::{PASSED, Passed};
use super::pool::{Held, Place, Pool};
use super::{To, upgrade};
use crate::wire::ERROR_HEADER;

/// What a node says, in `Sendit-Error`, of a request for what it does not hold. Targets cannot: nothing that they say under that name
/// is passed on.
const NOT_MINE: &str = "not-mine";

/// How often a request goes into a connection: two may turn out to be closed.
const MAX_TRIES: usize = 3;

/// Why a node has not answered a request, and the request, where nothing of it is lost.
#[derive(Debug, thiserror::Error)]
pub enum NotPassed {
    /// It does not hold what the request is for.
    #[error("the server that was asked does not hold it")]
    NotMine(Again),
    /// Surely nothing of it was taken in.
    #[error("the server is not reached")]
    Unreachable(Again),
    /// It may have been taken in, and there will be no answer.
    #[error("the server was lost before it answered")]
    Lost(Again),
}

/// What a node answers that does not hold what a request is for. It has to read nothing of the body before.
#[must_use]
pub fn not_mine() -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::MISDIRECTED_REQUEST;
    answer.headers_mut().insert(ERROR_HEADER, HeaderValue::from_static(NOT_MINE));
    answer
}

pub(super) async fn pass(
    pool: &Pool,
    to: To<'_>,
    mut request: Request<Body>,
    passed: &Passed,
) -> Result<Response<Body>, NotPassed> {
    for _ in 0..MAX_TRIES {
        let Some(place) = pool.place(to).await else { break };
        let answered = if upgrade::is_wanted(&request) {
            // Apart, for it would have its room in every exchange.
            Box::pin(upgrade::pass(pool, place, request, passed)).await
        } else {
            exchange(place, request, passed).await
        };
        match answered {
            Err(NotPassed::Unreachable(Some(again))) => request = *again,
            answered => {
                let mut answer = answered?;
                pool.hear(to, &mut answer);
                return Ok(answer);
            }
        }
    }
    Err(NotPassed::Unreachable(Some(Box::new(request))))
}

async fn exchange(place: Place, request: Request<Body>, passed: &Passed) -> Result<Response<Body>, NotPassed> {
    let Place { mut sender, held } = place;
    // HTTP/2 has no absent host, and says no version: sent as one of HTTP/1.1 a request needs none, and `passed` says it.
    let (mut sent, kept) = again::keep(request);
    pack(sent.headers_mut());
    sent.headers_mut().insert(PASSED, passed.to_header());
    match sender.try_send_request(sent).await {
        Ok(answer) if is_not_mine(&answer) => Err(NotPassed::NotMine(kept.take_back())),
        Ok(answer) => {
            kept.let_go();
            Ok(brought_back(answer, held))
        }
        Err(mut error) => {
            let is_untouched = error.take_message().is_some() || is_untouched(error.error());
            let again = kept.take_back();
            Err(if is_untouched { NotPassed::Unreachable(again) } else { NotPassed::Lost(again) })
        }
    }
}

pub(super) fn is_not_mine<B>(answer: &Response<B>) -> bool {
    answer.status() == StatusCode::MISDIRECTED_REQUEST
        && answer.headers().get(ERROR_HEADER).is_some_and(|error| error == NOT_MINE)
}

/// Whether the other end says that it has not looked at a request. (RFC 9113, section 8.7)
fn is_untouched(error: &hyper::Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<h2::Error>());
    cause.is_some_and(|cause| {
        let is_refused = cause.is_reset() && cause.reason() == Some(h2::Reason::REFUSED_STREAM);
        cause.is_remote() && (cause.is_go_away() || is_refused)
    })
}

/// The answer, which holds its stream until its body is dropped.
pub(super) fn brought_back(answer: Response<Incoming>, held: Held) -> Response<Body> {
    let mut answer = answer.map(|body| Body::new(Answer { body, _held: held }));
    *answer.version_mut() = Version::HTTP_11;
    answer
}

struct Answer {
    body: Incoming,
    _held: Held,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
