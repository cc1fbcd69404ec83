//! Who is held back, and for how long.

use futures_util::FutureExt as _;
use tokio::time::advance;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::*;

/// Two sessions of one server, of which the other has an exchange under way.
struct Stage {
    session: Turns,
    other: Turns,
}

impl Stage {
    fn set() -> Self {
        let all = Arc::<All>::default();
        Self { session: Turns::new(Arc::clone(&all)), other: Turns::new(all) }
    }
}

/// Something else to do that takes so long in each turn.
fn work(turn: Duration) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(TaskTracker::new().spawn(async move {
        loop {
            advance(turn).await;
        }
    }))
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_who_is_alone_or_where_there_is_little_to_do() {
    for beside in [0, 1] {
        let Stage { session, other } = Stage::set();
        let mut others = Vec::new();
        for _ in 0..beside {
            others.push(other.begin().await);
        }
        let mut asking = Vec::new();
        for _ in 0..4 * FEW {
            asking.push(session.begin().await);
        }
        drop((asking, others));
        assert_eq!((session.own.load(Ordering::Relaxed), session.all.asking.load(Ordering::Relaxed)), (0, 0));
        assert_eq!(session.places.available_permits(), FEW);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_has_many_begins_another_when_one_is_answered() {
    let Stage { session, other } = Stage::set();
    let (_other, _work) = (other.begin().await, work(LONG));
    let mut asking = Vec::new();
    for _ in 0..FEW {
        asking.push(session.begin().now_or_never().expect("they are few"));
    }
    let (mut next, mut second) = (Box::pin(session.begin()), Box::pin(session.begin()));
    assert!(next.as_mut().now_or_never().is_none());
    assert!(second.as_mut().now_or_never().is_none());
    assert!(other.begin().now_or_never().is_some(), "another session has few");
    asking.pop();
    // In their order, and one for one.
    assert!(second.as_mut().now_or_never().is_none());
    let next = next.await;
    assert!(second.as_mut().now_or_never().is_none());
    drop(next);
    second.await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_target_holds_nobody_back_for_long() {
    for (turn, turns) in [(LONG, 16), (Duration::from_millis(200), 5)] {
        let Stage { session, other } = Stage::set();
        let (_other, _work) = (other.begin().await, work(turn));
        let mut asking = Vec::new();
        for _ in 0..FEW {
            asking.push(session.begin().await);
        }
        let begin = Instant::now();
        asking.push(session.begin().await);
        let waited = begin.elapsed();
        assert!((turn * (turns - 1)..=turn * (turns + 1)).contains(&waited), "{waited:?} in turns of {turn:?}");
    }
}
