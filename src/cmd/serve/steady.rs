//! What lies in files and may change while the server runs: looked at again and again, and at once when somebody asks. Knows
//! not what it is.

use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How long a look may take before somebody is told.
const DEADLINE: Duration = Duration::from_secs(5);

/// What was seen, or why nothing was.
pub(super) type Seen<T> = Result<T, String>;

/// What was seen at the last looks.
#[derive(Debug)]
pub(super) struct Steady<T> {
    /// What was acted upon.
    taken: Seen<T>,
    last: Seen<T>,
}

impl<T: Clone + PartialEq> Steady<T> {
    /// This is what is in force.
    pub(super) fn new(taken: T) -> Self {
        Self { taken: Ok(taken.clone()), last: Ok(taken) }
    }

    /// What there is to act upon. What was seen counts once it was the same at two looks, for a file that is being written is
    /// short for a moment, and one that is being replaced may be missing.
    pub(super) fn look(&mut self, seen: Seen<T>) -> Option<Seen<T>> {
        let is_steady = seen == self.last;
        self.last = seen;
        if is_steady { self.take() } else { None }
    }

    /// The same, where somebody has said that it is whole.
    pub(super) fn asked(&mut self, seen: Seen<T>) -> Option<Seen<T>> {
        self.last = seen;
        self.take()
    }

    fn take(&mut self) -> Option<Seen<T>> {
        if self.last == self.taken {
            return None;
        }
        self.taken = self.last.clone();
        Some(self.taken.clone())
    }
}

/// Reads again and again, for as long as it is not cancelled, and has `act` see what there is to act upon. `late` is called
/// where reading takes long.
pub(super) async fn watch<T: Clone + PartialEq + Send + 'static>(
    mut steady: Steady<T>,
    read: impl Fn() -> Seen<T> + Clone + Send + 'static,
    late: impl Fn(),
    mut asked: watch::Receiver<()>,
    mut act: impl FnMut(Seen<T>),
) -> Infallible {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_asked = tokio::select! {
            _ = looks.tick() => false,
            Ok(()) = asked.changed() => true,
        };
        let seen = patiently(read.clone(), &late).await;
        let news = if is_asked { steady.asked(seen) } else { steady.look(seen) };
        if let Some(news) = news {
            act(news);
        }
    }
}

/// Looks on a thread of its own: a file may lie where reading takes long, or never ends. That can only be told of, which
/// `late` does, for neither can it be ended nor may the threads become many.
async fn patiently<T: Send + 'static>(look: impl FnOnce() -> Seen<T> + Send + 'static, late: impl FnOnce()) -> Seen<T> {
    let mut looking = spawn_blocking(look);
    let seen = if let Ok(seen) = timeout(DEADLINE, &mut looking).await {
        seen
    } else {
        late();
        looking.await
    };
    seen.unwrap_or_else(|cause| Err(cause.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_says_is_whole_counts_at_once() {
        let mut steady = Steady::new(1);
        assert_eq!((steady.look(Ok(2)), steady.look(Ok(2)), steady.look(Ok(2))), (None, Some(Ok(2)), None));
        assert_eq!((steady.asked(Ok(3)), steady.asked(Ok(3)), steady.look(Ok(3))), (Some(Ok(3)), None, None));
        let gone = || Err("gone".to_owned());
        assert_eq!(
            (steady.asked(gone()), steady.asked(gone()), steady.asked(Ok(3))),
            (Some(gone()), None, Some(Ok(3)))
        );
    }

    #[tokio::test]
    async fn a_look_that_takes_long_is_told_of_and_waited_for() {
        tokio::time::pause();
        let (answer, waiting) = std::sync::mpsc::channel::<Seen<String>>();
        let late = || answer.send(Ok("sub:a".to_owned())).unwrap();
        // A clock that is paused stands still while a thread is at work.
        let clock = tokio::time::advance(DEADLINE + Duration::from_millis(1));
        let (seen, ()) = tokio::join!(patiently(move || waiting.recv().unwrap(), late), clock);
        assert_eq!(seen, Ok("sub:a".to_owned()));
    }
}
