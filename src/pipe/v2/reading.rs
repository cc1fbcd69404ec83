//! One carrier of the other direction as it comes: what of it changes the state, and what ends the session. No clock, no
//! IO.

use bytes::Bytes;

use super::log::{Outside, Refused};
use super::record::{Malformed, Parser, Record};
use super::state::{End, State};

/// How many pings may wait for their answer. A peer that asks faster is answered less.
const MAX_PONGS: usize = 8;

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

/// Reads one carrier of the other direction.
#[derive(Debug)]
pub(super) struct Reading {
    parser: Parser,
    /// The offset of the next byte of data.
    at: u64,
    last: Option<u64>,
    is_trial: bool,
    has_news: bool,
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
        Self { parser: Parser::default(), at: from, last: None, is_trial: false, has_news: false }
    }

    /// For a carrier that may neither bring anything of the log nor end the session.
    pub(super) fn trial() -> Self {
        Self { is_trial: true, ..Self::new(0) }
    }

    /// Whether nothing that it brings may change the log or end the session.
    pub(super) fn is_trial(&self) -> bool {
        self.is_trial
    }

    /// Whether the carrier has said anything that was not known. One that comes a second time does not.
    pub(super) fn has_news(&self) -> bool {
        self.has_news
    }

    /// Whether the carrier said that it ended in order. A trial has no place in the log that it could end at.
    pub(super) fn is_complete(&self) -> bool {
        self.last.is_some_and(|last| self.is_trial || last == self.at) && self.parser.at_boundary()
    }

    /// Takes in what a carrier brought. What came before a violation has changed the state all the same, so the change
    /// comes with either.
    pub(super) fn take(&mut self, state: &mut State, bytes: Bytes) -> (Change, Result<(), Violation>) {
        let mut change = Change::default();
        let taken = self.take_into(state, bytes, &mut change);
        (change, taken)
    }

    fn take_into(&mut self, state: &mut State, mut bytes: Bytes, change: &mut Change) -> Result<(), Violation> {
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
                    let (from, before) = (self.at, state.inn.extent());
                    self.at = from.saturating_add(data.len() as u64);
                    state.inn.accept(from, data)?;
                    self.has_news |= state.inn.extent() != before;
                    change.readable |= state.inn.has_ready();
                }
                Record::Attached(offset) => drop(state.out.seek(offset.max(state.out.acked()))?),
                Record::Ack(offset) => {
                    // Nobody waits for room on the way who has not been short of it.
                    change.owes |= state.out.is_held_back();
                    self.has_news |= offset > state.out.acked();
                    state.out.ack(offset, state.now)?;
                    change.writable = true;
                }
                Record::Ping(number) => {
                    // What stands in a trial is not proved.
                    if !self.is_trial {
                        self.has_news |= number > state.heard_ping;
                        state.heard_ping = state.heard_ping.max(number);
                    }
                    if state.pongs.len() < MAX_PONGS {
                        state.pongs.push_back(number);
                    }
                    change.owes = true;
                }
                // A number that was never asked answers nothing.
                Record::Pong(number) if number <= state.pinged => {
                    self.has_news |= number > state.ponged;
                    state.ponged = state.ponged.max(number);
                    change.owes = true;
                }
                Record::Pong(_) => {}
                Record::Last(offset) => self.last = Some(offset),
                Record::Skip(offset) if (self.at..=state.inn.wanted()).contains(&offset) => self.at = offset,
                Record::Skip(offset) => return Err(Violation::Skipped(offset)),
                Record::Close { code, text } => {
                    self.has_news |= state.end.is_none();
                    state.end.get_or_insert(End::Closed { code, text });
                    *change = Change { readable: true, writable: true, owes: true };
                }
            }
        }
        Ok(())
    }
}
