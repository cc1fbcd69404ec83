//! One end of a pipe as a pure value: its two logs, what it owes the peer, and whether it is over. No clock, no IO.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::budget::Budget;
use super::log::{Inbound, Outbound, Outside, Refused};
use super::record::{MAX_DATA, Malformed, Parser, Record, data_header};
use super::window::{Limits, Window};

/// What may have come and not been read: what the peer's window grows to at most, so that none that is honest is ever
/// refused.
const MAX_READY: usize = 16 * 1024 * 1024;

/// What may have come early. It is refused without harm where there is more: the peer brings it again.
const MAX_PARKED: usize = 4 * 1024 * 1024;

/// What has been read is told at the latest when this much is untold: often enough that a window never runs dry,
/// seldom enough that it costs nothing beside the data.
const TELL_AT: u64 = 64 * 1024;

/// How many pings may wait for their answer. A peer that asks faster is answered less.
const MAX_PONGS: usize = 8;

/// A piece up to this length travels in one buffer with its header; a longer one is worth a second buffer, but no
/// copy.
const SMALL: usize = 4 * 1024;

/// Why a pipe is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// An end closed it in order.
    Closed {
        /// The program's own code for why.
        code: u8,
        /// Why, for people.
        text: String,
    },
    /// The peer broke the protocol, or was given up.
    Failed(String),
}

/// What a peer did that ends the session.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Violation {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    Outside(#[from] Outside),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("a trial brought more than a trial may")]
    Trial,
    #[error("a carrier that was to end at {0} has brought more")]
    BeyondLast(u64),
    #[error("a carrier passes over what has not been acknowledged, up to {0}")]
    Skipped(u64),
}

pub(super) struct State {
    /// The time since the pipe began, as its owner says.
    pub(super) now: Duration,
    pub(super) out: Outbound,
    pub(super) inn: Inbound,
    /// What the peer was last told of what has been read.
    told: u64,
    pongs: VecDeque<u64>,
    /// The newest number that was asked.
    pub(super) pinged: u64,
    /// The newest number that came back.
    pub(super) ponged: u64,
    pub(super) end: Option<End>,
}

/// What a carrier sends next.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Records, and the header of the data that follows.
    pub(super) head: Bytes,
    /// Data that stands in a buffer of its own; may be empty.
    pub(super) data: Bytes,
}

impl State {
    pub(super) fn new(budget: &Budget) -> Self {
        Self {
            now: Duration::ZERO,
            out: Outbound::new(Window::new(Limits::PIPE), budget.share()),
            inn: Inbound::new(MAX_PARKED, MAX_READY, budget.share()),
            told: 0,
            pongs: VecDeque::new(),
            pinged: 0,
            ponged: 0,
            end: None,
        }
    }

    /// Whether enough has been read that the peer must be told without waiting for something else to say.
    pub(super) fn must_tell(&self) -> bool {
        self.inn.read_up_to() - self.told >= TELL_AT
    }

    /// Whether anything has been read that the peer was not told of.
    pub(super) fn may_tell(&self) -> bool {
        self.inn.read_up_to() > self.told
    }

    /// Whether there is a record to be sent beside the log.
    pub(super) fn owes(&self) -> bool {
        self.must_tell() || !self.pongs.is_empty() || self.end.is_some()
    }

    /// What a carrier says first: which byte of the other direction is wanted next, and what has been read of it, for
    /// the carrier that told it before may have been lost with what it told.
    pub(super) fn attach(&mut self, head: &mut BytesMut) {
        Record::Attached(self.inn.wanted()).encode(head);
        self.told = self.inn.read_up_to();
        Record::Ack(self.told).encode(head);
    }

    /// A number that no ping had before.
    pub(super) fn next_ping(&mut self) -> u64 {
        self.pinged += 1;
        self.pinged
    }

    /// Says what has been read, where that is news.
    pub(super) fn tell(&mut self, head: &mut BytesMut) {
        if self.may_tell() {
            self.told = self.inn.read_up_to();
            Record::Ack(self.told).encode(head);
        }
    }

    fn control(&mut self, head: &mut BytesMut) {
        self.tell(head);
        for number in self.pongs.drain(..) {
            Record::Pong(number).encode(head);
        }
        if let Some(End::Closed { code, text }) = &self.end {
            Record::Close { code: *code, text: text.clone() }.encode(head);
        }
    }

