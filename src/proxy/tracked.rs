//! Connections' tasks, run where they are waited for.

use std::future::Future;

use hyper::rt::Executor;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

/// Hands hyper's tasks to a tracker.
#[derive(Clone)]
pub(crate) struct Tracked(pub(crate) TaskTracker);

impl Tracked {
    pub(super) fn spawn<Fut>(&self, task: Fut)
    where
        Fut: Future + Send + 'static,
        Fut::Output: Send,
    {
        self.0.spawn(async move { drop(task.await) });
    }

    /// One that ends with its owner.
    pub(super) fn owned(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortOnDropHandle<()> {
        AbortOnDropHandle::new(self.0.spawn(task))
    }
}

impl<Fut> Executor<Fut> for Tracked
where
    Fut: Future + Send + 'static,
    Fut::Output: Send,
{
    fn execute(&self, task: Fut) {
        self.spawn(task);
    }
}
