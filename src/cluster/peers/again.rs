//! A request that may have to be sent to another node instead: what was given of its body is kept until an answer has begun, and all
//! of it may be had back until then.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Request};
use http_body::{Body as HttpBody, Frame};

use super::WINDOW;

/// What is kept: what a node takes in that reads nothing is a stream's window and the pieces that wait for it to open.
const MAX_KEPT: usize = WINDOW as usize + 64 * 1024;

/// How much is given at a time while it is kept, so that little waits for a window.
const PIECE: usize = 16 * 1024;

/// What keeping a piece costs beside its bytes: a body may be of many that are small.
const BESIDE: usize = 64;

/// A request that was sent, while it may be had back.
pub(super) struct Kept {
    head: Parts,
    body: Arc<Mutex<State>>,
}

/// One that is to be sent once more, where all of it has been kept.
pub(super) type Again = Option<Box<Request<Body>>>;

struct State {
    /// None once it was taken back.
    rest: Option<Body>,
    /// What came of `rest` and was not given yet.
    ahead: Bytes,
    /// None where it is not to be had back any more.
    given: Option<Given>,
}

#[derive(Default)]
struct Given {
    pieces: VecDeque<Piece>,
    cost: usize,
}

enum Piece {
    Data(Bytes),
    Trailers(HeaderMap),
}

/// The same request, kept as it is sent.
pub(super) fn keep(request: Request<Body>) -> (Request<Body>, Kept) {
    let (head, body) = request.into_parts();
    let state = State { rest: Some(body), ahead: Bytes::new(), given: Some(Given::default()) };
    let body = Arc::new(Mutex::new(state));
    let mut sent = Request::new(Body::new(Sent(Arc::clone(&body))));
    *sent.method_mut() = head.method.clone();
    *sent.uri_mut() = head.uri.clone();
    *sent.headers_mut() = head.headers.clone();
    (sent, Kept { head, body })
}

impl Kept {
    /// The whole request. Whoever sends it has no more of it then.
    pub(super) fn take_back(self) -> Again {
        let body = lock(&self.body).take_back()?;
        Some(Box::new(Request::from_parts(self.head, body)))
    }

    /// Keeps nothing more.
    pub(super) fn let_go(self) {
        lock(&self.body).given = None;
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn take_back(&mut self) -> Option<Body> {
        let Given { mut pieces, .. } = self.given.take()?;
        let ahead = std::mem::take(&mut self.ahead);
        if !ahead.is_empty() {
            pieces.push_back(Piece::Data(ahead));
        }
        let rest = self.rest.take()?;
        Some(if pieces.is_empty() { rest } else { Body::new(Repeated { pieces, rest }) })
    }

    fn is_end_stream(&self) -> bool {
        self.ahead.is_empty() && self.rest.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if !self.ahead.is_empty() {
            return Poll::Ready(Some(Ok(self.next_piece())));
        }
        let Some(rest) = &mut self.rest else { return Poll::Ready(Some(Err(axum::Error::new(TakenBack)))) };
        let frame = match ready!(Pin::new(rest).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            end => {
                // What has failed is not to be had again.
                self.given = self.given.take().filter(|_| end.is_none());
                return Poll::Ready(end);
            }
        };
        match frame.into_data() {
            Ok(data) => {
                self.ahead = data;
                Poll::Ready(Some(Ok(self.next_piece())))
            }
            Err(frame) => {
                if let (Some(given), Some(trailers)) = (&mut self.given, frame.trailers_ref()) {
                    given.pieces.push_back(Piece::Trailers(trailers.clone()));
                }
                Poll::Ready(Some(Ok(frame)))
            }
        }
    }

    fn next_piece(&mut self) -> Frame<Bytes> {
        let Some(given) = &mut self.given else { return Frame::data(std::mem::take(&mut self.ahead)) };
        let piece = self.ahead.split_to(self.ahead.len().min(PIECE));
        given.cost += piece.len() + BESIDE;
        if given.cost <= MAX_KEPT {
            given.pieces.push_back(Piece::Data(piece.clone()));
        } else {
            self.given = None;
        }
        Frame::data(piece)
    }
}

/// The body as it is sent. It has no length but the one that the visitor says, where it says one: the library would add its own.
struct Sent(Arc<Mutex<State>>);

/// Nobody reads on by then.
#[derive(Debug, thiserror::Error)]
#[error("the request is sent elsewhere")]
struct TakenBack;

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        lock(&self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        let state = lock(&self.0);
        state.rest.is_some() && state.is_end_stream()
    }
}

