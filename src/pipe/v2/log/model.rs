//! A log with both of its ends, and what can happen to it: what property tests and fuzzing drive alike.

use super::super::budget::Budget;
use super::super::window::Limits;
use super::*;

/// What can happen to a log and to the carriers that copy it.
#[derive(Clone, Debug)]
pub(in crate::pipe::v2) enum Step {
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
    /// Time passes, so that windows grow and shrink.
    Wait(Duration),
}

impl Step {
    /// The step that four bytes stand for, whatever they are.
    pub(in crate::pipe::v2) fn from_bytes([kind, high, low, flag]: [u8; 4]) -> Self {
        let (number, flag) = (u16::from_be_bytes([high, low]), flag % 2 == 1);
        let size = usize::from(number);
        match kind % 7 {
            0 => Self::Write(size % 600),
            1 => Self::Carry { from: number, most: 1 + size % 300 },
            2 => Self::Arrive { which: size, keep: flag },
            3 => Self::Lose(size),
            4 => Self::Read(size % 400),
            5 => Self::Wait(Duration::from_millis(number.into())),
            _ => Self::Acknowledge { late: flag },
        }
    }
}

fn byte_at(offset: u64) -> u8 {
    offset.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0]
}

/// How much each end of the log may keep.
pub(in crate::pipe::v2) const BOUND: usize = 1_000;

/// Small, so that they are reached, and with what waits beside them no more than that bound.
const LIMITS: Limits = Limits { first: 400, least: 50, most: 900 };

pub(in crate::pipe::v2) fn outbound(budget: &Budget) -> Outbound {
    Outbound::new(Window::new(LIMITS), budget.share())
}

pub(in crate::pipe::v2) fn inbound(max_parked: usize, max_ready: usize) -> Inbound {
    Inbound::new(max_parked, max_ready, Budget::default().share())
}

/// Both ends, and what is on its way between them. Every step is checked.
pub(in crate::pipe::v2) struct World {
    now: Duration,
    out: Outbound,
    inn: Inbound,
    on_the_way: Vec<(u64, Bytes)>,
    /// How much has been read, each byte checked.
    read: u64,
    last_ack: u64,
}

impl World {
    pub(in crate::pipe::v2) fn new() -> Self {
        let (out, inn) = (outbound(&Budget::default()), inbound(BOUND, BOUND));
        Self { now: Duration::ZERO, out, inn, on_the_way: Vec::new(), read: 0, last_ack: 0 }
    }

    pub(in crate::pipe::v2) fn step(&mut self, step: &Step) {
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
                if let Some((offset, piece)) = self.out.read(from, most, self.now) {
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
                self.out.ack(if late { self.last_ack } else { now }, self.now).expect("an honest acknowledgement");
                self.last_ack = self.last_ack.max(now);
            }
            Step::Wait(time) => self.now += time,
            Step::Arrive { .. } | Step::Lose(_) => {}
        }
        check_bounds(&self.inn);
    }

    fn read(&mut self, most: usize) {
        while let Some(piece) = self.inn.read(most) {
            for byte in piece {
                assert_eq!(byte, byte_at(self.read), "at {}", self.read);
                self.read += 1;
            }
        }
    }

    /// One carrier that works, from what is wanted to the end: all that was written is read and acknowledged then.
    pub(in crate::pipe::v2) fn settle(&mut self) {
        self.read(usize::MAX);
        self.acknowledge();
        while let Some((offset, piece)) = self.out.read(self.inn.wanted(), 100, self.now) {
            self.inn.accept(offset, piece).expect("in order");
            self.read(usize::MAX);
            self.acknowledge();
        }
        assert_eq!((self.read, self.out.acked()), (self.out.end(), self.out.end()));
    }

    fn acknowledge(&mut self) {
        self.out.ack(self.inn.read_up_to(), self.now).expect("an honest acknowledgement");
    }
}

/// Whatever has come, no more is kept than may be.
pub(in crate::pipe::v2) fn check_bounds(inn: &Inbound) {
    assert!(inn.ready_len <= inn.max_ready && inn.parked_len <= inn.max_parked);
    assert_eq!(inn.parked.values().map(Bytes::len).sum::<usize>(), inn.parked_len);
    assert_eq!(inn.ready.iter().map(Bytes::len).sum::<usize>(), inn.ready_len);
}
