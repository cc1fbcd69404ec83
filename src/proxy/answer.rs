//! The target's answer on its way to the visitor, and what becomes of the visitor's connection where it cannot be
//! finished.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::Meter;
use super::connection::Seen;

/// Set while an answer has begun and is not finished, so that whoever owns the visitor's connection resets it, should
/// it go then, instead of ending it as if the answer were whole.
#[derive(Clone, Debug, Default)]
pub struct Breaker(Arc<AtomicBool>);

impl Breaker {
    /// Asks for the reset.
    pub fn trip(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Takes that back: the answer is whole.
    pub fn mend(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// Whether the connection has to be reset.
    #[must_use]
    pub fn has_tripped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The target's body on its way to the visitor.
pub(super) struct Answer<B, G> {
    body: B,
    breaker: Breaker,
    meter: Meter,
    /// The connection to a target that has no use for the rest of the request, once this is whole.
    rest: Option<Seen>,
    _guard: G,
}

impl<B: HttpBody, G> Answer<B, G> {
    /// The breaker trips at the beginning, not when something fails: the process may end at any moment, and then
    /// nobody is left to trip it.
    pub(super) fn new(body: B, breaker: Breaker, meter: Meter, rest: Option<Seen>, guard: G) -> Self {
        if body.is_end_stream()
            && let Some(rest) = &rest
        {
            rest.cut();
        }
        if body.is_end_stream() {
            meter.end();
        } else {
            breaker.trip();
        }
        Self { body, breaker, meter, rest, _guard: guard }
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin, G: Unpin> HttpBody for Answer<B, G> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.body).poll_frame(cx);
        let whole = match &frame {
            Poll::Ready(None) => true,
            // Nobody asks for more after trailers.
            Poll::Ready(Some(Ok(frame))) => frame.is_trailers() || this.body.is_end_stream(),
            Poll::Ready(Some(Err(_))) | Poll::Pending => false,
        };
        if whole {
            this.breaker.mend();
            if let Some(rest) = &this.rest {
                rest.cut();
            }
        }
        if let Poll::Ready(Some(Ok(frame))) = &frame {
            this.meter.add_down(frame.data_ref().map_or(0, Bytes::len));
        }
        if whole {
            this.meter.end();
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
