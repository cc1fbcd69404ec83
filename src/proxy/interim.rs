//! The answers of a target that come before the one that counts. (RFC 9110, section 15.2)

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use http::{Request, StatusCode};
use hyper::ext::on_informational;
use tokio_util::sync::CancellationToken;

/// The most that a target may give: each is read for nothing, and an exchange may last for ever.
const MAX_INTERIM: usize = 100;

/// What has come of them in one exchange.
#[derive(Clone, Default)]
pub(super) struct Interim(Arc<Inner>);

#[derive(Default)]
struct Inner {
    count: AtomicUsize,
    wanted: CancellationToken,
    flood: CancellationToken,
}

impl Interim {
    /// Looks at those to `request`.
    pub(super) fn watch(&self, request: &mut Request<Body>) {
        let Self(inner) = self.clone();
        on_informational(request, move |response| {
            if response.status() == StatusCode::CONTINUE {
                inner.wanted.cancel();
            }
            if inner.count.fetch_add(1, Ordering::Relaxed) >= MAX_INTERIM {
                inner.flood.cancel();
            }
        });
    }

    /// Returns once the target has asked for the body.
    pub(super) async fn wanted(self) {
        self.0.wanted.cancelled().await;
    }

    /// Returns once there are more than there may be.
    pub(super) async fn flood(&self) {
        self.0.flood.cancelled().await;
    }
}
