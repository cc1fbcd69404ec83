//! Whether the client counts as there, by paused clocks.

use super::super::STOPPING;
use super::*;
use crate::server::open::Terms;
use crate::server::session::{LATE, MOMENT, Presence};
use crate::server::{Config, Server};

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_in_order_tells_its_client() {
    // Several, for what ends first could be a matter of chance.
    for _ in 0..20 {
        let server = Server::new(Config::new(None, || 0));
        let (session, attendance) = server.grant(Terms::plain("foo", &server)).ok().unwrap();
        sleep(Duration::from_secs(1)).await;
        server.shutdown().await;
        session.ended().cancelled().await;
        let text = "the server ends the session".to_owned();
        assert_eq!(attendance.carriers.ended(), Some(End::Closed { code: STOPPING, text }));
    }
}

/// A carrier that follows another brings nobody back: its client was there.
#[tokio::test(start_paused = true)]
async fn who_was_gone_and_comes_is_counted() {
    let server = Server::new(Config::new(None, || 0));
    let (session, attendance) = server.grant(Terms::plain("foo", &server)).ok().unwrap();
    let resumed = || server.0.metrics.resumed.get();
    let come = |epoch| attendance.attend(Direction::Read, &batch(&session, epoch)).unwrap();
    let mut first = come(1);
    assert_eq!(resumed(), 0, "it comes for the first time");
    first.is_whole();
    drop(first);
    let second = come(2);
    assert_eq!(resumed(), 0, "it follows one that has ended in order");
    drop(second);
    let third = come(3);
    assert_eq!(resumed(), 1, "it follows one that was cut");
    drop(come(4));
    assert_eq!(resumed(), 1, "there is another beside it");
    drop(third);
    sleep(Duration::from_secs(20)).await;
    let _last = come(5);
    assert_eq!(resumed(), 2);
    sleep(SILENCE * 2).await;
    assert!(!session.is_attended(), "it has fallen silent");
    let _new = come(6);
    assert_eq!(resumed(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_session_waits_for_its_client_as_long_as_the_grace() {
    let mut config = Config::new(None, || 0);
    config.grace = Duration::from_secs(30);
    let server = Server::new(config);
    for (came, patience) in [(false, 15), (true, 30)] {
        let begin = Instant::now();
        let (session, attendance) = server.grant(Terms::plain("foo", &server)).ok().unwrap();
        if came {
            drop(attendance.attend(Direction::Read, &batch(&session, 1)));
        }
        session.ended().cancelled().await;
        let (waited, patience) = (begin.elapsed(), Duration::from_secs(patience));
        assert!((patience..=patience + LOOK).contains(&waited), "{waited:?}");
    }
    assert_eq!(server.session(&"foo".parse().unwrap()), None);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_the_grace_is_what_the_session_waits_for() {
    let server = Server::new(Config::new(None, || 0));
    let (session, attendance) = server.grant(Terms::plain("foo", &server)).ok().unwrap();
    let carrier = attendance.attend(Direction::Read, &batch(&session, 1));
    assert_eq!(session.grace_left(), Duration::from_secs(60));
    drop(carrier);
    let begin = Instant::now();
    for _ in 0..5 {
        sleep(Duration::from_secs(10)).await;
        // It is missed with the next look.
        let left = Duration::from_secs(60).saturating_sub(begin.elapsed());
        assert!((left..=left + LOOK).contains(&session.grace_left()), "{:?}", session.grace_left());
    }
    let _back = attendance.attend(Direction::Read, &batch(&session, 2));
    assert_eq!(session.grace_left(), Duration::from_secs(60));
}

/// Whatever the moment at which it falls silent, or leaves.
#[tokio::test(start_paused = true)]
async fn a_client_that_is_silent_is_missed_within_15_s_and_then_has_its_grace() {
    const GRACE: Duration = Duration::from_secs(5);
    let mut config = Config::new(None, || 0);
    config.grace = GRACE;
    let server = Server::new(config);
    for stays in [true, false] {
        for after in (0..4_000).step_by(130).map(Duration::from_millis) {
            let (session, attendance) = server.grant(Terms::plain("foo", &server)).ok().unwrap();
            sleep(after).await;
            let carrier = attendance.attend(Direction::Read, &batch(&session, 1)).ok().filter(|_| stays);
            let begin = Instant::now();
            let (silence, missed) = if stays { (SILENCE, Duration::from_secs(15)) } else { Default::default() };
            let mut present = attendance.present.subscribe();
            present.wait_for(|roll| !roll.is_attended()).await.unwrap();
            let noticed = begin.elapsed();
            assert!((silence..=missed).contains(&noticed), "{noticed:?}");
            session.ended().cancelled().await;
            let freed = begin.elapsed().saturating_sub(noticed);
            assert!((GRACE..=GRACE + LOOK).contains(&freed), "{after:?}: {freed:?}");
            drop(carrier);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_has_been_heard_of_is_not_given_up() {
    let server = Server::new(Config::new(None, || 0));
    let (session, attendance) = server.grant(Terms::plain("foo", &server)).ok().unwrap();
    let _carrier = attendance.attend(Direction::Read, &batch(&session, 1));
    for (patience, waits) in [(0, SILENCE), (10, SILENCE), (30, Duration::from_secs(30))] {
        let begin = Instant::now();
        attendance.unheard(Duration::from_secs(patience)).await;
        assert_eq!(begin.elapsed(), waits);
    }
    let sign = async {
        sleep(Duration::from_secs(9)).await;
        drop(attendance.attend(Direction::Read, &batch(&session, 2)));
        sleep(Duration::from_secs(100)).await;
    };
    tokio::select! {
        () = attendance.unheard(Duration::from_secs(10)) => panic!("it was heard of"),
        () = sign => {}
    }
}

fn batch(session: &crate::server::session::Session, epoch: u64) -> Carrier {
    Carrier { session: session.id().clone(), epoch, offset: 0, manner: Manner::Batch, digest: None }
}

/// A batch that is answered before anybody has looked.
fn come_and_go(session: &crate::server::session::Session, attendance: &Attendance, epoch: u64, is_whole: bool) {
    let mut present = attendance.attend(Direction::Read, &batch(session, epoch)).ok().unwrap();
    if is_whole {
        present.is_whole();
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_is_there_between_two_batches_on_a_slow_path() {
    let server = Server::new(Config::new(None, || 0));
    let terms = Terms { hold: Duration::ZERO, ..Terms::plain("foo", &server) };
    let (session, attendance) = server.grant(terms).ok().unwrap();
    let mut leaving = std::pin::pin!(attendance.left());
    for epoch in 1..11 {
        come_and_go(&session, &attendance, 2 * epoch, true);
        let round_trip = Duration::from_millis(3_200);
        let mut visitor = std::pin::pin!(session.attended(&None));
        tokio::select! {
            _ = visitor.as_mut() => panic!("nobody can know whether it lives"),
            () = leaving.as_mut() => panic!("it has not left"),
            () = sleep(round_trip) => {}
        }
        assert!(session.patience(Instant::now()) > Instant::now(), "it is waited for by those who are not held");
        assert!(!session.yields_to(None, None));
        let at = Instant::now();
        come_and_go(&session, &attendance, 2 * epoch + 1, true);
        assert_eq!((visitor.await.ok(), at.elapsed()), (Some(Presence::Back), Duration::ZERO));
    }
    come_and_go(&session, &attendance, 100, true);
    let last = Instant::now();
    leaving.await;
    assert!(session.patience(last) <= Instant::now(), "it is missed");
    assert_eq!((last.elapsed(), attendance.is_attended(), session.yields_to(None, None)), (GAP, false, true));
}

#[tokio::test(start_paused = true)]
async fn a_carrier_that_was_cut_leaves_nobody_and_one_that_comes_and_goes_ends_the_wait() {
    let server = Server::new(Config::new(None, || 0));
    let (session, attendance) = server.grant(Terms::plain("foo", &server)).ok().unwrap();
    for epoch in 1..4 {
        come_and_go(&session, &attendance, 2 * epoch, false);
        assert!(session.yields_to(None, None));
        let begin = Instant::now();
        let mut waiting = std::pin::pin!(session.attended(&None));
        assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        come_and_go(&session, &attendance, 2 * epoch + 1, true);
        assert_eq!(waiting.await.ok(), Some(Presence::Back));
        assert_eq!(begin.elapsed(), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn a_crowd_may_come_while_a_link_is_made_again() {
    let server = Server::new(Config::new(None, || 0));
    let (session, attendance) = server.grant(Terms::plain("foo", &server)).ok().unwrap();
    let places = server.0.config.limits.held_per_session;
    let crowd = || futures_util::future::join_all((0..2 * places).map(|_| session.attended(&None)));
    come_and_go(&session, &attendance, 1, false);
    let (all, ()) = tokio::join!(crowd(), async {
        sleep(MOMENT / 2).await;
        come_and_go(&session, &attendance, 2, true);
    });
    assert!(all.into_iter().all(|found| found.is_ok_and(|found| found == Presence::Back)));
    come_and_go(&session, &attendance, 3, false);
    // Those who wait for longer take places, and there are no more than these.
    let (all, ()) = tokio::join!(crowd(), async {
        sleep(MOMENT * 2).await;
        come_and_go(&session, &attendance, 4, true);
    });
    let back = all.into_iter().filter(|found| found.as_ref().is_ok_and(|found| *found == Presence::Back));
    assert_eq!(back.count(), places);
}

/// Who waits, how it ends, and what of it is counted.
#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_client_that_is_gone_is_counted() {
    let server = Server::new(Config::new(None, || 0));
    let (session, attendance) = server.grant(Terms::plain("foo", &server)).ok().unwrap();
    let told = || attendance.waits.told().map(|waits| (waits.waited, waits.in_vain));
    come_and_go(&session, &attendance, 1, true);
    // The next batch comes soon, and then one is late.
    let (found, ()) = tokio::join!(session.attended(&None), async {
        sleep(LATE / 2).await;
        come_and_go(&session, &attendance, 2, true);
    });
    assert_eq!((found.ok(), told()), (Some(Presence::There), None));
    let (found, ()) = tokio::join!(session.attended(&None), async {
        sleep(LATE * 2).await;
        assert_eq!(told(), Some((1, 0)), "it counts once it is late");
        come_and_go(&session, &attendance, 3, false);
    });
    assert_eq!((found.ok(), told()), (Some(Presence::Back), Some((1, 0))));
    // One leaves, one is told that nobody came, one is too many, and one is there when the client is.
    drop(timeout(MOMENT / 2, session.attended(&None)).await);
    drop(timeout(2 * MOMENT, session.attended(&None)).await);
    assert_eq!(told(), Some((3, 2)));
    let (found, ()) = tokio::join!(session.attended(&None), async {
        sleep(MOMENT / 2).await;
        assert_eq!(told(), Some((4, 2)), "it counts as soon as it waits");
        come_and_go(&session, &attendance, 4, true);
    });
    assert_eq!((found.ok(), told()), (Some(Presence::Back), Some((4, 2))));
    let metrics = &server.0.metrics;
    assert_eq!((metrics.held.get(), metrics.held_in_vain.get()), (4, 2));
}
