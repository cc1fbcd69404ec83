//! The two ends of a log under any order of write, carry, cut, repeat and delay.

use proptest::prelude::*;

use super::super::budget::Budget;
use super::super::window::Limits;
use super::inbound::MAX_PARKED;
use super::model::{BOUND, Step, World, check_bounds, inbound, outbound};
use super::*;

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_usize..600).prop_map(Step::Write),
        (any::<u16>(), 1_usize..300).prop_map(|(from, most)| Step::Carry { from, most }),
        (any::<usize>(), any::<bool>()).prop_map(|(which, keep)| Step::Arrive { which, keep }),
        any::<usize>().prop_map(Step::Lose),
        (0_usize..400).prop_map(Step::Read),
        any::<bool>().prop_map(|late| Step::Acknowledge { late }),
        any::<u16>().prop_map(|millis| Step::Wait(Duration::from_millis(millis.into()))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Invariant 1: whatever is written, carried, cut, repeated, delayed, or acknowledged late, each byte is read
    /// once and in order, and a carrier that works in the end brings all of them.
    #[test]
    fn no_byte_is_lost_repeated_or_reordered(steps in proptest::collection::vec(any_step(), 0..120)) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
        }
        world.settle();
    }

    #[test]
    fn a_peer_that_lies_is_refused_and_little_is_kept(pieces in proptest::collection::vec((0_u64..20_000, 0_usize..500), 0..200)) {
        let mut inn = inbound(BOUND, BOUND);
        for (offset, length) in pieces {
            let _ = inn.accept(offset, vec![0; length].into());
            check_bounds(&inn);
        }
    }
}

/// The model itself has to come to an end where all has arrived and none of it was read.
#[test]
fn what_has_arrived_and_was_not_read_is_read_in_the_end() {
    let mut world = World::new();
    for step in [Step::Write(10), Step::Carry { from: 0, most: 10 }, Step::Arrive { which: 0, keep: false }] {
        world.step(&step);
    }
    world.settle();
}

#[test]
fn offsets_outside_the_log_are_refused() {
    let mut out = outbound(&Budget::default());
    assert_eq!(out.write(&[1; 150]), 28, "full means back-pressure");
    assert_eq!(out.ack(29, Duration::ZERO), Err(Outside { offset: 29, lowest: 0, highest: 28 }));
    out.ack(20, Duration::ZERO).unwrap();
    out.ack(10, Duration::ZERO).unwrap();
    assert_eq!(out.acked(), 20, "a late acknowledgement takes nothing back");
    assert_eq!(out.seek(29), Err(Outside { offset: 29, lowest: 20, highest: 28 }));
    assert_eq!(out.seek(19), Ok(19), "another carrier has brought it meanwhile");
    let piece = out.read(0, 5, Duration::ZERO);
    assert_eq!(piece.map(|(offset, piece)| (offset, piece.len())), Some((20, 5)));
}

/// Nothing comes back: what is on its way is a window's, and what waits beside it is little.
#[test]
fn what_is_sent_makes_room_for_little_more() {
    let mut out = outbound(&Budget::default());
    let (mut cursor, mut written) = (0, 0);
    loop {
        let part = out.write(&[1; 7]);
        written += part;
        let piece = out.read(cursor, usize::MAX, Duration::ZERO);
        cursor += piece.as_ref().map_or(0, |(_, piece)| distance(piece.len()));
        if part == 0 && piece.is_none() {
            break;
        }
    }
    assert_eq!((cursor, written), (400, 428));
    assert!(!out.has_from(cursor), "nothing may be sent");
    out.ack(10, Duration::ZERO).unwrap();
    assert_eq!(
        out.read(cursor, 10, Duration::ZERO).map(|(_, piece)| piece.len()),
        Some(6),
        "a piece as it was written"
    );
    assert!(out.has_from(cursor + 6), "and the rest of it");
}

