//! A v1 session's carriers, which are paired by order of arrival.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::metrics::{Metrics, Wire};
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
    /// What of them has come about. The first is no renewal: it is what the session begins with.
    done: Arc<Done>,
}

struct Done {
    is_begun: AtomicBool,
    metrics: Arc<Metrics>,
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
    pub(in crate::server) fn new(swapper: Swapper, tasks: TaskTracker, metrics: Arc<Metrics>) -> Self {
        let done = Arc::new(Done { is_begun: AtomicBool::new(false), metrics });
        Self { waiting: Arc::default(), swapper, tasks, swaps: Arc::new(Semaphore::new(MAX_WAITING)), done }
    }

    pub(super) fn add_read(&self, carrier: Outgoing) -> Result<(), TooMany> {
        self.add(|waiting| waiting.reads.push_back(carrier))
    }

    pub(super) fn add_write(&self, mut carrier: Incoming) -> Result<(), TooMany> {
        // A body that nobody reads is one whose end nobody hears of.
        if carrier.is_lost() {
            return Ok(());
        }
        self.add(|waiting| waiting.writes.push_back(carrier))
    }

    fn add(&self, push: impl FnOnce(&mut Waiting)) -> Result<(), TooMany> {
        let pair = {
            // Held for a queue operation, never across an await.
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.purge();
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
            let swap = swap(self.swapper.clone(), incoming, outgoing, Arc::clone(&self.done));
            self.tasks.spawn(async move {
                swap.await;
                drop(turn);
            });
        }
        Ok(())
    }
}

impl Waiting {
    /// Lets go of those whose client has left them: paired with one that lives, each would cost that one its turn.
    fn purge(&mut self) {
        self.reads.retain(|carrier| !carrier.is_lost());
        self.writes.retain_mut(|carrier| !carrier.is_lost());
    }

    fn pair(&mut self) -> Option<(Incoming, Outgoing)> {
        if self.reads.is_empty() {
            return None;
        }
        Some((self.writes.pop_front()?, self.reads.pop_front()?))
    }
}

async fn swap(swapper: Swapper, incoming: Incoming, outgoing: Outgoing, done: Arc<Done>) {
    match swapper.swap(incoming, outgoing).await {
        Ok(()) => {
            tracing::debug!("carriers swapped");
            if done.is_begun.swap(true, Ordering::Relaxed) {
                done.metrics.renewed.count(Wire::V1);
            }
        }
        Err(SwapError::Refused(cause)) => tracing::info!(cause, "a pair of carriers was refused"),
        Err(SwapError::Lost(cause)) => tracing::warn!(cause, "a pair of carriers was lost"),
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use bytes::Bytes;
    use http_body::Frame;
    use http_body_util::StreamBody;
    use tokio::sync::mpsc;
    use tokio::time::timeout;

    use super::*;
    use crate::pipe::v1::{carrier, pipe};

    type Sender = mpsc::Sender<io::Result<Frame<Bytes>>>;

    /// A body that brings what is sent to it.
    fn body() -> (Sender, Incoming) {
        let (sender, mut frames) = mpsc::channel(4);
        (sender, Incoming::new(StreamBody::new(futures_util::stream::poll_fn(move |cx| frames.poll_recv(cx)))))
    }

    /// Carriers that were left, cut or ended before they had their other half, are none: a fresh pair is not paired with
    /// them, and shakes hands.
    #[tokio::test(start_paused = true)]
    async fn carriers_that_were_left_are_not_paired() {
        let cut = || Err(io::Error::from(io::ErrorKind::ConnectionReset));
        let said = |text: &'static [u8]| Ok(Frame::data(Bytes::from_static(text)));
        let ((_pipe, swapper), tasks) = (pipe(), TaskTracker::new());
        let pairs = Pairs::new(swapper.clone(), tasks.clone(), Arc::default());
        for last in [Some(cut()), None] {
            let (sender, left) = body();
            sender.send(said(b"SYN\n")).await.unwrap();
            pairs.add_write(left).unwrap();
            if let Some(last) = last {
                sender.send(last).await.unwrap();
            }
        }
        let (fresh, incoming) = body();
        fresh.send(said(b"SYN\n")).await.unwrap();
        fresh.send(said(b"SYNACK\n")).await.unwrap();
        pairs.add_write(incoming).unwrap();
        let (outgoing, _body) = carrier();
        pairs.add_read(outgoing).unwrap();
        tasks.close();
        timeout(Duration::from_secs(5), tasks.wait()).await.expect("hands are shaken at once");
        assert!(!swapper.is_lost());
        assert!(timeout(Duration::from_secs(1), fresh.closed()).await.is_err(), "it is the carrier that is read");
    }
}
