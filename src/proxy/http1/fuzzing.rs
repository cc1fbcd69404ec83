//! Answers of targets, as bytes that a fuzzer chooses and cuts.

#![expect(clippy::missing_panics_doc, reason = "a panic is how a fuzzer hears of a fault")]

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, Method, StatusCode, Version};
use http_body_util::BodyExt as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::coop::unconstrained;
use tokio_util::task::TaskTracker;

use super::super::tracked::Tracked;
use super::ask::{Failure, ask};
use super::kept::Kept;
use crate::pieces::Pieces;

/// A target that says what it has to say in pieces, and takes whatever it is told.
pub(super) struct Target {
    says: VecDeque<Bytes>,
    then: Then,
}

/// What a target does that has said all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Leaves,
    Stays,
    Fails(io::ErrorKind),
}

impl Target {
    pub(super) fn new<'a>(says: impl IntoIterator<Item = &'a [u8]>, then: Then) -> Self {
        Self { says: says.into_iter().map(Bytes::copy_from_slice).collect(), then }
    }
}

impl Pieces for Target {
    fn poll_piece(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        match (self.says.pop_front(), self.then) {
            (Some(piece), _) => Poll::Ready(Ok(piece)),
            (None, Then::Leaves) => Poll::Ready(Ok(Bytes::new())),
            (None, Then::Stays) => Poll::Pending,
            (None, Then::Fails(kind)) => Poll::Ready(Err(kind.into())),
        }
    }
}

impl AsyncRead for Target {
    fn poll_read(self: Pin<&mut Self>, _cx: &mut Context<'_>, _buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        unreachable!("it is asked for pieces")
    }
}

impl AsyncWrite for Target {
    fn poll_write(self: Pin<&mut Self>, _cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What is seen of an answer.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    /// More of its head has to come.
    Nothing,
    Failure(Failure),
    Answer {
        head: Box<(Version, StatusCode, HeaderMap)>,
        body: Vec<u8>,
        trailers: Option<HeaderMap>,
        end: End,
        /// Its stream may be used again.
        is_kept: bool,
    },
}

/// How a body ends.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// More of it has to come.
    Open,
    Whole,
    Cut,
}

/// A byte for what is asked, how the target goes on, and how long its pieces are; then an answer. Wherever that is cut, it is
/// the same. Only what is wrong with a head may be seen as late as its end.
pub fn answers(data: &[u8]) {
    let Some((kind, said)) = data.split_first() else { return };
    let method = if kind & 1 == 0 { Method::GET } else { Method::HEAD };
    let then = match kind >> 1 & 3 {
        0 => Then::Leaves,
        1 => Then::Stays,
        _ => Then::Fails(io::ErrorKind::ConnectionReset),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("it needs nothing");
    // Where a stream is kept, a task looks after it.
    let _entered = runtime.enter();
    let seen = |step| seen(&method, Target::new(said.chunks(step), then));
    let (whole, cut) = (seen(said.len().max(1)), seen(usize::from(kind >> 3) + 1));
    let is_late = matches!((&whole, &cut), (Seen::Failure(_), Seen::Nothing));
    assert!(whole == cut || is_late, "{whole:?} became {cut:?}");
    if let Seen::Answer { body, end, .. } = whole {
        assert!(body.len() <= said.len());
        assert!(end != End::Open || then == Then::Stays);
    }
}

/// What is seen of an answer without waiting for anything.
fn seen(method: &Method, target: Target) -> Seen {
    let kept = Kept::new(Tracked(TaskTracker::new()));
    let answer = match unconstrained(ask(target, method, b"", Arc::clone(&kept))).now_or_never() {
        None => return Seen::Nothing,
        Some(Err(failure)) => return Seen::Failure(failure),
        Some(Ok((answer, _))) => answer,
    };
    let (head, mut rest) = answer.into_parts();
    let (mut body, mut trailers) = (Vec::new(), None);
    let end = loop {
        let mut frame = || unconstrained(rest.frame()).now_or_never();
        // A failure is told in a turn of its own.
        match frame().or_else(frame) {
            None => break End::Open,
            Some(None) => break End::Whole,
            Some(Some(Err(_))) => break End::Cut,
            Some(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => body.extend(data),
                Err(frame) => trailers = frame.into_trailers().ok(),
            },
        }
    };
    let is_kept = kept.take().is_some();
    let head = Box::new((head.version, head.status, head.headers));
    Seen::Answer { head, body, trailers, end, is_kept }
}
