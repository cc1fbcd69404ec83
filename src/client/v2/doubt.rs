//! Tells when the link has to be doubted: it owes an answer and gives none. Doubt ends nothing: it has the path probed.
//! Where the path is there, and quicker than what does not answer, each direction gets another carrier, on a connection of
//! its own, beside the one that it has, and what arrives of either counts.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::probe::{self, Verdict};
use super::tunnel::Tunnel;

/// How often is looked. Time is counted in looks: one in which this process, or the whole machine, had no turn is one
/// look and no more, for what arrived meanwhile has not been read.
const LOOK: Duration = Duration::from_millis(250);

/// How long nothing arrives before the server is asked for a sign of life.
const ASK: u32 = looks(Duration::from_secs(3));

/// How long what is sent may not be answered. It doubles with each probe that finds a slow path, until something is.
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

/// The longest that it doubles to.
const MAX_PATIENCE: u32 = looks(Duration::from_secs(15));

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
    /// Nothing has been answered for so long.
    Doubt(Duration),
}

/// What the looks so far have shown. Pure: no clock, no IO.
#[derive(Debug)]
struct Watch {
    last: Sight,
    silent: u32,
    unanswered: u32,
    /// How many looks have passed since the last doubt, where nothing has been answered since.
    waited: u32,
    patience: u32,
}

impl Default for Watch {
    fn default() -> Self {
        Self { last: Sight::default(), silent: 0, unanswered: 0, waited: 0, patience: PATIENCE }
    }
}

impl Watch {
    fn look(&mut self, now: Sight) -> Act {
        let before = std::mem::replace(&mut self.last, now);
        self.silent = if now.heard == before.heard { self.silent + 1 } else { 0 };
        if now.owed && before.owed && now.answered == before.answered {
            (self.unanswered, self.waited) = (self.unanswered + 1, self.waited + 1);
        } else {
            (self.unanswered, self.waited, self.patience) = (0, 0, PATIENCE);
        }
        if self.waited >= SILENCE || self.waited >= self.patience && self.silent >= PAUSE {
            self.waited = 0;
            return Act::Doubt(LOOK * self.unanswered);
        }
        if !now.owed && self.silent >= ASK { Act::Ask } else { Act::Wait }
    }

    /// The path is there, but slow.
    fn is_slow(&mut self) {
        self.patience = (self.patience * 2).min(MAX_PATIENCE);
    }

    /// What was not answered is brought anew, and has its time again.
    fn begins_anew(&mut self) {
        *self = Self { last: self.last, ..Self::default() };
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
pub(super) async fn run(tunnel: &Arc<Tunnel>) {
    let (mut watch, mut fruitless) = (Watch::default(), (0, 0));
    // Each has a deadline, so they are few.
    let mut probes = JoinSet::new();
    let mut clock = interval(LOOK);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = clock.tick() => {
                let (answered, owed) = tunnel.carriers.answered();
                match watch.look(Sight { heard: tunnel.carriers.heard(), answered, owed }) {
                    Act::Wait => {}
                    Act::Ask => tunnel.carriers.ask(),
                    Act::Doubt(owing) => {
                        tracing::debug!("the link is doubted");
                        fruitless = (answered, if fruitless.0 == answered { fruitless.1 + 1 } else { 1 });
                        tunnel.failures.note("what was sent is not answered");
                        // Whatever is idle may be as dead as what is silent.
                        tunnel.link.forget_connections();
                        let tunnel = Arc::clone(tunnel);
                        probes.spawn(async move { probe::run(&tunnel, owing).await });
                    }
                }
            }
            Some(Ok(verdict)) = probes.join_next() => match verdict {
                Verdict::Nothing => {}
                Verdict::Slow => {
                    fruitless.1 = 0;
                    watch.is_slow();
                }
                Verdict::Dead => {
                    tracing::debug!("what carries is replaced");
                    if fruitless.1 >= FRUITLESS {
                        tunnel.path.go_back_to_batches();
                    }
                    fruitless.1 = 0;
                    // One replacement is enough for all that were sent while nothing passed.
                    probes.abort_all();
                    watch.begins_anew();
                    tunnel.doubts.0.send_modify(|doubts| *doubts += 1);
                    // The question before may be lost with its carrier.
                    tunnel.carriers.ask();
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Act::{Ask, Wait};
    use super::*;

    /// What is done in so many looks, of which number `n` shows `sight(n)`, and at which.
    #[track_caller]
    fn check(looks: u64, sight: impl Fn(u64) -> Sight, expected: &[(u64, Act)]) {
        let mut watch = Watch::default();
        let acts = (1..=looks).map(|n| (n, watch.look(sight(n)))).filter(|(_, act)| *act != Wait);
        assert_eq!(acts.collect::<Vec<_>>(), expected);
    }

    fn doubt(looks: u32) -> Act {
        Act::Doubt(LOOK * looks)
    }

    #[test]
    fn what_owes_and_is_silent_is_doubted_again_and_again() {
        check(25, |_| Sight { owed: true, ..Sight::default() }, &[(11, doubt(10)), (21, doubt(20))]);
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
        check(70, |n| Sight { heard: n, answered: 0, owed: true }, &[(61, doubt(60))]);
        check(14, |n| Sight { heard: n.min(11), answered: 0, owed: true }, &[(13, doubt(12))]);
        // What arrives now and then is no queue.
        check(14, |n| Sight { heard: n / 4, answered: 0, owed: true }, &[(11, doubt(10))]);
    }

    #[test]
    fn what_is_slow_is_doubted_ever_more_seldom_until_it_answers() {
        let (mut watch, mut doubts) = (Watch::default(), Vec::new());
        for n in 1..=200 {
            let answered = u64::from(n > 150);
            if let Act::Doubt(_) = watch.look(Sight { heard: 0, answered, owed: true }) {
                watch.is_slow();
                doubts.push(n);
            }
        }
        assert_eq!(doubts, [11, 31, 71, 131, 161, 181]);
    }
}
