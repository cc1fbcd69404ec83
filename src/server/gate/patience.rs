//! How long a visitor's next request is waited for.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::server::accept::{HEAD_DEADLINE, IDLE};
use crate::server::waiting::{Waiter, Waiting};

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The end of the connection's first head, of which nothing may have come.
    First,
    /// The first byte of a further one.
    Begin,
    /// The rest of it.
    Rest,
}

/// The clock of one connection. It runs only while a head is waited for.
pub(in crate::server) struct Patience {
    stage: Option<Stage>,
    deadline: Instant,
    /// Ends at the deadline or before: most heads come in one piece and in time, and cost the timer nothing.
    sleep: Pin<Box<Sleep>>,
    /// Something of the answer before was taken by the visitor.
    taken: bool,
    waiter: Option<Waiter>,
    /// It has the answer, and is only listened to.
    leaves: bool,
    waiting: Waiting,
}

impl Patience {
    /// A connection whose first head has to be whole by `deadline`. While it waits it is one of those that can make
    /// room for another.
    pub(in crate::server) fn new(deadline: Instant, waiting: Waiting) -> Self {
        let (stage, sleep) = (Some(Stage::First), Box::pin(sleep_until(deadline)));
        Self { stage, deadline, sleep, taken: false, waiter: None, leaves: false, waiting }
    }

    /// A head has come.
    pub(super) fn rest(&mut self) {
        self.stage = None;
        self.waiter = None;
    }

    /// Bytes were written, and so there is somebody.
    pub(super) fn taken(&mut self) {
        self.taken = true;
    }

    /// Whether one who has the answer, and is only listened to, is to make room. It does so before those who wait for
    /// a request.
    pub(super) fn poll_leave(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.leaves {
            // It may have been told so already.
            if self.waiter.as_ref().is_some_and(|waiter| waiter.poll_shed(cx).is_ready()) {
                return Poll::Ready(());
            }
            self.waiter = Some(self.waiting.leave(cx));
            self.leaves = true;
        }
        self.waiter.as_ref().map_or(Poll::Pending, |waiter| waiter.poll_shed(cx))
    }

    /// Whether a visitor of whom `stage` is waited for was waited for long enough.
    pub(super) fn poll(&mut self, stage: Stage, cx: &mut Context<'_>) -> Poll<()> {
        if self.stage != Some(Stage::First) && self.stage != Some(stage) {
            self.stage = Some(stage);
            self.deadline = Instant::now() + time(stage);
            self.taken = false;
        }
        let waiter = self.waiter.get_or_insert_with(|| self.waiting.join(cx));
        if waiter.poll_shed(cx).is_ready() {
            return Poll::Ready(());
        }
        loop {
            if self.sleep.deadline() > self.deadline {
                self.sleep.as_mut().reset(self.deadline);
            }
            ready!(self.sleep.as_mut().poll(cx));
            if stage == Stage::Begin && std::mem::take(&mut self.taken) {
                self.deadline = Instant::now() + IDLE;
            }
            if Instant::now() >= self.deadline {
                return Poll::Ready(());
            }
            self.sleep.as_mut().reset(self.deadline);
        }
    }
}

fn time(stage: Stage) -> Duration {
    match stage {
        Stage::First | Stage::Rest => HEAD_DEADLINE,
        Stage::Begin => IDLE,
    }
}

#[cfg(test)]
mod tests;
