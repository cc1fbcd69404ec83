//! The body of an answer, by whichever way it came.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::BoxError;
use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::either::Either;

use super::http1::Rest;
use crate::pieces::Pieces;

pub(super) enum Came<S: Pieces + Send + Unpin + 'static> {
    /// From a connection of the library's.
    Incoming(Incoming),
    /// From a stream that is read here.
    Rest(Rest<S>),
}

/// An answer that goes over to another protocol, and the bytes that follow it.
pub(super) fn switched<S: Pieces + Send + Unpin + 'static>(
    mut answer: Response<Came<S>>,
) -> (Response<axum::body::Body>, impl Future<Output = Result<impl AsyncRead + AsyncWrite, ()>> + Send) {
    let upgraded = hyper::upgrade::on(&mut answer);
    let (head, body) = answer.into_parts();
    let target = async move {
        match body {
            Came::Incoming(_) => upgraded.await.map(TokioIo::new).map(Either::Left).map_err(drop),
            Came::Rest(rest) => rest.switched().map(Either::Right).ok_or(()),
        }
    };
    (Response::from_parts(head, axum::body::Body::empty()), target)
}

impl<S: Pieces + Send + Unpin + 'static> Body for Came<S> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Incoming(incoming) => Pin::new(incoming).poll_frame(cx).map_err(Into::into),
            Self::Rest(rest) => Pin::new(rest).poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Incoming(incoming) => incoming.is_end_stream(),
            Self::Rest(rest) => rest.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Incoming(incoming) => incoming.size_hint(),
            Self::Rest(rest) => rest.size_hint(),
        }
    }
}
