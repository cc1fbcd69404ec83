//! What a pipe and its swapper share: where bytes go to and come from now, and who waits for that.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

use super::{Incoming, Outgoing};

/// How many bodies may wait for the old one to end. A peer that renews faster than its bytes are read has to wait.
const MAX_READERS: usize = 4;

#[derive(Default)]
pub(super) struct State {
    /// Where bytes are written to; none before the first swap.
    pub(super) writer: Option<Outgoing>,
    /// Bodies to be read after the one that is being read.
    pub(super) readers: VecDeque<Incoming>,
    /// A swap is under way, so the end of the old body is not the end of the pipe.
    pub(super) swapping: bool,
    pub(super) failed: Option<String>,
    read_waker: Option<Waker>,
    write_waker: Option<Waker>,
}

#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    activity: AtomicU64,
    /// A body that waited is being read.
    taken: Notify,
    /// The pipe has failed.
    lost: Notify,
}

fn reset(cause: &str) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, cause)
}

impl Shared {
    // Held for a queue operation or a copy, never across an await. Taken before a carrier's own lock, never after it.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note_activity(&self) {
        self.activity.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn activity(&self) -> u64 {
        self.activity.load(Ordering::Relaxed)
    }

    /// Ends the pipe with an error; the first cause stays. Returns the error.
    pub(super) fn fail(&self, cause: &str) -> io::Error {
        let mut state = self.lock();
        let error = reset(state.failed.get_or_insert_with(|| cause.to_owned()));
        // Dropping them cuts what is sent, and tells those who wait for what is read. Without the lock, for either
        // may belong to a pipe in this process that is failing towards us.
        let (writer, readers) = (state.writer.take(), std::mem::take(&mut state.readers));
        drop(state);
        drop((writer, readers));
        self.wake();
        self.lost.notify_waiters();
        error
    }

    /// Waits until the pipe has failed.
    pub(super) async fn failure(&self) {
        let lost = self.lost.notified();
        if self.lock().failed.is_none() {
            lost.await;
        }
    }

    pub(super) fn wake(&self) {
        let mut state = self.lock();
        let wakers = [state.read_waker.take(), state.write_waker.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// The body that comes after one that has ended; `None` at the end of the pipe.
    pub(super) fn next_reader(&self, cx: &mut Context<'_>) -> io::Result<Poll<Option<Incoming>>> {
        let mut state = self.lock();
        if let Some(cause) = &state.failed {
            return Err(reset(cause));
        }
        if let Some(next) = state.readers.pop_front() {
            self.taken.notify_one();
            return Ok(Poll::Ready(Some(next)));
        }
        if state.writer.is_some() && !state.swapping {
            return Ok(Poll::Ready(None));
        }
        state.read_waker = Some(cx.waker().clone());
        Ok(Poll::Pending)
    }

    /// Nothing has come: wait, but not past a failure.
    pub(super) fn wait_to_read<T>(&self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let mut state = self.lock();
        if let Some(cause) = &state.failed {
            return Poll::Ready(Err(reset(cause)));
        }
        state.read_waker = Some(cx.waker().clone());
        Poll::Pending
    }

    pub(super) fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.lock();
        if let Some(cause) = &state.failed {
            return Poll::Ready(Err(reset(cause)));
        }
        let written = match &state.writer {
            Some(writer) => writer.poll_write(cx, bytes),
            None => Poll::Pending,
        };
        if written.is_pending() {
            state.write_waker = Some(cx.waker().clone());
        } else {
            self.note_activity();
        }
        written
    }

    pub(super) async fn room_for_reader(&self) {
        while self.lock().readers.len() >= MAX_READERS {
            self.taken.notified().await;
        }
    }

    pub(super) fn end(&self) {
        if let Some(writer) = &self.lock().writer {
            writer.end();
        }
    }
}
