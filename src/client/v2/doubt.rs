//! Tells when the link has to be doubted: it owes an answer and gives none. Doubt ends nothing. Each direction gets another
//! carrier, on a connection of its own, beside the one that it has, and what arrives of either counts.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::tunnel::Tunnel;

/// How often is looked. Time is counted in looks: one in which this process, or the whole machine, had no turn is one
/// look and no more, for what arrived meanwhile has not been read.
const LOOK: Duration = Duration::from_millis(250);

/// How long nothing arrives before the server is asked for a sign of life.
const ASK: u32 = looks(Duration::from_secs(3));

/// How long what is sent may not be answered.
const PATIENCE: u32 = looks(Duration::from_millis(2_500));

/// While anything arrives, the answer may stand in a queue behind it. A queue moves all the time: where there is a pause
/// of this length the answer is not in it.
const PAUSE: u32 = looks(Duration::from_millis(500));

/// How long what is sent may not be answered though something arrives all the time.
const SILENCE: u32 = looks(Duration::from_secs(15));

const fn looks(time: Duration) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "a minute is 240 looks")]
    let looks = (time.as_millis() / LOOK.as_millis()) as u32;
    looks
}

/// How many doubts in a row show that what there was does not pass any more, and is not merely lost.
const FRUITLESS: u32 = 3;

/// What is to be seen of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sight {
    /// Grows with all that arrives.
    heard: u64,
    /// Grows with all that is answered.
    answered: u64,
    /// Something has been sent that is to be answered.
    owed: bool,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Wait,
    Ask,
    Doubt,
}

/// What the looks so far have shown. Pure: no clock, no IO.
#[derive(Debug, Default)]
struct Watch {
    last: Sight,
    silent: u32,
    unanswered: u32,
}

impl Watch {
    fn look(&mut self, now: Sight) -> Act {
        let before = std::mem::replace(&mut self.last, now);
        self.silent = if now.heard == before.heard { self.silent + 1 } else { 0 };
        self.unanswered =
            if now.owed && before.owed && now.answered == before.answered { self.unanswered + 1 } else { 0 };
        if self.unanswered >= SILENCE || self.unanswered >= PATIENCE && self.silent >= PAUSE {
            self.unanswered = 0;
            return Act::Doubt;
        }
        if !now.owed && self.silent >= ASK { Act::Ask } else { Act::Wait }
    }
}

/// The doubts of a session, as they come.
pub(super) struct Doubts(watch::Sender<u64>);

impl Default for Doubts {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Doubts {
    /// Has those who carry hear of the next doubt.
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

/// Looks, asks and doubts. Never returns.
pub(super) async fn run(tunnel: &Tunnel) {
    let (mut watch, mut fruitless) = (Watch::default(), (0, 0));
    let mut clock = interval(LOOK);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        clock.tick().await;
        let (answered, owed) = tunnel.carriers.answered();
        match watch.look(Sight { heard: tunnel.carriers.heard(), answered, owed }) {
            Act::Wait => {}
            Act::Ask => tunnel.carriers.ask(),
            Act::Doubt => {
                tracing::debug!("the link is doubted");
                fruitless = (answered, if fruitless.0 == answered { fruitless.1 + 1 } else { 1 });
                if fruitless.1 >= FRUITLESS {
                    tunnel.path.go_back_to_batches();
                }
                tunnel.failures.note("what was sent is not answered");
                // Whatever is idle may be as dead as what is silent.
                tunnel.link.forget_connections();
                tunnel.doubts.0.send_modify(|doubts| *doubts += 1);
                // The question before may be lost with its carrier.
                tunnel.carriers.ask();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Act::{Ask, Doubt, Wait};
    use super::*;

    /// What is done in so many looks, of which number `n` shows `sight(n)`, and at which.
    #[track_caller]
    fn check(looks: u64, sight: impl Fn(u64) -> Sight, expected: &[(u64, Act)]) {
        let mut watch = Watch::default();
        let acts = (1..=looks).map(|n| (n, watch.look(sight(n)))).filter(|(_, act)| *act != Wait);
        assert_eq!(acts.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_owes_and_is_silent_is_doubted_again_and_again() {
        check(25, |_| Sight { owed: true, ..Sight::default() }, &[(11, Doubt), (21, Doubt)]);
    }

    #[test]
    fn what_is_idle_is_asked_and_not_doubted() {
        check(13, |_| Sight::default(), &[(12, Ask), (13, Ask)]);
        check(100, |n| Sight { heard: n / 10, ..Sight::default() }, &[]);
    }

    #[test]
    fn what_answers_is_believed_however_slow_it_is() {
        check(200, |n| Sight { heard: n / 9, answered: n / 9, owed: true }, &[]);
        check(200, |n| Sight { heard: n / 9, answered: 0, owed: n % 10 != 0 }, &[]);
    }

    /// A queue of data may stand before the answer.
    #[test]
    fn what_arrives_all_the_time_is_given_longer() {
        check(70, |n| Sight { heard: n, answered: 0, owed: true }, &[(61, Doubt)]);
        check(14, |n| Sight { heard: n.min(11), answered: 0, owed: true }, &[(13, Doubt)]);
        // What arrives now and then is no queue.
        check(14, |n| Sight { heard: n / 4, answered: 0, owed: true }, &[(11, Doubt)]);
    }
}
