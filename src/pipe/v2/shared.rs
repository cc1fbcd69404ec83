//! The state that a pipe, its senders and its receivers share, and who waits for what.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::budget::Budget;
use super::reading::Change;
use super::state::{End, Look, State};

pub(super) struct Inner {
    pub(super) state: State,
    /// Which sender is the newest; all others end.
    pub(super) turn: u64,
    /// How far the newest sender has come; nothing where that is no stream.
    pub(super) sent: u64,
    /// When the sender of this turn looks by itself at what has been read and not told.
    pub(super) looks: (u64, Look),
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
    /// How often there was something for those below.
    pub(super) changes: u64,
    /// Senders, and those who wait for a batch or for a pong.
    pub(super) watchers: Vec<Waker>,
    /// Those who wait for the end alone.
    pub(super) mourners: Vec<Waker>,
}

impl Inner {
    /// When the newest sender looks by itself. That one before it would have counts for nothing: it may be lost.
    pub(super) fn look(&self) -> Look {
        let (turn, look) = self.looks;
        if turn == self.turn { look } else { Look::Never }
    }

    /// Has a task woken when there is something to be said, or the pipe is over.
    pub(super) fn watch(&mut self, cx: &Context<'_>) {
        enlist(&mut self.watchers, cx);
    }

    /// Those who watch. It is one as a rule, whose room is kept for the next time.
    fn watched(&mut self) -> impl Iterator<Item = Waker> + use<> {
        let one = self.watchers.pop();
        let others = if self.watchers.is_empty() { Vec::new() } else { std::mem::take(&mut self.watchers) };
        one.into_iter().chain(others)
    }

    /// Has a task woken when the pipe is over.
    pub(super) fn watch_for_end(&mut self, cx: &Context<'_>) {
        enlist(&mut self.mourners, cx);
    }
}

/// One that polls again and again, by a timer, say, waits no more than once.
fn enlist(wakers: &mut Vec<Waker>, cx: &Context<'_>) {
    if !wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
        wakers.push(cx.waker().clone());
    }
}

pub(super) struct Shared {
    began: Instant,
    inner: Mutex<Inner>,
    /// Grows with all that arrives.
    heard: AtomicU64,
    arrived: Notify,
}

impl Shared {
    pub(super) fn new(budget: &Budget) -> Self {
        let state = State::new(budget);
        let inner = Inner {
            state,
            turn: 0,
            sent: 0,
            looks: (0, Look::Never),
            reader: None,
            writer: None,
            changes: 0,
            watchers: Vec::new(),
            mourners: Vec::new(),
        };
        Self { began: Instant::now(), inner: inner.into(), heard: AtomicU64::new(0), arrived: Notify::new() }
    }

    // Held for a copy at most, never across an await, and never while another lock is taken.
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same for those who send or are told what has arrived: the clock is looked at for them alone.
    pub(super) fn lock_now(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.lock();
        inner.state.now = self.began.elapsed();
        inner
    }

    pub(super) fn note_heard(&self) {
        self.heard.fetch_add(1, Ordering::Relaxed);
        self.arrived.notify_one();
    }

    pub(super) async fn arrives(&self) {
        self.arrived.notified().await;
    }

    pub(super) fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// Wakes those whom a change concerns.
    pub(super) fn wake(mut inner: MutexGuard<'_, Inner>, change: Change) {
        let reader = if change.readable { inner.reader.take() } else { None };
        let writer = if change.writable { inner.writer.take() } else { None };
        inner.changes += u64::from(change.owes);
        let watchers = change.owes.then(|| inner.watched()).into_iter().flatten();
        let mourners = if inner.state.end.is_some() { std::mem::take(&mut inner.mourners) } else { Vec::new() };
        drop(inner);
        reader.into_iter().chain(writer).chain(watchers).chain(mourners).for_each(Waker::wake);
    }

    /// Ends the pipe; the first end stays.
    pub(super) fn end(&self, end: End) {
        let mut inner = self.lock();
        inner.state.end.get_or_insert(end);
        Self::wake(inner, Change { readable: true, writable: true, owes: true });
    }
}

/// What a reader or a writer gets of an end.
pub(super) fn error(end: &End) -> io::Error {
    match end {
        End::Closed { text, .. } => io::Error::new(io::ErrorKind::ConnectionAborted, text.clone()),
        End::Failed(cause) => io::Error::new(io::ErrorKind::ConnectionReset, cause.clone()),
    }
}
