//! What many wait for is asked once for all of them. Knows not what it is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};

/// Questions under way, each by what it is about: no more than there are who wait for an answer.
pub(super) struct Together<T>(Arc<Mutex<Open<T>>>);

type Open<T> = HashMap<String, WeakShared<BoxFuture<'static, T>>>;

impl<T> Default for Together<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Clone + Send + Sync + 'static> Together<T> {
    /// What comes of the question about `subject` that is under way or, where none is, of `ask`. It goes on for as long as anybody
    /// waits for it.
    pub(super) fn ask<Fut>(&self, subject: &str, ask: impl FnOnce() -> Fut) -> Shared<BoxFuture<'static, T>>
    where
        Fut: Future<Output = T> + Send + 'static,
    {
        let mut open = lock(&self.0);
        if let Some(under_way) = open.get(subject).and_then(WeakShared::upgrade) {
            return under_way;
        }
        let entry = Entry { open: Arc::clone(&self.0), subject: subject.to_owned() };
        let asked = ask();
        let asking = async move {
            let _entry = entry;
            asked.await
        };
        let asking = asking.boxed().shared();
        if let Some(weak) = asking.downgrade() {
            open.insert(subject.to_owned(), weak);
        }
        asking
    }
}

/// Takes a question away by drop that is answered, or that nobody waits for. One that has taken its place meanwhile goes on, and
/// whoever comes next asks for itself.
struct Entry<T> {
    open: Arc<Mutex<Open<T>>>,
    subject: String,
}

impl<T> Drop for Entry<T> {
    fn drop(&mut self) {
        lock(&self.open).remove(&self.subject);
    }
}

// Held for a look, never across an await. Nothing that is dropped meanwhile was the last of its kind.
fn lock<T>(open: &Mutex<Open<T>>) -> MutexGuard<'_, Open<T>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use futures_util::future::join_all;
    use tokio::time::sleep;

    use super::*;

    /// A question that takes a second, and is answered by how many there were before it.
    fn question(asked: &Arc<AtomicUsize>) -> impl Future<Output = usize> + use<> {
        let asked = Arc::clone(asked);
        async move {
            sleep(Duration::from_secs(1)).await;
            asked.fetch_add(1, Ordering::Relaxed)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_wait_for_the_same_ask_once() {
        let (together, asked) = (Together::default(), Arc::default());
        let waiting = |subject: &'static str| together.ask(subject, || question(&asked));
        let same = join_all((0..100).map(|_| waiting("one"))).await;
        assert!(same.iter().all(|answer| *answer == 0), "{same:?}");
        assert_eq!(waiting("one").await, 1, "what is answered is asked again");
        let (one, other) = tokio::join!(waiting("one"), waiting("other"));
        assert_ne!(one, other, "each subject is asked about by itself");
        assert!(lock(&together.0).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_lasts_as_long_as_anybody_waits() {
        let (together, asked) = (Together::default(), Arc::default());
        let waiting = || together.ask("one", || question(&asked));
        let (mut first, second) = (waiting(), waiting());
        assert!((&mut first).now_or_never().is_none());
        drop(first);
        assert_eq!(second.await, 0);
        drop(waiting());
        assert!(lock(&together.0).is_empty());
        assert_eq!(asked.load(Ordering::Relaxed), 1, "nobody has waited for the last one");
    }
}
