//! A visitor's body on its way to the target, and what of it the one who waits for the answer has to know.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::Request;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::proxy::Meter;

/// How sending a request goes; nothing is to be known of one that has no body.
pub(super) struct Sending(Option<Course>);

#[derive(Clone, Default)]
struct Course {
    over: CancellationToken,
    broken: Arc<AtomicBool>,
}

impl Sending {
    /// Looks at the body of `request` from now on; `meter` counts it.
    pub(super) fn watch(request: &mut Request<Body>, meter: &Meter) -> Self {
        if request.body().is_end_stream() {
            return Self(None);
        }
        let course = Course::default();
        let body = std::mem::take(request.body_mut());
        let (broken, over) = (Arc::clone(&course.broken), course.over.clone().drop_guard());
        *request.body_mut() = Body::new(Upload { body, broken, meter: meter.clone(), _over: over });
        Self(Some(course))
    }

    /// Whether the body broke off, or was malformed.
    pub(super) fn has_broken(&self) -> bool {
        self.0.as_ref().is_some_and(|course| course.broken.load(Ordering::Relaxed))
    }

    /// What `answer` comes to; none where it takes longer than `limit` after the last byte of the request. Cancelling
    /// it cancels `answer`.
    pub(super) async fn answered<T>(&self, limit: Option<Duration>, answer: impl Future<Output = T>) -> Option<T> {
        let Some(limit) = limit else { return Some(answer.await) };
        let late = async {
            if let Some(course) = &self.0 {
                course.over.cancelled().await;
            }
            sleep(limit).await;
        };
        tokio::select! {
            answer = answer => Some(answer),
            () = late => None,
        }
    }
}

/// The body itself. However it ends, it is dropped then.
struct Upload {
    body: Body,
    broken: Arc<AtomicBool>,
    meter: Meter,
    _over: DropGuard,
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.body).poll_frame(cx);
        match &frame {
            Poll::Ready(Some(Err(_))) => this.broken.store(true, Ordering::Relaxed),
            Poll::Ready(Some(Ok(frame))) => this.meter.add_up(frame.data_ref().map_or(0, Bytes::len)),
            Poll::Ready(None) | Poll::Pending => {}
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
