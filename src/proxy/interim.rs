//! The answers of a target that come before the one that counts. (RFC 9110, section 15.2)

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;

use axum::body::Body;
use futures_util::task::AtomicWaker;
use http::{Request, StatusCode};
use hyper::ext::on_informational;

/// The most that a target may give: each is read for nothing, and an exchange may last for ever.
pub(super) const MAX_INTERIM: usize = 100;

/// What has come of them in one exchange.
#[derive(Clone, Default)]
pub(super) struct Interim(Arc<Inner>);

#[derive(Default)]
struct Inner {
    count: AtomicUsize,
    wanted: AtomicBool,
    /// Who waits for the target to ask for the body, and who looks whether there are too many.
    waits: AtomicWaker,
    watches: AtomicWaker,
}

impl Interim {
    /// Looks at those to `request`.
    pub(super) fn watch(&self, request: &mut Request<Body>) {
        let Self(inner) = self.clone();
        on_informational(request, move |response| {
            inner.count.fetch_add(1, Ordering::Relaxed);
            inner.wanted.fetch_or(response.status() == StatusCode::CONTINUE, Ordering::Relaxed);
            inner.waits.wake();
            inner.watches.wake();
        });
    }

    /// Returns once the target has asked for the body.
    pub(super) async fn wanted(self) {
        until(&self.0.waits, || self.0.wanted.load(Ordering::Relaxed)).await;
    }

    /// Returns once there are more than there may be.
    pub(super) async fn flood(&self) {
        until(&self.0.watches, || self.0.count.load(Ordering::Relaxed) > MAX_INTERIM).await;
    }
}

async fn until(waker: &AtomicWaker, reached: impl Fn() -> bool) {
    poll_fn(|cx| {
        // Before the look: what comes between the two is seen by one of them.
        waker.register(cx.waker());
        if reached() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
