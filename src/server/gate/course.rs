//! What becomes of the exchange on a visitor's connection, told by the one who answers it to the one who reads.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::server::answer::Meanwhile;

/// What one connection's gate has to know. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Course(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    protocol: Protocol,
    /// By how many an answer is owed.
    owed: usize,
    /// Exchanges whose answers are not handed over yet: one, but for the moment between two.
    under_way: usize,
    /// A request's body is still to come.
    within: bool,
    /// The visitor takes nothing now.
    stuck: bool,
    /// The answer that waits for that to change.
    held_back: Option<Waker>,
    waiting: Option<Waker>,
    /// The visitor has said all.
    has_ended: bool,
    /// Who wants to know of that.
    awaits_end: Option<Waker>,
}

/// What is spoken.
#[derive(Clone, Copy, Debug, Default)]
enum Protocol {
    #[default]
    Http,
    /// Another, for good.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// No exchange that a visitor who has said all would wait for.
    Idle,
    /// An answer is owed.
    Answering,
    /// The protocol has changed.
    Switched,
}

impl Inner {
    /// Wakes the one who has asked.
    fn tell(&mut self) {
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
    }
}

impl Course {
    /// An answer is owed until the last clone of what is returned is dropped, and of what else was returned so meanwhile.
    pub(crate) fn begin(&self) -> Owed {
        let mut inner = self.lock();
        inner.owed += 1;
        inner.tell();
        drop(inner);
        Owed(Arc::new(Owing(self.clone())))
    }

    /// An exchange is under way until what is returned is dropped. It may be one to whose visitor no answer is owed.
    pub(crate) fn exchange(&self) -> UnderWay {
        self.lock().under_way += 1;
        UnderWay(self.clone())
    }

    /// Whether one is; who asks is woken once none is.
    pub(super) fn is_under_way(&self, cx: &Context<'_>) -> bool {
        let mut inner = self.lock();
        let is_under_way = inner.under_way > 0;
        if is_under_way {
            inner.waiting = Some(cx.waker().clone());
        }
        is_under_way
    }

    /// Whether the visitor takes nothing now; who asks is woken once it does.
    pub(super) fn is_stuck(&self, cx: &Context<'_>) -> bool {
        let mut inner = self.lock();
        if inner.stuck {
            inner.waiting = Some(cx.waker().clone());
        }
        inner.stuck
    }

    /// Notes whether the end of a request is still to come.
    pub(super) fn reads(&self, within: bool) {
        self.lock().within = within;
    }

    /// Whether something of the request that is answered is still to come.
    pub(crate) fn is_within(&self) -> bool {
        self.lock().within
    }

    /// Notes whether the visitor takes what is written: while it does not, no more of an answer is handed over, or the
    /// library would collect as much as it may for each that has stalled.
    pub(super) fn written(&self, stuck: bool) {
        let mut inner = self.lock();
        let was_stuck = std::mem::replace(&mut inner.stuck, stuck);
        if stuck {
            return;
        }
        if let Some(held_back) = inner.held_back.take() {
            held_back.wake();
        }
        if was_stuck {
            inner.tell();
        }
    }

    /// Notes that the visitor has said all.
    pub(super) fn end(&self) {
        let mut inner = self.lock();
        inner.has_ended = true;
        if let Some(awaits_end) = inner.awaits_end.take() {
            awaits_end.wake();
        }
    }

    /// The protocol has changed, for good.
    pub(crate) fn switch(&self) {
        let mut inner = self.lock();
        inner.protocol = Protocol::Other;
        inner.tell();
    }

    /// Where it stands; a change from that wakes the one who asks.
    pub(super) fn state(&self, cx: &Context<'_>) -> State {
        let mut inner = self.lock();
        inner.waiting = Some(cx.waker().clone());
        match (inner.protocol, inner.owed) {
            (Protocol::Other, _) => State::Switched,
            (Protocol::Http, 0) => State::Idle,
            (Protocol::Http, _) => State::Answering,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Never held across an await.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer that is owed to a visitor: until it is dropped, the end of what the visitor sends is not the end of the
/// exchange. A request carries it as an extension.
#[derive(Clone, Debug)]
pub(crate) struct Owed(Arc<Owing>);

impl Owed {
    /// Returns once the visitor has said all, and only listens for the answer.
    pub(crate) async fn only_listens(&self) {
        poll_fn(|cx| {
            let mut inner = self.0.0.lock();
            if inner.has_ended {
                return Poll::Ready(());
            }
            inner.awaits_end = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

#[derive(Debug)]
struct Owing(Course);

impl Drop for Owing {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.owed -= 1;
        if inner.owed == 0 {
            inner.tell();
        }
    }
}

/// An exchange whose answer is being handed over. While there is one, nothing is waited for.
#[derive(Debug)]
pub(crate) struct UnderWay(Course);

impl Meanwhile for UnderWay {
    fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        let mut inner = self.0.lock();
        if inner.stuck {
            inner.held_back = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.under_way -= 1;
        // The library asks for the next request by itself only where it has not done so while this was under way.
        if inner.under_way == 0 {
            inner.tell();
        }
    }
}
