//! The connections that can make room where it is needed: first those that are only listened to, behind the last answer,
//! then those that wait for a visitor's next request, and of each the one that has waited longest. In queues of their own
//! also the visitors who can make room. Knows neither, only that each watches its own place in the queue.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Who waits, in the order in which they began to. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting(Arc<Mutex<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    next: u64,
    waiters: BTreeMap<Number, Waker>,
}

/// In the order in which they make room.
type Number = (Kind, u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Leaves,
    Waits,
}

/// A place in the queue, which is left by drop.
#[derive(Debug)]
pub(super) struct Waiter {
    waiting: Waiting,
    number: Number,
}

impl Waiting {
    /// Has the first end. False where nobody waits.
    pub(super) fn shed(&self) -> bool {
        self.shed_beyond(0)
    }

    /// The same where more than `few` wait.
    pub(super) fn shed_beyond(&self, few: usize) -> bool {
        let shed = Some(self.lock()).filter(|queue| queue.waiters.len() > few);
        shed.and_then(|mut queue| queue.waiters.pop_first()).is_some_and(|(_, waker)| {
            waker.wake();
            true
        })
    }

    /// Takes a place at the end, in the name of the task that asks.
    pub(super) fn join(&self, cx: &Context<'_>) -> Waiter {
        self.take(Kind::Waits, cx)
    }

    /// The same, before all who wait for a request.
    pub(super) fn leave(&self, cx: &Context<'_>) -> Waiter {
        self.take(Kind::Leaves, cx)
    }

    fn take(&self, kind: Kind, cx: &Context<'_>) -> Waiter {
        let mut queue = self.lock();
        let number = (kind, queue.next);
        queue.next += 1;
        queue.waiters.insert(number, cx.waker().clone());
        Waiter { waiting: self.clone(), number }
    }

    /// Waits in the queue, and returns once it is time to make room. Cancelling it leaves the queue.
    pub(super) async fn told_to_end(&self) {
        let mut waiter = None;
        poll_fn(|cx| waiter.get_or_insert_with(|| self.join(cx)).poll_shed(cx)).await;
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Held for one look at the queue, never across an await.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiter {
    /// Whether it is this one's turn to end; the task that asks is woken when it is.
    pub(super) fn poll_shed(&self, cx: &Context<'_>) -> Poll<()> {
        match self.waiting.lock().waiters.get_mut(&self.number) {
            Some(waker) => {
                waker.clone_from(cx.waker());
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.waiting.lock().waiters.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_longest_waiting_ends_and_nobody_else() {
        let waiting = Waiting::default();
        assert!(!waiting.shed(), "nobody waits");
        poll_fn(|cx| {
            let [first, second, third] = [(); 3].map(|()| waiting.join(cx));
            drop(first);
            assert!(waiting.shed());
            assert_eq!((second.poll_shed(cx), third.poll_shed(cx)), (Poll::Ready(()), Poll::Pending));
            drop(second);
            assert!(waiting.shed());
            assert_eq!(third.poll_shed(cx), Poll::Ready(()));
            assert!(!waiting.shed(), "nobody is left");
            let late = waiting.join(cx);
            assert_eq!(late.poll_shed(cx), Poll::Pending);
            let leaves = waiting.leave(cx);
            assert!(waiting.shed());
            assert_eq!((late.poll_shed(cx), leaves.poll_shed(cx)), (Poll::Pending, Poll::Ready(())));
            Poll::Ready(())
        })
        .await;
        let (told, shed) = tokio::join!(waiting.told_to_end(), async { waiting.shed() });
        assert_eq!((told, shed), ((), true));
    }
}
