//! The time at which something is due, set anew by all that passes: so it costs next to nothing to be set, and to be
//! looked at.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::task::coop::has_budget_remaining;
use tokio::time::{Instant, Sleep, sleep_until};

pub(super) struct Alarm {
    /// Runs down when something is due, or before: it is set back for what comes earlier, and forward only once it has
    /// run down.
    timer: Pin<Box<Sleep>>,
    due: Instant,
    /// Whom the timer wakes, where it has been asked.
    asked: Option<Waker>,
}

impl Alarm {
    /// For what is due so long after now.
    pub(super) fn after(time: Duration) -> Self {
        let due = Instant::now() + time;
        Self { timer: Box::pin(sleep_until(due)), due, asked: None }
    }

    /// Sets it anew.
    pub(super) fn set(&mut self, due: Instant) {
        self.due = due;
        if due < self.timer.deadline() {
            // Whoever has asked is woken by it all the same.
            self.timer.as_mut().reset(due);
        }
    }

    /// Ready for as long as it is not set anew once its time has come; whoever asks before is woken then.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let is_asked = self.asked.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        if is_asked && !self.timer.is_elapsed() {
            return Poll::Pending;
        }
        self.asked = None;
        while self.timer.as_mut().poll(cx).is_ready() {
            if self.timer.deadline() >= self.due {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(self.due);
        }
        // Where a task has had its turn, the timer has only told it to come again.
        self.asked = has_budget_remaining().then(|| cx.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;

    use tokio::task::coop::poll_proceed;
    use tokio::time::{advance, timeout};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// When it rings, for one who has asked it before.
    async fn rings(alarm: &mut Alarm, since: Instant) -> Duration {
        let mut ringing = pin!(poll_fn(|cx| alarm.poll(cx)));
        assert!(timeout(Duration::ZERO, ringing.as_mut()).await.is_err(), "it is not due yet");
        timeout(60 * SECOND, ringing).await.expect("who has asked is woken");
        since.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn it_rings_when_it_was_set_to_last() {
        let begin = Instant::now();
        let mut alarm = Alarm::after(4 * SECOND);
        assert_eq!(rings(&mut alarm, begin).await, 4 * SECOND);
        alarm.set(begin + 9 * SECOND);
        assert!(timeout(SECOND, poll_fn(|cx| alarm.poll(cx))).await.is_err());
        // Forward, and back before what it was.
        alarm.set(begin + 20 * SECOND);
        alarm.set(begin + 7 * SECOND);
        assert_eq!(rings(&mut alarm, begin).await, 7 * SECOND);
        alarm.set(begin + 8 * SECOND);
        advance(3 * SECOND).await;
        poll_fn(|cx| alarm.poll(cx)).await;
        assert_eq!(begin.elapsed(), 10 * SECOND, "what is late is due at once");
    }

    #[tokio::test(start_paused = true)]
    async fn it_wakes_who_has_asked_when_its_turn_was_over() {
        let (mut alarm, mut is_over) = (Alarm::after(SECOND), false);
        let asking = poll_fn(|cx| {
            while !is_over {
                is_over = poll_proceed(cx).map(|step| step.made_progress()).is_pending();
            }
            alarm.poll(cx)
        });
        timeout(2 * SECOND, asking).await.expect("it is woken");
    }

    #[tokio::test(start_paused = true)]
    async fn it_wakes_who_has_asked_last() {
        let mut alarm = Alarm::after(SECOND);
        let asked = timeout(Duration::ZERO, poll_fn(|cx| alarm.poll(cx))).await;
        assert!(asked.is_err());
        let tasks = tokio_util::task::TaskTracker::new();
        let other = tasks.spawn(async move { poll_fn(|cx| alarm.poll(cx)).await });
        timeout(2 * SECOND, other).await.expect("another task is woken").unwrap();
    }
}
