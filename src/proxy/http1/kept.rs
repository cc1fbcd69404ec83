//! Streams to a target that are between two exchanges. The one that came last goes first, so that those which are not
//! needed grow old.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;

use super::super::tracked::Tracked;
use super::rest::end;
use crate::pieces::Pieces;

/// How long a stream, and with it the client's connection to the target, is kept for the next exchange. Shorter than
/// any common server keeps its side (2 s is the least that is met), so that no request is sent into a connection that
/// is being closed.
const IDLE: Duration = Duration::from_secs(1);

/// The streams that are kept.
pub(super) struct Kept<S> {
    idle: Mutex<Idle<S>>,
    /// One has come back.
    came: Notify,
    /// Where what takes out the old ones runs.
    tasks: Tracked,
}

struct Idle<S> {
    /// Each with the time from which on it is too old; the oldest first.
    streams: VecDeque<(Instant, S)>,
    /// Those that have grown too old are taken out.
    is_swept: bool,
    /// By whom. It ends with the queue.
    sweeper: Option<AbortOnDropHandle<()>>,
}

impl<S: Pieces + Send + Unpin + 'static> Kept<S> {
    pub(super) fn new(tasks: Tracked) -> Arc<Self> {
        let idle = Idle { streams: VecDeque::new(), is_swept: false, sweeper: None };
        Arc::new(Self { idle: Mutex::new(idle), came: Notify::new(), tasks })
    }

    // Held for a look at the queue, never across an await.
    fn lock(&self) -> MutexGuard<'_, Idle<S>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one out that can be used, if there is any.
    pub(super) fn take(&self) -> Option<S> {
        loop {
            let (until, mut stream) = self.lock().streams.pop_back()?;
            if Instant::now() < until && is_silent(&mut stream) {
                return Some(stream);
            }
            end(&mut stream);
        }
    }

    /// Ends those that the other end has ended: each has its place among those of the session.
    pub(super) fn clear(&self) {
        self.lock().streams.retain_mut(|(_, stream)| {
            let is_silent = is_silent(stream);
            if !is_silent {
                end(stream);
            }
            is_silent
        });
    }

    /// The same, where one is waited for. Bounded by nothing; cancelling it loses none.
    pub(super) async fn taken(&self) -> S {
        loop {
            self.came.notified().await;
            if let Some(stream) = self.take() {
                return stream;
            }
        }
    }

    /// Keeps one for as long as it may be.
    pub(super) fn put(self: &Arc<Self>, stream: S) {
        let mut idle = self.lock();
        let until = Instant::now() + IDLE;
        idle.streams.push_back((until, stream));
        let is_swept = std::mem::replace(&mut idle.is_swept, true);
        if !is_swept {
            idle.sweeper = Some(self.tasks.owned(sweep(Arc::downgrade(self), until)));
        }
        drop(idle);
        self.came.notify_one();
    }

    /// Ends those that are too old, and says when the next one will be.
    fn sweep(&self) -> Option<Instant> {
        let mut idle = self.lock();
        let now = Instant::now();
        let old = idle.streams.partition_point(|(until, _)| *until <= now);
        idle.streams.drain(..old).for_each(|(_, mut stream)| end(&mut stream));
        let next = idle.streams.front().map(|(until, _)| *until);
        idle.is_swept = next.is_some();
        next
    }
}

/// Whether nothing has come on a stream that nothing was asked on: neither its end nor what belongs to no exchange.
fn is_silent<S: Pieces + Unpin>(stream: &mut S) -> bool {
    // Whatever the task has done in this turn: one that is out of steps is told that nothing has come.
    let piece = pin!(unconstrained(poll_fn(|cx| Pin::new(&mut *stream).poll_piece(cx))));
    piece.poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

/// Takes out what is too old, from `next` on, for as long as there is anything that will be.
async fn sweep<S: Pieces + Send + Unpin + 'static>(kept: Weak<Kept<S>>, mut next: Instant) {
    loop {
        sleep_until(next).await;
        let Some(oldest) = kept.upgrade().and_then(|kept| kept.sweep()) else { return };
        next = oldest;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::time::{sleep, timeout};
    use tokio_util::task::TaskTracker;

    use super::*;

    fn kept() -> Arc<Kept<DuplexStream>> {
        Kept::new(Tracked(TaskTracker::new()))
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_goes_first_and_none_is_kept_for_long() {
        let kept = kept();
        let (first, mut first_far) = duplex(64);
        let (second, mut second_far) = duplex(64);
        kept.put(first);
        sleep(IDLE / 2).await;
        kept.put(second);
        let second = kept.take().unwrap();
        assert!(timeout(IDLE / 4, first_far.read_u8()).await.is_err(), "it is kept");
        assert!(timeout(IDLE / 2, first_far.read_u8()).await.unwrap().is_err(), "it is ended");
        assert!(timeout(IDLE, second_far.read_u8()).await.is_err(), "who has it keeps it");
        assert!(kept.take().is_none());
        kept.put(second);
        assert!(timeout(2 * IDLE, second_far.read_u8()).await.unwrap().is_err(), "what came later is ended as well");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_given_what_comes_back() {
        let kept = kept();
        let (one, _far) = duplex(64);
        let ((), came) = tokio::join!(async { kept.put(one) }, timeout(IDLE / 2, kept.taken()));
        assert!(came.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_ended_or_speaks_unasked_is_not_used() {
        let kept = kept();
        let (gone, far) = duplex(64);
        drop(far);
        kept.put(gone);
        assert!(kept.take().is_none(), "the other end has left");
        let (loud, mut far) = duplex(64);
        far.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        kept.put(loud);
        assert!(kept.take().is_none(), "nobody has asked for that");
    }

    /// Where another is wanted, for each has its place: and no other is.
    #[tokio::test(start_paused = true)]
    async fn one_that_the_other_end_has_ended_is_ended() {
        let kept = kept();
        let ((gone, mut gone_far), (other, mut other_far)) = (duplex(64), duplex(64));
        kept.put(gone);
        kept.put(other);
        gone_far.shutdown().await.unwrap();
        assert!(timeout(IDLE / 4, gone_far.read_u8()).await.is_err(), "nobody has looked at it");
        kept.clear();
        assert!(timeout(IDLE / 4, gone_far.read_u8()).await.unwrap().is_err(), "it is ended");
        assert!(timeout(IDLE / 4, other_far.read_u8()).await.is_err(), "it is kept");
    }
}
