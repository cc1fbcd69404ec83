//! Streams to a target that are between two exchanges. The one that came last goes first, so that those which are not
//! needed grow old.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use axum::body::Body;
use hyper::client::conn::http1::SendRequest;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;

use super::connection::Seen;
use super::tracked::Tracked;

/// How long a stream, and with it the client's connection to the target, is kept for the next exchange. Shorter than
/// any common server keeps its side (2 s is the least that is met), so that no request is sent into a connection that
/// is being closed.
const IDLE: Duration = Duration::from_secs(1);

/// A stream to the target, as an HTTP connection.
pub(super) struct Open {
    pub(super) sender: SendRequest<Body>,
    pub(super) seen: Seen,
}

/// The streams that are kept.
#[derive(Default)]
pub(super) struct Kept {
    idle: Mutex<Idle>,
    /// One has come back.
    came: Notify,
}

#[derive(Default)]
struct Idle {
    /// Each with the time from which on it is too old; the oldest first.
    streams: VecDeque<(Instant, Open)>,
    /// Those that have grown too old are taken out.
    is_swept: bool,
    /// By whom. It ends with the queue.
    sweeper: Option<AbortOnDropHandle<()>>,
}

impl Kept {
    // Held for a look at the queue, never across an await.
    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one out that can be used, if there is any.
    pub(super) fn take(&self) -> Option<Open> {
        let mut idle = self.lock();
        while let Some((until, open)) = idle.streams.pop_back() {
            if open.sender.is_ready() && Instant::now() < until {
                return Some(open);
            }
        }
        None
    }

    /// The same, where one is waited for. Bounded by nothing; cancelling it loses none.
    pub(super) async fn taken(&self) -> Open {
        loop {
            self.came.notified().await;
            if let Some(open) = self.take() {
                return open;
            }
        }
    }

    /// Keeps one for as long as it may be. What then takes it out runs in `tasks`.
    pub(super) fn put(self: &Arc<Self>, open: Open, tasks: &Tracked) {
        let mut idle = self.lock();
        let until = Instant::now() + IDLE;
        idle.streams.push_back((until, open));
        let is_swept = std::mem::replace(&mut idle.is_swept, true);
        if !is_swept {
            idle.sweeper = Some(tasks.owned(sweep(Arc::downgrade(self), until)));
        }
        drop(idle);
        self.came.notify_one();
    }

    /// Ends those that are too old, and says when the next one will be.
    fn sweep(&self) -> Option<Instant> {
        let mut idle = self.lock();
        let now = Instant::now();
        let old = idle.streams.partition_point(|(until, _)| *until <= now);
        idle.streams.drain(..old);
        let next = idle.streams.front().map(|(until, _)| *until);
        idle.is_swept = next.is_some();
        next
    }
}

/// Takes out what is too old, from `next` on, for as long as there is anything that will be.
async fn sweep(kept: Weak<Kept>, mut next: Instant) {
    loop {
        sleep_until(next).await;
        let Some(oldest) = kept.upgrade().and_then(|kept| kept.sweep()) else { return };
        next = oldest;
    }
}

#[cfg(test)]
mod tests {
    use hyper::client::conn::http1::handshake;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt as _, DuplexStream, duplex};
    use tokio::time::{sleep, timeout};
    use tokio_util::task::TaskTracker;

    use super::*;

    /// One that is ready, and its other end.
    async fn open(tasks: &Tracked) -> (Open, DuplexStream) {
        let (near, far) = duplex(64);
        let (mut sender, connection) = handshake(TokioIo::new(near)).await.unwrap();
        tasks.spawn(connection);
        sender.ready().await.unwrap();
        (Open { sender, seen: Seen::default() }, far)
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_goes_first_and_none_is_kept_for_long() {
        let (kept, tasks) = (Arc::<Kept>::default(), Tracked(TaskTracker::new()));
        let (first, mut first_far) = open(&tasks).await;
        let (second, mut second_far) = open(&tasks).await;
        kept.put(first, &tasks);
        sleep(IDLE / 2).await;
        kept.put(second, &tasks);
        let second = kept.take().unwrap();
        assert!(timeout(IDLE / 4, first_far.read_u8()).await.is_err(), "it is kept");
        assert!(timeout(IDLE / 2, first_far.read_u8()).await.unwrap().is_err(), "it is ended");
        assert!(timeout(IDLE, second_far.read_u8()).await.is_err(), "who has it keeps it");
        assert!(kept.take().is_none());
        kept.put(second, &tasks);
        assert!(timeout(2 * IDLE, second_far.read_u8()).await.unwrap().is_err(), "what came later is ended as well");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_given_what_comes_back() {
        let (kept, tasks) = (Arc::<Kept>::default(), Tracked(TaskTracker::new()));
        let (one, _far) = open(&tasks).await;
        let ((), came) = tokio::join!(async { kept.put(one, &tasks) }, timeout(IDLE / 2, kept.taken()));
        assert!(came.is_ok());
        let (gone, far) = open(&tasks).await;
        drop(far);
        sleep(IDLE / 4).await;
        kept.put(gone, &tasks);
        assert!(kept.take().is_none(), "the other end has left");
    }
}
