//! An answer that somebody else has brought back, on its last way to the visitor: where it is cut, so is the visitor.

use axum::body::Body;
use http::{Response, StatusCode};
use hyper::upgrade::OnUpgrade;
use tokio_util::task::TaskTracker;

use super::answer::Answer;
use super::{Breaker, Meter, upgrade};

/// Hands it on with `guard`, which is kept until its end, or that of what follows an upgrade: `visitor` is the way to whom that
/// joins.
#[must_use]
pub fn relay<G>(mut answer: Response<Body>, visitor: Option<OnUpgrade>, breaker: Breaker, guard: G) -> Response<Body>
where
    G: Send + Sync + Unpin + 'static,
{
    match visitor.filter(|_| answer.status() == StatusCode::SWITCHING_PROTOCOLS) {
        Some(visitor) => {
            let target = hyper::upgrade::on(&mut answer);
            let joined = upgrade::splice(visitor, target, breaker, Meter::default(), guard);
            TaskTracker::new().spawn(joined);
            answer.map(|_| Body::empty())
        }
        None => answer.map(|body| Body::new(Answer::new(body, breaker, Meter::default(), None, guard))),
    }
}
