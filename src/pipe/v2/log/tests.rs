//! The two ends of a log under any order of write, carry, cut, repeat and delay.

use proptest::prelude::*;

use super::model::{BOUND, Step, World, check_bounds};
use super::*;

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_usize..600).prop_map(Step::Write),
        (any::<u16>(), 1_usize..300).prop_map(|(from, most)| Step::Carry { from, most }),
        (any::<usize>(), any::<bool>()).prop_map(|(which, keep)| Step::Arrive { which, keep }),
        any::<usize>().prop_map(Step::Lose),
        (0_usize..400).prop_map(Step::Read),
        any::<bool>().prop_map(|late| Step::Acknowledge { late }),
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
        let mut inn = Inbound::new(BOUND, BOUND);
        for (offset, length) in pieces {
            let _ = inn.accept(offset, vec![0; length].into());
            check_bounds(&inn);
        }
    }
}

#[test]
fn offsets_outside_the_log_are_refused() {
    let mut out = Outbound::new(100);
    assert_eq!(out.write(&[1; 150]), 100, "full means back-pressure");
    assert_eq!(out.ack(101), Err(Outside { offset: 101, lowest: 0, highest: 100 }));
    out.ack(60).unwrap();
    out.ack(40).unwrap();
    assert_eq!(out.acked(), 60, "a late acknowledgement takes nothing back");
    assert_eq!(out.seek(101), Err(Outside { offset: 101, lowest: 60, highest: 100 }));
    assert_eq!(out.seek(59), Ok(59), "another carrier has brought it meanwhile");
    assert_eq!(out.read(0, 10).map(|(offset, piece)| (offset, piece.len())), Some((60, 10)));
}

#[test]
fn what_comes_too_early_is_told_what_is_wanted() {
    let mut inn = Inbound::new(10, 100);
    inn.accept(5, Bytes::from_static(b"56789")).unwrap();
    assert_eq!(inn.accept(20, Bytes::from_static(b"0123456789")), Err(Refused::Gap { wanted: 0 }));
    inn.accept(0, Bytes::from_static(b"01234")).unwrap();
    assert_eq!(inn.wanted(), 10);
}

#[test]
fn offsets_near_the_end_of_their_range_are_refused() {
    let mut inn = Inbound::new(BOUND, BOUND);
    assert_eq!(inn.accept(u64::MAX - 5, vec![0; 20].into()), Err(Refused::Gap { wanted: 0 }));
    assert_eq!(inn.accept(u64::MAX - 5, vec![0; 5].into()), Ok(()));
    assert_eq!(inn.wanted(), 0);
}

/// A piece may be a part of a far larger buffer, which it keeps.
#[test]
fn small_pieces_are_bounded_in_number_too() {
    let mut inn = Inbound::new(usize::MAX, BOUND);
    let refused =
        (1..).step_by(2).take(1_000_000).find(|offset| inn.accept(*offset, Bytes::from_static(b"x")).is_err());
    assert_eq!(refused, Some(2 * u64::try_from(MAX_PARKED).unwrap() + 1));
}
