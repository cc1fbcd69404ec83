//! A v1 session's carriers, which are paired by order of arrival.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::pipe::v1::{Incoming, Outgoing, SwapError, Swapper};

/// How many carriers of a direction may wait for one of the other, and how many pairs for their turn.
const MAX_WAITING: usize = 4;

/// A session's way to fresh carriers.
#[derive(Clone)]
pub(in crate::server) struct Pairs {
    waiting: Arc<Mutex<Waiting>>,
    swapper: Swapper,
    tasks: TaskTracker,
    /// Swaps under way or waiting for their turn.
    swaps: Arc<Semaphore>,
}

/// Carriers that wait for the other half of their pair.
#[derive(Default)]
struct Waiting {
    reads: VecDeque<Outgoing>,
    writes: VecDeque<Incoming>,
}

/// A carrier too many waits for its other half.
#[derive(Debug)]
pub(in crate::server) struct TooMany;

impl Pairs {
    pub(in crate::server) fn new(swapper: Swapper, tasks: TaskTracker) -> Self {
        Self { waiting: Arc::default(), swapper, tasks, swaps: Arc::new(Semaphore::new(MAX_WAITING)) }
    }

    pub(super) fn add_read(&self, carrier: Outgoing) -> Result<(), TooMany> {
        self.add(|waiting| waiting.reads.push_back(carrier))
    }

    pub(super) fn add_write(&self, carrier: Incoming) -> Result<(), TooMany> {
        self.add(|waiting| waiting.writes.push_back(carrier))
    }

    fn add(&self, push: impl FnOnce(&mut Waiting)) -> Result<(), TooMany> {
        let pair = {
            // Held for a queue operation, never across an await.
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.reads.retain(|carrier| !carrier.is_lost());
            push(&mut waiting);
            if waiting.reads.len() > MAX_WAITING || waiting.writes.len() > MAX_WAITING {
                waiting.reads.truncate(MAX_WAITING);
                waiting.writes.truncate(MAX_WAITING);
                return Err(TooMany);
            }
            waiting.pair()
        };
        if let Some((incoming, outgoing)) = pair {
            let turn = Arc::clone(&self.swaps).try_acquire_owned().map_err(|_| TooMany)?;
            let swap = swap(self.swapper.clone(), incoming, outgoing);
            self.tasks.spawn(async move {
                swap.await;
                drop(turn);
            });
        }
        Ok(())
    }
}

impl Waiting {
    fn pair(&mut self) -> Option<(Incoming, Outgoing)> {
        if self.reads.is_empty() {
            return None;
        }
        Some((self.writes.pop_front()?, self.reads.pop_front()?))
    }
}

async fn swap(swapper: Swapper, incoming: Incoming, outgoing: Outgoing) {
    match swapper.swap(incoming, outgoing).await {
        Ok(()) => tracing::debug!("carriers swapped"),
        Err(SwapError::Refused(cause)) => tracing::info!(cause, "a pair of carriers was refused"),
        Err(SwapError::Lost(cause)) => tracing::warn!(cause, "a pair of carriers was lost"),
    }
}
