//! `Expect: 100-continue`, which is the target's to answer: a body that nobody asks the visitor for before the target
//! wants it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::Request;
use http::header::EXPECT;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::timeout;

use super::interim::Interim;

/// How long a target may take to say that it wants the body. Many never say so and wait for it; visitors that send
/// theirs without an answer do so after as long.
const PATIENCE: Duration = Duration::from_secs(1);

/// When the visitor is asked for a body that waits to be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// As soon as it can be passed on.
    Never,
    /// Once the target wants it.
    UntilAsked,
}

/// Holds the body back until the target asks for it, or stays silent. The visitor is told to go on when the first byte
/// of the body is asked for, as HTTP servers do. (RFC 9110, section 10.1.1)
pub(super) fn hold_body(request: &mut Request<Body>, interim: &Interim) {
    let expected =
        request.headers().get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    if !expected || request.body().is_end_stream() {
        return;
    }
    let gate = timeout(PATIENCE, interim.clone().wanted());
    let gate: Gate = Box::pin(async move { drop(gate.await) });
    let body = std::mem::take(request.body_mut());
    *request.body_mut() = Body::new(Held { gate: Some(gate), body });
}

type Gate = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A body behind a gate.
struct Held {
    gate: Option<Gate>,
    body: Body,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        if let Some(gate) = &mut this.gate {
            ready!(gate.as_mut().poll(cx));
            this.gate = None;
        }
        Pin::new(&mut this.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
