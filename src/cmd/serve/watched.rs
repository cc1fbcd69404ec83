//! What is in files: looked at ever after, and acted upon when it has changed. Knows nothing of what that is.

use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::cmd::signals::Hangups;

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How long a look may take before somebody is told.
const DEADLINE: Duration = Duration::from_secs(5);

/// What is there, or why that cannot be told.
pub(super) type Seen<T> = Result<T, String>;

/// What is in force, and what was seen since.
pub(super) struct Watched<T> {
    /// What was acted upon.
    taken: Seen<T>,
    /// What was seen last.
    last: Seen<T>,
}

impl<T: Clone + PartialEq + Send + 'static> Watched<T> {
    /// Of what is in force already.
    pub(super) fn new(content: T) -> Self {
        Self { taken: Ok(content.clone()), last: Ok(content) }
    }

    /// Reads again and again, as long as it is not cancelled, and hands over what has changed; at a signal whatever is
    /// there. What takes long to read `late` tells of.
    pub(super) async fn follow(
        mut self,
        mut hangups: Hangups,
        read: impl Fn() -> Seen<T> + Clone + Send + 'static,
        late: impl Fn(),
        changed: impl Fn(&Seen<T>),
    ) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let told = tokio::select! {
                _ = looks.tick() => false,
                () = hangups.next() => true,
            };
            let seen = patiently(read.clone(), &late).await;
            let news = if told { Some(self.take(seen)) } else { self.look(seen) };
            if let Some(news) = news {
                changed(news);
            }
        }
    }

    /// What there is to act upon after a look. It counts once it was the same at two looks, for a file that is being
    /// written is short for a moment, and one that is being replaced may be missing.
    pub(super) fn look(&mut self, seen: Seen<T>) -> Option<&Seen<T>> {
        let is_steady = seen == self.last;
        self.last = seen;
        (is_steady && self.last != self.taken).then(|| self.take(self.last.clone()))
    }

    /// The same where somebody says that it is whole.
    fn take(&mut self, seen: Seen<T>) -> &Seen<T> {
        self.last.clone_from(&seen);
        self.taken = seen;
        &self.taken
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
    fn what_is_there_counts_once_it_is_steady() {
        let mut file = Watched::new("a");
        let gone = || Err("gone".to_owned());
        for (seen, news) in [
            (Ok("a"), false),
            // Written in pieces, then whole.
            (Ok(""), false),
            (Ok("a b"), false),
            (Ok("a b c"), false),
            (Ok("a b c"), true),
            (Ok("a b c"), false),
            // Replaced.
            (gone(), false),
            (Ok("d"), false),
            (Ok("d"), true),
            // Gone for good, told once.
            (gone(), false),
            (gone(), true),
            (gone(), false),
            // Back as it was.
            (Ok("d"), false),
            (Ok("d"), true),
        ] {
            assert_eq!(file.look(seen.clone()), news.then_some(&seen), "{seen:?}");
        }
        assert_eq!(file.take(Ok("e")), &Ok("e"), "somebody says that it is whole");
        assert_eq!(file.look(Ok("e")), None);
    }

    #[tokio::test]
    async fn a_look_that_takes_long_is_told_of_and_waited_for() {
        tokio::time::pause();
        let (answer, waiting) = std::sync::mpsc::channel::<Seen<&str>>();
        let late = || answer.send(Ok("a")).unwrap();
        // A clock that is paused stands still while a thread is at work.
        let clock = tokio::time::advance(DEADLINE + Duration::from_millis(1));
        let (seen, ()) = tokio::join!(patiently(move || waiting.recv().unwrap(), late), clock);
        assert_eq!(seen, Ok("a"));
    }
}
