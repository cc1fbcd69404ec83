//! Whether exchanges are in flight, told from bytes alone: the client parses no HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::sleep;

/// How long nothing may move on any stream before the tunnel counts as quiet.
const QUIET: Duration = Duration::from_secs(1);

/// The streams of a session, as far as bytes tell.
#[derive(Clone, Debug, Default)]
pub(super) struct Flow(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Streams on which the visitor spoke last: the target owes an answer.
    owed: AtomicUsize,
    /// Grows with every piece that passes.
    moved: AtomicU64,
}

/// One stream's part in it.
#[derive(Debug)]
pub(super) struct StreamFlow {
    counts: Arc<Counts>,
    owed: std::sync::atomic::AtomicBool,
}

impl Flow {
    pub(super) fn stream(&self) -> StreamFlow {
        StreamFlow { counts: Arc::clone(&self.0), owed: false.into() }
    }

    /// Waits until no answer is owed and nothing moves. Bounded by nothing: a visitor may sit on a breakpoint.
    pub(super) async fn quiet(&self) {
        loop {
            let before = self.0.moved.load(Ordering::Relaxed);
            sleep(QUIET).await;
            if self.0.owed.load(Ordering::Relaxed) == 0 && self.0.moved.load(Ordering::Relaxed) == before {
                return;
            }
        }
    }
}

impl StreamFlow {
    /// A piece has passed from the visitor.
    pub(super) fn down(&self) {
        self.moved();
        if !self.owed.swap(true, Ordering::Relaxed) {
            self.counts.owed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A piece has passed from the target.
    pub(super) fn up(&self) {
        self.moved();
        self.settle();
    }

    fn moved(&self) {
        self.counts.moved.fetch_add(1, Ordering::Relaxed);
    }

    fn settle(&self) {
        if self.owed.swap(false, Ordering::Relaxed) {
            self.counts.owed.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for StreamFlow {
    fn drop(&mut self) {
        self.settle();
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn quiet_is_when_no_answer_is_owed_and_nothing_moves() {
        let flow = Flow::default();
        let begin = Instant::now();
        flow.quiet().await;
        assert_eq!(begin.elapsed(), QUIET);
        let stream = flow.stream();
        stream.down();
        stream.down();
        assert!(timeout(Duration::from_secs(60), flow.quiet()).await.is_err(), "an answer is owed");
        stream.up();
        assert!(timeout(Duration::from_secs(3), flow.quiet()).await.is_ok());
        stream.down();
        drop(stream);
        assert!(timeout(Duration::from_secs(3), flow.quiet()).await.is_ok(), "nobody waits for the answer");
    }
}