    /// The next piece for a carrier that has sent the log up to `*cursor`: what is owed, and data where `most` allows.
    /// `None` where there is nothing to say.
    pub(super) fn next_piece(&mut self, cursor: &mut u64, most: usize, mut head: BytesMut) -> Option<Piece> {
        let data = if most > 0 { self.out.read(*cursor, most.min(MAX_DATA), self.now) } else { None };
        if data.is_some() || self.owes() || !head.is_empty() {
            self.control(&mut head);
        }
        let data = data.map(|(from, bytes)| {
            if from > *cursor {
                Record::Skip(from).encode(&mut head);
            }
            *cursor = from + bytes.len() as u64;
            bytes
        });
        let data = data.unwrap_or_default();
        if !data.is_empty() {
            head.extend_from_slice(&data_header(data.len()));
        }
        if head.is_empty() {
            return None;
        }
        if data.len() <= SMALL {
            head.extend_from_slice(&data);
            return Some(Piece { head: head.freeze(), data: Bytes::new() });
        }
        Some(Piece { head: head.freeze(), data })
    }
}

/// Reads one carrier of the other direction.
#[derive(Debug)]
pub(super) struct Reading {
    parser: Parser,
    /// The offset of the next byte of data.
    at: u64,
    last: Option<u64>,
    is_trial: bool,
}

/// What changed by some bytes of a carrier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// There is something to read, or the pipe is over.
    pub(super) readable: bool,
    /// There is room to write again.
    pub(super) writable: bool,
    /// There is something to be said, or to be seen by who waits for an answer.
    pub(super) owes: bool,
}

impl Reading {
    pub(super) fn new(from: u64) -> Self {
        Self { parser: Parser::default(), at: from, last: None, is_trial: false }
    }

    /// For a carrier that may neither bring anything of the log nor end the session.
    pub(super) fn trial() -> Self {
        Self { is_trial: true, ..Self::new(0) }
    }

    /// Whether the carrier said that it ended in order.
    pub(super) fn is_complete(&self) -> bool {
        self.last == Some(self.at) && self.parser.at_boundary()
    }

