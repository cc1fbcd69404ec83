//! An answer that somebody else has brought back, on its last way to the visitor: where it is cut, so is the visitor.

use axum::body::Body;
use futures_util::TryFutureExt as _;
use http::Response;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio_util::sync::CancellationToken;

use super::answer::Answer;
use super::{Breaker, Meter, upgrade};

/// Hands it on with `guard`, which is kept until its end.
#[must_use]
pub fn relay<G>(answer: Response<Body>, breaker: Breaker, guard: G) -> Response<Body>
where
    G: Send + Sync + Unpin + 'static,
{
    answer.map(|body| Body::new(Answer::new(body, breaker, Meter::default(), None, guard)))
}

/// What joins the connection of a visitor who is answered with a 101 to the one that has brought it. It is to be run, and keeps
/// `guard` until it ends. Once `stopping` is cancelled it waits for no side that is silent after the other has ended.
pub fn relay_upgrade<G: Send>(
    answer: &mut Response<Body>,
    visitor: OnUpgrade,
    breaker: Breaker,
    stopping: CancellationToken,
    guard: G,
) -> impl Future<Output = ()> + Send + use<G> {
    let target = hyper::upgrade::on(&mut *answer).map_ok(TokioIo::new);
    *answer.body_mut() = Body::empty();
    upgrade::splice(visitor, target, breaker, Meter::default(), stopping, guard)
}
