//! The answers of a target that come before the one that counts. (RFC 9110, section 15.2)

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::body::Body;
use http::{Request, StatusCode};
use hyper::ext::on_informational;
use tokio::sync::Notify;

/// The most that a target may give: each is read for nothing, and an exchange may last for ever.
const MAX_INTERIM: usize = 100;

/// What has come of them in one exchange.
#[derive(Clone, Default)]
pub(super) struct Interim(Arc<Inner>);

#[derive(Default)]
struct Inner {
    count: AtomicUsize,
    wanted: AtomicBool,
    /// Another has come.
    came: Notify,
}

impl Interim {
    /// Looks at those to `request`.
    pub(super) fn watch(&self, request: &mut Request<Body>) {
        let Self(inner) = self.clone();
        on_informational(request, move |response| {
            inner.count.fetch_add(1, Ordering::Relaxed);
            inner.wanted.fetch_or(response.status() == StatusCode::CONTINUE, Ordering::Relaxed);
            inner.came.notify_waiters();
        });
    }

    /// Returns once the target has asked for the body.
    pub(super) async fn wanted(self) {
        self.until(|inner| inner.wanted.load(Ordering::Relaxed)).await;
    }

    /// Returns once there are more than there may be.
    pub(super) async fn flood(&self) {
        self.until(|inner| inner.count.load(Ordering::Relaxed) > MAX_INTERIM).await;
    }

    async fn until(&self, reached: impl Fn(&Inner) -> bool) {
        loop {
            let mut came = pin!(self.0.came.notified());
            // Before the look: what comes between the two is seen by one of them.
            came.as_mut().enable();
            if reached(&self.0) {
                return;
            }
            came.await;
        }
    }
}