#[test]
fn what_has_grown_is_not_copied_to_grow_more() {
    let mut out = outbound(&Budget::default());
    out.window = Window::new(Limits::PIPE);
    for length in [1, GROWN, 100] {
        assert_eq!(out.write(&vec![1; length]), length);
    }
    let pieces = [0, distance(GROWN) + 1].map(|at| out.read(at, usize::MAX, Duration::ZERO).unwrap().1.len());
    assert_eq!(pieces, [GROWN + 1, 100]);
}

#[test]
fn what_was_large_in_a_busy_moment_is_given_back() {
    let mut out = outbound(&Budget::default());
    out.window = Window::new(Limits::PIPE);
    for place in 0..2 * distance(MANY) {
        out.write(&[1; 1]);
        out.read(place, 1, Duration::ZERO);
    }
    out.write(&[1; 2 * BUFFER]);
    assert!(out.kept.capacity() > MANY && out.fresh.capacity() > BUFFER, "it was large");
    out.ack(out.end(), Duration::ZERO).unwrap();
    assert!(out.kept.capacity() <= MANY, "{}", out.kept.capacity());
    assert!(out.fresh.capacity() <= BUFFER, "{}", out.fresh.capacity());
    let mut inn = inbound(BOUND, BOUND);
    (0..BOUND).for_each(|place| inn.accept(distance(place), vec![1].into()).unwrap());
    while inn.read(1).is_some() {}
    assert!(inn.ready.capacity() <= MANY, "{}", inn.ready.capacity());
}

#[test]
fn what_is_kept_counts_until_it_is_acknowledged_or_taken() {
    let budget = Budget::new(10_000_000);
    let mut out = outbound(&budget);
    out.write(&[1; 50]);
    let mut inn = Inbound::new(BOUND, BOUND, budget.share());
    inn.accept(10, Bytes::from_static(b"early")).unwrap();
    assert_eq!(budget.used(), 33);
    inn.accept(0, Bytes::from_static(b"0123456789")).unwrap();
    out.ack(20, Duration::ZERO).unwrap();
    assert_eq!(budget.used(), 8);
    drop(out);
    assert_eq!(budget.used(), 0);
}

#[test]
fn what_comes_early_is_refused_where_no_memory_is_left() {
    let budget = Budget::new(0);
    let mut inn = Inbound::new(usize::MAX, BOUND, budget.share());
    inn.accept(1, vec![0; 200_000].into()).unwrap();
    assert_eq!(inn.accept(300_000, vec![0; 100_000].into()), Err(Refused::Gap { wanted: 0 }));
    assert_eq!(budget.used(), 200_000);
}

#[test]
fn what_comes_too_early_is_told_what_is_wanted() {
    let mut inn = inbound(10, 100);
    inn.accept(5, Bytes::from_static(b"56789")).unwrap();
    assert_eq!(inn.accept(20, Bytes::from_static(b"0123456789")), Err(Refused::Gap { wanted: 0 }));
    inn.accept(0, Bytes::from_static(b"01234")).unwrap();
    assert_eq!(inn.wanted(), 10);
}

#[test]
fn offsets_near_the_end_of_their_range_are_refused() {
    let mut inn = inbound(BOUND, BOUND);
    assert_eq!(inn.accept(u64::MAX - 5, vec![0; 20].into()), Err(Refused::Gap { wanted: 0 }));
    assert_eq!(inn.accept(u64::MAX - 5, vec![0; 5].into()), Ok(()));
    assert_eq!(inn.wanted(), 0);
}

/// A piece may be a part of a far larger buffer, which it keeps.
#[test]
fn small_pieces_are_bounded_in_number_too() {
    let mut inn = inbound(usize::MAX, BOUND);
    let refused =
        (1..).step_by(2).take(1_000_000).find(|offset| inn.accept(*offset, Bytes::from_static(b"x")).is_err());
    assert_eq!(refused, Some(2 * u64::try_from(MAX_PARKED).unwrap() + 1));
}