    /// Takes in what a carrier brought.
    pub(super) fn take(&mut self, state: &mut State, mut bytes: Bytes) -> Result<Change, Violation> {
        let mut change = Change::default();
        while let Some(record) = self.parser.next(&mut bytes)? {
            if self.is_trial {
                match record {
                    Record::Ping(_) | Record::Last(_) => {}
                    Record::Attached(_) | Record::Ack(_) | Record::Pong(_) => continue,
                    Record::Data(_) | Record::Skip(_) | Record::Close { .. } => return Err(Violation::Trial),
                }
            }
            match record {
                Record::Data(data) => {
                    if let Some(last) = self.last {
                        return Err(Violation::BeyondLast(last));
                    }
                    let from = self.at;
                    self.at = from.saturating_add(data.len() as u64);
                    state.inn.accept(from, data)?;
                    change.readable |= state.inn.has_ready();
                }
                Record::Attached(offset) => drop(state.out.seek(offset.max(state.out.acked()))?),
                Record::Ack(offset) => {
                    state.out.ack(offset, state.now)?;
                    (change.writable, change.owes) = (true, true);
                }
                Record::Ping(number) => {
                    if state.pongs.len() < MAX_PONGS {
                        state.pongs.push_back(number);
                    }
                    change.owes = true;
                }
                // A number that was never asked answers nothing.
                Record::Pong(number) if number <= state.pinged => {
                    state.ponged = state.ponged.max(number);
                    change.owes = true;
                }
                Record::Pong(_) => {}
                Record::Last(offset) => self.last = Some(offset),
                Record::Skip(offset) if (self.at..=state.inn.wanted()).contains(&offset) => self.at = offset,
                Record::Skip(offset) => return Err(Violation::Skipped(offset)),
                Record::Close { code, text } => {
                    state.end.get_or_insert(End::Closed { code, text });
                    change = Change { readable: true, writable: true, owes: true };
                }
            }
        }
        Ok(change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new() -> State {
        State::new(&Budget::default())
    }

    fn piece(state: &mut State, cursor: &mut u64) -> Bytes {
        let piece = state.next_piece(cursor, usize::MAX, BytesMut::new()).expect("something to say");
        [piece.head, piece.data].concat().into()
    }

    #[test]
    fn what_one_end_says_the_other_takes() {
        let (mut one, mut other) = (new(), new());
        let (mut reading, mut cursor) = (Reading::new(0), 0);
        one.out.write(b"hello");
        let mut ping = BytesMut::new();
        Record::Ping(one.next_ping()).encode(&mut ping);
        reading.take(&mut other, ping.freeze()).unwrap();
        let change = reading.take(&mut other, piece(&mut one, &mut cursor)).unwrap();
        assert_eq!(change, Change { readable: true, ..Change::default() });
        assert_eq!(other.inn.read(100).as_deref(), Some(&b"hello"[..]));
        assert!(one.next_piece(&mut cursor, usize::MAX, BytesMut::new()).is_none(), "nothing more to say");

        let (mut back, mut answers) = (Reading::new(0), 0);
        back.take(&mut one, piece(&mut other, &mut answers)).unwrap();
        assert_eq!((one.ponged, one.out.acked()), (1, 5));
    }

    #[test]
    fn what_is_acknowledged_before_a_carrier_speaks_is_passed_over() {
        let (mut one, mut other) = (new(), new());
        one.out.write(b"hello");
        let (mut old, mut new) = (0, one.out.seek(0).unwrap());
        Reading::new(0).take(&mut other, piece(&mut one, &mut old)).unwrap();
        other.inn.read(100);
        one.out.ack(5, Duration::ZERO).unwrap();
        one.out.write(b" world");
        let mut reading = Reading::new(0);
        reading.take(&mut other, piece(&mut one, &mut new)).unwrap();
        assert_eq!(other.inn.read(100).as_deref(), Some(&b" world"[..]));
        assert_eq!((new, one.out.seek(0)), (11, Ok(0)), "a request may have been overtaken by what it asks for");
    }

    #[test]
    fn a_long_piece_is_not_copied() {
        let mut state = new();
        state.out.write(&vec![1; 100_000]);
        let mut cursor = 0;
        let piece = state.next_piece(&mut cursor, 70_000, BytesMut::new()).unwrap();
        assert_eq!((piece.head.len(), piece.data.len(), cursor), (4, 70_000, 70_000));
    }

    #[track_caller]
    fn refused(records: &[Record], expected: &str) {
        let mut wire = Vec::new();
        for record in records {
            record.encode(&mut wire);
        }
        let mut state = new();
        let error = Reading::new(0).take(&mut state, wire.into()).expect_err("a lie");
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn lies_end_the_session() {
        refused(&[Record::Ack(1)], "the offset 1 is outside 0..=0");
        refused(&[Record::Attached(1)], "the offset 1 is outside 0..=0");
        refused(&[Record::Skip(1)], "a carrier passes over what has not been acknowledged, up to 1");
        refused(
            &[Record::Last(0), Record::Data(Bytes::from_static(b"x"))],
            "a carrier that was to end at 0 has brought more",
        );
    }

    #[test]
    fn a_trial_changes_nothing_and_a_pong_that_was_not_asked_for_neither() {
        let mut state = new();
        state.out.write(b"x");
        let mut wire = Vec::new();
        for record in [Record::Attached(0), Record::Ack(1), Record::Pong(u64::MAX)] {
            record.encode(&mut wire);
        }
        Reading::trial().take(&mut state, wire.clone().into()).unwrap();
        assert_eq!((state.out.acked(), state.ponged), (0, 0));
        Reading::new(0).take(&mut state, wire.into()).unwrap();
        assert_eq!((state.out.acked(), state.ponged), (1, 0));
        for record in [Record::Data(Bytes::from_static(b"x")), Record::Close { code: 1, text: String::new() }] {
            let mut wire = Vec::new();
            record.encode(&mut wire);
            assert_eq!(Reading::trial().take(&mut state, wire.into()), Err(Violation::Trial));
        }
        assert!(state.end.is_none());
    }

    #[test]
    fn an_end_in_order_is_told_from_a_cut() {
        let mut state = new();
        let mut reading = Reading::new(0);
        let mut wire = Vec::new();
        Record::Data(Bytes::from_static(b"x")).encode(&mut wire);
        reading.take(&mut state, Bytes::from(wire)).unwrap();
        assert!(!reading.is_complete());
        let mut wire = Vec::new();
        Record::Last(1).encode(&mut wire);
        reading.take(&mut state, Bytes::from(wire)).unwrap();
        assert!(reading.is_complete());
    }
}
