//! Visitors who have said all, and only listen for an answer that has not begun: they hold places that others could have,
//! and may be gone. Where others wait, few of them keep theirs.

use std::future::poll_fn;

use tokio::sync::Notify;

use super::super::waiting::Waiting;

/// Those who have places of one quota.
pub(super) struct Listeners {
    waiting: Waiting,
    /// Told to who wants a place when there is one more of them.
    joined: Notify,
    few: usize,
}

impl Listeners {
    /// Of whom `few` are never told to go.
    pub(super) fn new(few: usize) -> Self {
        Self { waiting: Waiting::default(), joined: Notify::new(), few }
    }

    /// Listens, and returns once somebody else is to have the place. Cancelling it is to listen no more.
    pub(super) async fn told_to_go(&self) {
        let mut waiter = None;
        poll_fn(|cx| {
            let waiter = waiter.get_or_insert_with(|| {
                let waiter = self.waiting.join(cx);
                self.joined.notify_one();
                waiter
            });
            waiter.poll_shed(cx)
        })
        .await;
    }

    /// Tells the one who has listened for the longest to go, as soon as there are more than few. Cancelling it tells nobody.
    pub(super) async fn displace(&self) {
        while !self.waiting.shed_beyond(self.few) {
            self.joined.notified().await;
        }
    }
}

#[cfg(test)]
mod tests;
