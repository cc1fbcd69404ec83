//! An answer on its way to a visitor, and what lasts as long as it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

/// What lasts as long as an answer, and may hold it back.
pub(super) trait Meanwhile: Unpin {
    /// Waits until what was handed over before is on its way. Where all of it is anyway bounded, there is nothing to wait
    /// for.
    fn poll_room(&self, _: &Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

/// An answer's body. What it carries is dropped when it has been handed over, or is given up.
pub(super) struct Answer<G> {
    body: Body,
    meanwhile: G,
}

impl<G> Answer<G> {
    pub(super) fn new(body: Body, meanwhile: G) -> Self {
        Self { body, meanwhile }
    }
}

impl<G: Meanwhile> HttpBody for Answer<G> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        ready!(self.meanwhile.poll_room(cx));
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