/// What was given before, then the rest.
struct Repeated {
    pieces: VecDeque<Piece>,
    rest: Body,
}

impl HttpBody for Repeated {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        match this.pieces.pop_front() {
            Some(Piece::Data(data)) => Poll::Ready(Some(Ok(Frame::data(data)))),
            Some(Piece::Trailers(trailers)) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            None => Pin::new(&mut this.rest).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty() && self.rest.is_end_stream()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, stream};
    use http_body_util::{BodyExt as _, StreamBody};
    use proptest::prelude::*;

    use super::*;

    fn begin(pieces: &[Vec<u8>], trailers: bool, fails: bool) -> (Body, Kept) {
        let data = pieces.iter().map(|piece| Ok(Frame::data(Bytes::from(piece.clone()))));
        let mut frames: Vec<Result<Frame<Bytes>, std::io::Error>> = data.collect();
        if trailers {
            let trailers = HeaderMap::from_iter([("x".parse().unwrap(), "y".parse().unwrap())]);
            frames.push(Ok(Frame::trailers(trailers)));
        }
        if fails {
            frames.push(Err(std::io::ErrorKind::BrokenPipe.into()));
        }
        let (sent, kept) = keep(Request::new(Body::new(StreamBody::new(stream::iter(frames)))));
        (sent.into_body(), kept)
    }

    fn now<T>(future: impl Future<Output = T>) -> T {
        future.now_or_never().expect("everything is there")
    }

    /// Reads up to `frames` of a body.
    fn read(body: &mut Body, frames: usize) -> (Vec<u8>, bool) {
        let (mut bytes, mut trailers) = (Vec::new(), false);
        for _ in 0..frames {
            let Some(Ok(frame)) = now(body.frame()) else { break };
            trailers |= frame.is_trailers();
            bytes.extend(frame.into_data().unwrap_or_default());
        }
        (bytes, trailers)
    }

    proptest! {
        #[test]
        fn it_is_had_back_whole_wherever_it_was(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40_000), 0..6), trailers: bool, read_before in 0_usize..20,
        ) {
            let whole = pieces.concat();
            let (mut sent, kept) = begin(&pieces, trailers, false);
            let (before, _) = read(&mut sent, read_before);
            prop_assert_eq!(&before[..], &whole[..before.len()]);
            let mut again = kept.take_back().expect("it is small").into_body();
            prop_assert_eq!(read(&mut again, usize::MAX), (whole, trailers));
            prop_assert!(!matches!(now(sent.frame()), Some(Ok(_))));
        }
    }

    #[test]
    fn little_is_kept() {
        for (piece, number, is_kept) in [
            (PIECE, WINDOW as usize / PIECE + 2, true),
            (PIECE, MAX_KEPT / PIECE + 1, false),
            // What is small costs more than its bytes.
            (1, 4_000, true),
            (1, 6_000, false),
        ] {
            let (mut sent, kept) = begin(&vec![vec![7; piece]; number], false, false);
            assert_eq!(read(&mut sent, usize::MAX).0.len(), piece * number);
            assert_eq!(kept.take_back().is_some(), is_kept, "{number} of {piece}");
        }
    }

    #[test]
    fn what_was_let_go_or_has_failed_is_not_had_back() {
        let (mut sent, kept) = begin(&[vec![1; 100_000]], false, true);
        let state = Arc::clone(&kept.body);
        read(&mut sent, 1);
        kept.let_go();
        // What is not kept need not be cut.
        assert_eq!(read(&mut sent, 1).0.len(), 100_000 - PIECE);
        assert!(lock(&state).take_back().is_none());

        let (mut sent, kept) = begin(&[], false, true);
        assert!(matches!(now(sent.frame()), Some(Err(_))));
        assert!(kept.take_back().is_none());
    }
}
