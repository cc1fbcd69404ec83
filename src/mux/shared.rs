//! What a connection's driver and its streams share, and how they wake each other.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::streams::Streams;

/// How many streams may be open that the peer has not seen: a Go peer cuts those beyond.
const MAX_UNSEEN: usize = 256;

#[derive(Clone)]
pub(super) struct Shared(Arc<Inner>);

struct Inner {
    began: Instant,
    state: Mutex<State>,
    /// Places for the streams that we open.
    places: Arc<Semaphore>,
    /// The same for those that the peer has not seen.
    unseen: Arc<Semaphore>,
}

struct State {
    streams: Streams,
    driver: Option<Waker>,
}

impl Shared {
    /// Of the end that opens streams, so many at a time; where there is no `limit`, of the other.
    pub(super) fn new(limit: Option<usize>) -> Self {
        Self(Arc::new(Inner {
            began: Instant::now(),
            state: Mutex::new(State { streams: Streams::new(limit.is_some()), driver: None }),
            places: Arc::new(Semaphore::new(limit.unwrap_or(0))),
            unseen: Arc::new(Semaphore::new(MAX_UNSEEN)),
        }))
    }

    pub(super) fn places(&self) -> &Arc<Semaphore> {
        &self.0.places
    }

    pub(super) fn unseen(&self) -> &Arc<Semaphore> {
        &self.0.unseen
    }

    /// The time since the connection began.
    pub(super) fn now(&self) -> Duration {
        self.0.began.elapsed()
    }

    // Held for a look or a copy, never across an await, and never while another lock is taken or a task is woken.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For the driver, which sends what is due by itself.
    pub(super) fn drive<R>(&self, act: impl FnOnce(&mut Streams) -> R) -> R {
        act(&mut self.lock().streams)
    }

    /// For anybody else: the driver is woken where there is a frame to be sent.
    pub(super) fn act<R>(&self, act: impl FnOnce(&mut Streams) -> R) -> R {
        let mut state = self.lock();
        let result = act(&mut state.streams);
        let driver = if state.streams.has_due() || state.streams.is_spent() { state.driver.take() } else { None };
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
        result
    }

    /// Has the driver woken when there is a frame to be sent.
    ///
    /// # Errors
    /// Where no number is left for a stream that was to be opened.
    pub(super) fn watch(&self, cx: &Context<'_>) -> io::Result<()> {
        let mut state = self.lock();
        let is_known = state.driver.as_ref().is_some_and(|driver| driver.will_wake(cx.waker()));
        let replaced = if is_known { None } else { state.driver.replace(cx.waker().clone()) };
        let is_spent = state.streams.is_spent();
        drop(state);
        drop(replaced);
        if is_spent { Err(io::Error::other("the connection has no number left for a stream")) } else { Ok(()) }
    }

    /// The connection ends behind what was written.
    pub(super) fn close(&self) {
        self.drive(Streams::close).into_iter().for_each(Waker::wake);
    }

    /// The connection is over: nothing opens or waits any more.
    pub(super) fn end(&self) {
        self.0.places.close();
        self.0.unseen.close();
        let wakes = self.drive(Streams::end);
        for wakes in wakes {
            wakes.wake();
        }
    }
}

/// Notes who waits; whoever waited before is the same task as a rule.
pub(super) fn wait<T>(waiting: &mut Option<Waker>, cx: &Context<'_>) -> Poll<T> {
    match waiting {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *waiting = Some(cx.waker().clone()),
    }
    Poll::Pending
}
