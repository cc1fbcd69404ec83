//! The body that is sent: bytes written on one side are taken, all that are there at once, by the HTTP connection on
//! the other.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use tokio::time::{Sleep, sleep};

use super::handshake::SYN;
use super::shared::Shared;

/// How much may wait for the connection to take it. One window of a stream: more would only lengthen the queue that a
/// small answer stands in behind a large one.
const BOUND: usize = 256 * 1024;

/// How long after the last data a body ends. A Go reader that gets the terminating chunk together with data takes both
/// as the end of the session; 5 ms apart they were never seen together in 200 tries.
const END_AFTER: Duration = Duration::from_millis(15);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// No more will be written; what is there is sent, then the body ends.
    Ended,
    /// Given up: the body fails, so that the peer does not take the cut for an end.
    Cut,
}

struct State {
    waiting: BytesMut,
    phase: Phase,
    body: BodyState,
    /// The pipe that loses bytes if this body is dropped early.
    owner: Weak<Shared>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum BodyState {
    Alive,
    /// All of it was taken, its end included.
    Finished,
    /// Dropped before that.
    Lost,
}

/// The writing side of a carrier. Dropped before it has been ended, it cuts the body.
pub struct Outgoing(Arc<Mutex<State>>);

/// The body of the HTTP message that carries what is written to the [`Outgoing`].
pub struct OutgoingBody {
    state: Arc<Mutex<State>>,
    end: Option<Pin<Box<Sleep>>>,
}

/// A new carrier for one direction. The body begins with the handshake's first line, which also makes intermediaries
/// that hold a message's head until its first byte let go of it.
#[must_use]
pub fn carrier() -> (Outgoing, OutgoingBody) {
    let state = Arc::new(Mutex::new(State {
        waiting: BytesMut::from(SYN),
        phase: Phase::Open,
        body: BodyState::Alive,
        owner: Weak::new(),
        reader: None,
        writer: None,
    }));
    (Outgoing(Arc::clone(&state)), OutgoingBody { state, end: None })
}

// Held for a copy at most, never across an await, and never while another lock is taken.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl Outgoing {
    /// Whether nobody will send what is written any more.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        lock(&self.0).body == BodyState::Lost
    }

    /// From now on the loss of the body is the loss of `owner`'s bytes. False where it is lost already.
    pub(super) fn attach(&self, owner: &Arc<Shared>) -> bool {
        let mut state = lock(&self.0);
        state.owner = Arc::downgrade(owner);
        state.body == BodyState::Alive
    }

    /// Appends without regard to the bound; for the handshake's few bytes.
    pub(super) fn push(&self, bytes: &[u8]) {
        let mut state = lock(&self.0);
        state.waiting.extend_from_slice(bytes);
        let reader = state.reader.take();
        drop(state);
        wake(reader);
    }

    pub(super) fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = lock(&self.0);
        if state.body != BodyState::Alive || state.phase != Phase::Open {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = BOUND.saturating_sub(state.waiting.len());
        if room == 0 {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let part = bytes.len().min(room);
        state.waiting.extend_from_slice(&bytes[..part]);
        let reader = state.reader.take();
        drop(state);
        wake(reader);
        Poll::Ready(Ok(part))
    }

    /// Sends what has been written, then ends the body, apart from its last data.
    pub(super) fn end(&self) {
        self.leave(Phase::Ended);
    }

    fn leave(&self, phase: Phase) {
        let mut state = lock(&self.0);
        if state.phase == Phase::Open {
            state.phase = phase;
        }
        let (reader, writer) = (state.reader.take(), state.writer.take());
        drop(state);
        wake(reader);
        wake(writer);
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.leave(Phase::Cut);
    }
}

/// Tells how far a body has been sent.
pub struct Progress(Arc<Mutex<State>>);

impl Progress {
    /// Whether all of the body was taken, its end included. An answer that comes before is no answer to it.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        lock(&self.0).body == BodyState::Finished
    }
}

impl OutgoingBody {
    /// What tells later how far the body has been sent.
    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress(Arc::clone(&self.state))
    }
}

impl Body for OutgoingBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let mut state = lock(&this.state);
        if !state.waiting.is_empty() {
            let bytes = state.waiting.split().freeze();
            let writer = state.writer.take();
            drop(state);
            wake(writer);
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match state.phase {
            Phase::Open => {
                state.reader = Some(cx.waker().clone());
                Poll::Pending
            }
            Phase::Cut => Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::ConnectionReset, "the pipe was cut")))),
            Phase::Ended => {
                // Only now, after a turn without data, can the connection have flushed what it was given.
                let end = this.end.get_or_insert_with(|| Box::pin(sleep(END_AFTER)));
                std::task::ready!(end.as_mut().poll(cx));
                state.body = BodyState::Finished;
                Poll::Ready(None)
            }
        }
    }
}

impl Drop for OutgoingBody {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        if state.body == BodyState::Alive {
            state.body = BodyState::Lost;
        }
        let lost = state.body == BodyState::Lost && state.phase != Phase::Cut;
        let (owner, writer) = (std::mem::take(&mut state.owner), state.writer.take());
        drop(state);
        wake(writer);
        if let Some(owner) = owner.upgrade().filter(|_| lost) {
            owner.fail("a request that carried it was cut");
        }
    }
}
