//! What is vast, or many, costs no more than there is room for, and nobody waits for whoever does not listen.

use tokio::sync::broadcast::error::TryRecvError;

use super::super::super::Change;
use super::*;

#[test]
fn ten_gibibytes_change_nothing() {
    let inspector = inspector();
    let tap = inspector.connection(Duration::ZERO);
    let (piece, pieces) = (vec![7; 32 * 1024], 10 * 32 * 1024_u64);
    tap.down(GET);
    tap.up(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", pieces * 32 * 1024).as_bytes());
    for _ in 0..pieces {
        tap.up(&piece);
    }
    let [exchange] = &seen(&inspector)[..] else { panic!("there is one") };
    let body = &exchange.response.as_ref().unwrap().body;
    assert_eq!((&exchange.state, body.size, body.kept.len()), (&State::Done, 10 << 30, 1 << 20));
    assert!(inspector.store().totals().used < 1_100_000, "{:?}", inspector.store().totals());
    tap.down(GET);
    tap.up(OK);
    assert_eq!(seen(&inspector).len(), 2, "what follows is seen as ever");
}

#[test]
fn a_full_store_takes_in_what_is_new() {
    let inspector = Inspector::new(Settings { room: 100_000, ..Settings::new(|| Duration::ZERO) });
    let lasting = inspector.connection(Duration::ZERO);
    lasting.down(GET);
    let tap = inspector.connection(Duration::ZERO);
    for _ in 0..1_000 {
        tap.down(GET);
        tap.up(OK);
        assert!(inspector.store().totals().used <= 100_000);
    }
    // It is forgotten, and ends all the same.
    lasting.up(OK);
    let totals = inspector.store().totals();
    let kept = seen(&inspector);
    assert_eq!((totals.seen, totals.kept), (1_001, kept.len()));
    assert!((80..100).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept.last().unwrap().id, 1_001);
    assert_eq!((totals.down, totals.up), (0, 1_001 * 2), "bodies are counted, and not heads");
}

#[test]
fn a_body_takes_an_eighth_of_the_room_at_most() {
    let inspector = Inspector::new(Settings { room: 80_000, ..Settings::new(|| Duration::ZERO) });
    let tap = inspector.connection(Duration::ZERO);
    tap.down(GET);
    tap.up(b"HTTP/1.1 200 OK\r\n\r\n");
    tap.up(&vec![7; 50_000]);
    assert_eq!(seen(&inspector)[0].response.as_ref().unwrap().body.kept.len(), 10_000);
}

#[test]
fn who_follows_and_never_reads_is_told_that_it_missed_some() {
    let inspector = inspector();
    let mut follower = inspector.store().follow();
    let tap = inspector.connection(Duration::ZERO);
    tap.down(GET);
    tap.up(OK);
    let told: Vec<Change> = std::iter::from_fn(|| follower.try_recv().ok()).collect();
    assert_eq!(told, [Change::Began(1), Change::Answered(1), Change::Ended(1)]);
    for _ in 0..1_000 {
        tap.down(GET);
        tap.up(OK);
    }
    assert_eq!(follower.try_recv(), Err(TryRecvError::Lagged(3_000 - 1_024)));
    assert_eq!(std::iter::from_fn(|| follower.try_recv().ok()).count(), 1_024);
    inspector.store().clear();
    assert_eq!(follower.try_recv(), Ok(Change::Cleared));
    assert!(seen(&inspector).is_empty());
    tap.down(GET);
    assert_eq!(seen(&inspector)[0].id, 1_002, "numbers are not given twice");
}

#[test]
fn what_somebody_looks_at_goes_on_without_it() {
    let inspector = inspector();
    let tap = inspector.connection(Duration::ZERO);
    tap.down(GET);
    tap.up(&OK[..OK.len() - 2]);
    let looked_at = inspector.store().get(1).unwrap();
    tap.up(b"hi");
    assert_eq!(looked_at.state, State::Answering);
    assert_eq!(inspector.store().get(1).unwrap().state, State::Done);
    let at_most = |count, before| inspector.store().newest(count, before, |exchange| Some(exchange.id));
    tap.down(&GET.repeat(3));
    assert_eq!(at_most(2, None), [4, 3]);
    assert_eq!(at_most(9, Some(3)), [2, 1]);
    assert_eq!(at_most(9, Some(1)), [0; 0]);
}
