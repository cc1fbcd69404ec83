//! An answer on its way to a visitor, and what lasts as long as it.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

/// An answer's body. What it carries is dropped when it has been handed over, or is given up.
pub(super) struct Answer<G> {
    body: Body,
    _while_it_lasts: G,
}

impl<G> Answer<G> {
    pub(super) fn new(body: Body, while_it_lasts: G) -> Self {
        Self { body, _while_it_lasts: while_it_lasts }
    }
}

impl<G: Unpin> HttpBody for Answer<G> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
