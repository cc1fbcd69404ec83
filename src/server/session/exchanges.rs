//! The exchanges of a session that are under way, and how it comes to have none.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// How old the exchanges may be that are under way when no other is to begin: who comes then waits no longer than for the last
/// of them.
const YOUNG: Duration = Duration::from_secs(1);

/// Those of a session, in two parts: while some come to their end the others begin.
#[derive(Default)]
pub(super) struct Exchanges {
    parts: [TaskTracker; 2],
    /// How often those that begin have gone over to the other part.
    turns: AtomicUsize,
    /// None is to begin.
    last: AtomicBool,
}

impl Exchanges {
    fn part(&self, turn: usize) -> &TaskTracker {
        &self.parts[turn % 2]
    }

    /// One begins, and is under way until this is dropped. None where none is to begin any more.
    pub(super) fn begin(&self) -> Option<TaskTrackerToken> {
        let token = self.part(self.turns.load(Ordering::SeqCst)).token();
        // Looked at once this one is counted: it is refused, or waited for.
        (!self.last.load(Ordering::SeqCst)).then_some(token)
    }

    /// How many are under way.
    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(TaskTracker::len).sum()
    }

    /// Waits until all that are under way have begun a moment ago, while others begin: until `deadline` at most. Returns those of
    /// which some were under way all that time.
    pub(super) async fn are_young(&self, deadline: Instant) -> Option<&TaskTracker> {
        for round in 0.. {
            let begin = Instant::now();
            let old = self.part(self.turns.fetch_add(1, Ordering::SeqCst));
            old.close();
            let ended = timeout_at(deadline, old.wait()).await;
            old.reopen();
            if ended.is_err() {
                return (round == 0).then_some(old);
            }
            if begin.elapsed() <= YOUNG {
                break;
            }
        }
        None
    }

    /// Has none begin any more, and waits until all have ended but those that had their time.
    pub(super) async fn last(&self, had_theirs: Option<&TaskTracker>) {
        self.last.store(true, Ordering::SeqCst);
        self.close();
        for part in self.parts.iter().filter(|part| had_theirs.is_none_or(|had| !std::ptr::eq(*part, had))) {
            part.wait().await;
        }
    }

    /// Whether none is to begin.
    pub(super) fn are_the_last(&self) -> bool {
        self.last.load(Ordering::SeqCst)
    }

    /// Takes none any more. Whether it took some so far.
    pub(super) fn close(&self) -> bool {
        let [first, second] = &self.parts;
        first.close() | second.close()
    }

    /// Whether it takes none.
    pub(super) fn is_closed(&self) -> bool {
        self.parts.iter().all(TaskTracker::is_closed)
    }

    /// Waits until all have ended, where it takes none any more.
    pub(super) async fn wait(&self) {
        for part in &self.parts {
            part.wait().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn none_begins_any_more_once_all_are_young() {
        let exchanges = Exchanges::default();
        let deadline = Instant::now() + Duration::from_secs(30);
        let long = exchanges.begin();
        let mut young = Box::pin(exchanges.are_young(deadline));
        assert!(young.as_mut().now_or_never().is_none());
        let next = exchanges.begin();
        advance(Duration::from_secs(9)).await;
        drop(long);
        assert!(young.as_mut().now_or_never().is_none(), "the next is old by now");
        let short = exchanges.begin();
        drop(next);
        assert!(young.await.is_none());
        assert_eq!((exchanges.len(), exchanges.are_the_last(), exchanges.is_closed()), (1, false, false));
        let mut ended = Box::pin(exchanges.last(None));
        assert!(ended.as_mut().now_or_never().is_none());
        assert!(exchanges.are_the_last() && exchanges.begin().is_none());
        drop(short);
        ended.await;
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_lasts_is_not_waited_for_without_end() {
        let (exchanges, begin) = (Exchanges::default(), Instant::now());
        let _long = exchanges.begin();
        let mut young = Box::pin(exchanges.are_young(begin + Duration::from_secs(30)));
        assert!(young.as_mut().now_or_never().is_none());
        let short = exchanges.begin();
        let had_theirs = young.await;
        assert_eq!(begin.elapsed(), Duration::from_secs(30));
        let mut ended = Box::pin(exchanges.last(had_theirs));
        assert!(ended.as_mut().now_or_never().is_none(), "the one that has begun meanwhile is waited for");
        drop(short);
        ended.await;
        assert_eq!((begin.elapsed(), exchanges.len()), (Duration::from_secs(30), 1));
    }
}
