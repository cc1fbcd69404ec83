//! Tells once that the link is lost and once that it is back. Knows only that carriers fail and that something arrives.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// A carrier that is cut is replaced at once, which nobody needs to hear of. Where another fails this much later, and
/// nothing has arrived meanwhile, the link is lost: by then the first replacement has been tried.
const REPLACED: Duration = Duration::from_millis(200);

/// So it is where nothing has arrived for this long: even a long poll that has nothing to say ends sooner.
const HOPE: Duration = Duration::from_secs(6);

/// What there is to tell.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    Lost { cause: String },
    Back { after: Duration },
}

/// The failures of carriers as they come: why the newest failed.
pub(super) struct Failures(watch::Sender<String>);

impl Default for Failures {
    fn default() -> Self {
        Self(watch::Sender::new(String::new()))
    }
}

impl Failures {
    /// A carrier has failed.
    pub(super) fn note(&self, cause: &str) {
        self.0.send_replace(cause.to_owned());
    }

    /// Tells of outages: of an end before what has arrived is passed on. Never returns; `heard` is a count that grows with all
    /// that arrives, which `arrives` waits for.
    pub(super) async fn watch<A: Future<Output = ()>>(
        &self,
        heard: impl Fn() -> u64,
        arrives: impl Fn() -> A,
        mut tell: impl FnMut(News),
    ) {
        let mut failures = self.0.subscribe();
        loop {
            // The sender is a field of ours: it is not dropped meanwhile.
            let _ = failures.changed().await;
            let (since, before) = (Instant::now(), heard());
            if !lasts(&mut failures, since, || heard() != before).await {
                continue;
            }
            tell(News::Lost { cause: failures.borrow_and_update().clone() });
            while heard() == before {
                arrives().await;
            }
            tell(News::Back { after: since.elapsed() });
            failures.mark_unchanged();
        }
    }
}

/// Whether a failure is more than one of a carrier that was replaced.
async fn lasts(failures: &mut watch::Receiver<String>, since: Instant, is_back: impl Fn() -> bool) -> bool {
    while timeout_at(since + HOPE, failures.changed()).await.is_ok() {
        if is_back() {
            // This failure is the first of what may be the next outage.
            failures.mark_changed();
            return false;
        }
        if since.elapsed() >= REPLACED {
            return true;
        }
    }
    !is_back()
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use tokio::sync::Notify;
    use tokio::time::sleep;

    use super::*;

    /// What happens after a wait, in milliseconds.
    enum Act {
        Fails(&'static str),
        Arrives,
    }
    use Act::{Arrives, Fails};

    async fn check(acts: &[(u64, Act)], expected: &[News]) {
        let (failures, heard, told) = (Failures::default(), Cell::new(0), RefCell::new(Vec::new()));
        let arrived = Notify::new();
        let acting = async {
            for (wait, act) in acts {
                sleep(Duration::from_millis(*wait)).await;
                match act {
                    Fails(cause) => failures.note(cause),
                    Arrives => {
                        heard.set(heard.get() + 1);
                        arrived.notify_one();
                    }
                }
            }
            sleep(Duration::from_secs(60)).await;
        };
        tokio::select! {
            () = failures.watch(|| heard.get(), || arrived.notified(), |news| told.borrow_mut().push(news)) => {}
            () = acting => {}
        }
        assert_eq!(*told.borrow(), expected);
    }

    fn lost(cause: &str) -> News {
        News::Lost { cause: cause.to_owned() }
    }

    fn back(millis: u64) -> News {
        News::Back { after: Duration::from_millis(millis) }
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_told_once_and_its_end_once() {
        check(&[(10, Arrives), (10, Fails("a")), (5, Fails("b")), (20, Arrives)], &[]).await;
        let acts = [(10, Fails("a")), (1, Fails("b")), (299, Fails("c")), (500, Fails("d")), (2_350, Arrives)];
        check(&acts, &[lost("c"), back(3_150)]).await;
        // One after the other, each of them mended at once.
        check(
            &[(10, Fails("a")), (50, Arrives), (1_000, Fails("b")), (50, Arrives), (5_000, Fails("c")), (1, Arrives)],
            &[],
        )
        .await;
        // Nothing fails any more, but nothing comes either.
        check(&[(10, Fails("a")), (8_950, Arrives)], &[lost("a"), back(8_950)]).await;
        let acts =
            [(10, Fails("a")), (300, Fails("b")), (650, Arrives), (110, Fails("c")), (300, Fails("d")), (90, Arrives)];
        check(&acts, &[lost("b"), back(950), lost("d"), back(390)]).await;
    }
}
