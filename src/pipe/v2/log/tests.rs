//! The two ends of a log under any order of write, carry, cut, repeat and delay.

use proptest::prelude::*;

use super::*;

/// What can happen to a log and to the carriers that copy it.
#[derive(Clone, Debug)]
enum Step {
    Write(usize),
    /// A carrier takes a piece from somewhere between what is acknowledged and the end; it may arrive later.
    Carry {
        from: u16,
        most: usize,
    },
    /// A piece on its way arrives; `keep` lets it arrive again.
    Arrive {
        which: usize,
        keep: bool,
    },
    /// A piece is lost.
    Lose(usize),
    Read(usize),
    /// The reader's place is told to the sender, now or, as `late`, once more.
    Acknowledge {
        late: bool,
    },
}

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

fn byte_at(offset: u64) -> u8 {
    offset.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0]
}

const BOUND: usize = 1_000;

struct World {
    out: Outbound,
    inn: Inbound,
    on_the_way: Vec<(u64, Bytes)>,
    /// How much has been read, each byte checked.
    read: u64,
    last_ack: u64,
}

impl World {
    fn new() -> Self {
        let (out, inn) = (Outbound::new(BOUND), Inbound::new(BOUND, BOUND));
        Self { out, inn, on_the_way: Vec::new(), read: 0, last_ack: 0 }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Write(length) => {
                let from = self.out.end();
                let bytes: Vec<u8> = (from..from + distance(length)).map(byte_at).collect();
                let written = self.out.write(&bytes);
                assert_eq!(self.out.end(), from + distance(written));
                assert!(self.out.end() - self.out.acked() <= distance(BOUND), "the bound holds");
            }
            Step::Carry { from, most } => {
                let span = self.out.end() - self.out.acked();
                let from = self.out.seek(self.out.acked() + u64::from(from) % (span + 1)).expect("inside");
                if let Some((offset, piece)) = self.out.read(from, most) {
                    assert_eq!(offset, from);
                    assert!(!piece.is_empty() && piece.len() <= most);
                    self.on_the_way.push((offset, piece));
                } else {
                    assert!(!self.out.has_from(from));
                }
            }
            Step::Arrive { which, keep } if !self.on_the_way.is_empty() => {
                let which = which % self.on_the_way.len();
                let (offset, piece) = self.on_the_way[which].clone();
                self.inn.accept(offset, piece).expect("an honest peer is never refused");
                if !keep {
                    self.on_the_way.swap_remove(which);
                }
            }
            Step::Lose(which) if !self.on_the_way.is_empty() => {
                let which = which % self.on_the_way.len();
                self.on_the_way.swap_remove(which);
            }
            Step::Read(most) => self.read(most.max(1)),
            Step::Acknowledge { late } => {
                let now = self.inn.read_up_to();
                self.out.ack(if late { self.last_ack } else { now }).expect("an honest acknowledgement");
                self.last_ack = self.last_ack.max(now);
            }
            Step::Arrive { .. } | Step::Lose(_) => {}
        }
    }

    fn read(&mut self, most: usize) {
        while let Some(piece) = self.inn.read(most) {
            for byte in piece {
                assert_eq!(byte, byte_at(self.read), "at {}", self.read);
                self.read += 1;
            }
        }
    }

    /// One carrier that works, from what is wanted to the end. What arrived before may be waiting to be read still, and
    /// may be all there is.
    fn settle(&mut self) {
        loop {
            self.read(usize::MAX);
            self.out.ack(self.inn.read_up_to()).expect("an honest acknowledgement");
            let Some((offset, piece)) = self.out.read(self.inn.wanted(), 100) else { return };
            self.inn.accept(offset, piece).expect("in order");
        }
    }
}

fn check(steps: &[Step]) {
    let mut world = World::new();
    for step in steps {
        world.step(step);
    }
    world.settle();
    assert_eq!((world.read, world.out.acked()), (world.out.end(), world.out.end()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Invariant 1: whatever is written, carried, cut, repeated, delayed, or acknowledged late, each byte is read
    /// once and in order, and a carrier that works in the end brings all of them.
    #[test]
    fn no_byte_is_lost_repeated_or_reordered(steps in proptest::collection::vec(any_step(), 0..120)) {
        check(&steps);
    }

    #[test]
    fn a_peer_that_lies_is_refused_and_little_is_kept(pieces in proptest::collection::vec((0_u64..20_000, 0_usize..500), 0..200)) {
        let mut inn = Inbound::new(BOUND, BOUND);
        for (offset, length) in pieces {
            let _ = inn.accept(offset, vec![0; length].into());
            prop_assert!(inn.ready_len <= BOUND && inn.parked_len <= BOUND);
            prop_assert_eq!(inn.parked.values().map(Bytes::len).sum::<usize>(), inn.parked_len);
            prop_assert_eq!(inn.ready.iter().map(Bytes::len).sum::<usize>(), inn.ready_len);
        }
    }
}

#[test]
fn what_has_all_arrived_and_was_not_read_is_read_in_the_end() {
    check(&[Step::Write(10), Step::Carry { from: 0, most: 10 }, Step::Arrive { which: 0, keep: false }]);
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
