//! A visitor's trailers: what the hop says itself, or takes off, nobody says behind a body either.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, HOST};
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::ambiguous::is_framing_alias;
use super::forwarded;
use super::headers::{drop_all, ends_here, is_our_own};

/// A body without what the hop is to say.
pub(super) fn without_what_is_ours(body: Body) -> Body {
    if body.is_end_stream() { body } else { Body::new(Purged(body)) }
}

struct Purged(Body);

impl HttpBody for Purged {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut frame = ready!(Pin::new(&mut self.get_mut().0).poll_frame(cx));
        if let Some(trailers) = frame.as_mut().and_then(|frame| frame.as_mut().ok()?.trailers_mut()) {
            drop_all(trailers, is_ours);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

fn is_ours(name: &str) -> bool {
    let is_heads = [AUTHORIZATION, CONTENT_LENGTH, HOST].iter().any(|known| known == name);
    is_heads
        || ends_here(name)
        || is_our_own(name)
        || is_framing_alias(name.as_bytes())
        || forwarded::is_of_who_calls(name)
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http::{HeaderMap, HeaderName};
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;

    #[tokio::test]
    async fn what_goes_on() {
        let names = "x-sum grpc-status x-forwarded-for x-forwarded-prefix x-real-ip x_forwarded_for forwarded proxy host \
                     authorization content-length transfer-encoding transfer_encoding connection sendit-error";
        let all: HeaderMap =
            names.split(' ').map(|name| (name.parse::<HeaderName>().unwrap(), "1".parse().unwrap())).collect();
        let frames = [Ok::<_, axum::Error>(Frame::data(Bytes::from_static(b"x"))), Ok(Frame::trailers(all))];
        let body = without_what_is_ours(Body::new(StreamBody::new(stream::iter(frames))));
        let collected = body.collect().await.unwrap();
        let mut left: Vec<_> = collected.trailers().unwrap().keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["grpc-status", "x-sum"]);
    }
}
