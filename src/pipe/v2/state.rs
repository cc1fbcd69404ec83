//! One end of a pipe as a pure value: its two logs, what it owes the peer, and whether it is over. No clock, no IO.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::budget::Budget;
use super::log::{Inbound, Outbound};
use super::record::{MAX_DATA, Record, data_header};
use super::window::{Limits, Window};

#[cfg(test)]
mod tests;

/// What may have come and not been read: what the peer's window grows to at most, so that none that is honest is ever
/// refused.
const MAX_READY: usize = 16 * 1024 * 1024;

/// What may have come early. It is refused without harm where there is more: the peer brings it again.
pub(super) const MAX_PARKED: usize = 4 * 1024 * 1024;

/// What has been read is told at once when this much is untold: half of the least window, so that none runs dry.
pub(super) const TELL_AT: u64 = 64 * 1024;

/// The same while a carrier rests that has told as much: as large as the window that a peer begins with, and as all that
/// may wait at its end, so that a quick path is kept full by few acknowledgements, each of which both ends are woken for.
const TELL_AT_REST: u64 = 512 * 1024;

/// Data up to this length travels in one buffer with its header, before what is behind it; more is worth a second buffer, but
/// no copy.
const SMALL: usize = 4 * 1024;

/// What the records before data come to, as a rule: an acknowledgement and the header.
const RECORDS: usize = 16;

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

pub(super) struct State {
    /// The time since the pipe began, as its owner says.
    pub(super) now: Duration,
    pub(super) out: Outbound,
    pub(super) inn: Inbound,
    /// How much of what has been read any carrier has told, to know whose clock runs.
    told: u64,
    /// The same of batches alone. A stream keeps count itself: it may live on where one that told more was lost.
    told_by_batches: u64,
    pub(super) pongs: VecDeque<u64>,
    /// The newest number that the peer has given to a ping.
    pub(super) heard_ping: u64,
    /// The newest number that was given to a ping.
    pub(super) pinged: u64,
    /// The newest number of a ping that is to be answered: one of a trial may be lost as it likes.
    asked: u64,
    /// The next carrier is to ask.
    asking: bool,
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

/// Where a carrier stands: what it has told is known to have arrived only as long as it lives itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// It has brought the log up to here.
    pub(super) cursor: u64,
    /// What it has told of what was read.
    pub(super) told: u64,
    pub(super) look: Look,
}

/// When a carrier looks by itself at what has been read and not told. Its clock is the sender's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Look {
    /// Not at all: whoever reads has it woken.
    #[default]
    Never,
    /// Before long, to tell whatever there is.
    Later,
    /// In a moment: it has told much, and rests, so that a quick path does not have it tell each bit.
    Soon,
}

impl Place {
    /// A carrier that has said nothing yet.
    pub(super) fn at(cursor: u64) -> Self {
        Self { cursor, ..Self::default() }
    }
}

impl Look {
    /// How much may be untold without being told at once.
    fn tells_at(self) -> u64 {
        if self == Self::Soon { TELL_AT_REST } else { TELL_AT }
    }
}

impl State {
    pub(super) fn new(budget: &Budget) -> Self {
        Self {
            now: Duration::ZERO,
            out: Outbound::new(Window::new(Limits::PIPE), budget.share()),
            inn: Inbound::new(MAX_PARKED, MAX_READY, budget.share()),
            told: 0,
            told_by_batches: 0,
            pongs: VecDeque::new(),
            heard_ping: 0,
            pinged: 0,
            asked: 0,
            asking: false,
            ponged: 0,
            end: None,
        }
    }

    /// Whether the next byte that is read is the first that no carrier has told.
    pub(super) fn all_told(&self) -> bool {
        self.inn.read_up_to() == self.told
    }

    /// Whether so much has been read since any carrier told it that all of them have to look, where the newest does so by
    /// itself at that time.
    pub(super) fn must_tell(&self, look: Look) -> bool {
        self.owes_news(self.told, look)
    }

    /// Whether anything has been read that a carrier which told so much has not told.
    pub(super) fn may_tell(&self, told: u64) -> bool {
        self.inn.read_up_to() > told
    }

    /// Whether anything has been read that no batch has told.
    pub(super) fn batches_may_tell(&self) -> bool {
        self.may_tell(self.told_by_batches)
    }

    /// Whether there is a record for a batch beside the log.
    pub(super) fn batches_owe(&self) -> bool {
        self.owes(self.told_by_batches, Look::Never)
    }

    /// What batches have told may be lost with them.
    pub(super) fn forget_told_by_batches(&mut self) {
        self.told_by_batches = 0;
    }

    /// A batch of the carriers' has told so much, and will arrive unless somebody says otherwise.
    pub(super) fn note_batch(&mut self, place: Place) {
        self.told_by_batches = place.told;
    }

    /// Whether enough has been read that the peer must be told without waiting for something else to say.
    fn owes_news(&self, told: u64, look: Look) -> bool {
        self.inn.read_up_to() - told >= look.tells_at()
    }

    /// Whether there is a record to be sent beside the log by a carrier that has told so much.
    fn owes(&self, told: u64, look: Look) -> bool {
        self.owes_news(told, look) || !self.pongs.is_empty() || self.asking || self.end.is_some()
    }

    /// What a carrier says first: which byte of the other direction is wanted next, and what has been read of it, for
    /// the carrier that told it before may have been lost with what it told.
    pub(super) fn attach(&mut self, place: &mut Place, head: &mut BytesMut) {
        Record::Attached(self.inn.wanted()).encode(head);
        self.say_read(place, head);
    }

    fn say_read(&mut self, place: &mut Place, head: &mut BytesMut) {
        self.told = self.inn.read_up_to();
        place.told = self.told;
        Record::Ack(self.told).encode(head);
    }

    /// A number that no ping had before.
    pub(super) fn next_ping(&mut self) -> u64 {
        self.pinged += 1;
        self.pinged
    }

    /// Asks the peer for a sign of life.
    pub(super) fn ping(&mut self, head: &mut BytesMut) {
        self.asked = self.next_ping();
        Record::Ping(self.asked).encode(head);
    }

    /// Has the next carrier ask.
    pub(super) fn ask(&mut self) {
        self.asking = true;
    }

    /// Whether the peer has not answered all that it was asked, or not acknowledged all that may be on its way.
    pub(super) fn is_owed(&self) -> bool {
        self.asked > self.ponged || self.asking || self.out.has_from(self.out.acked())
    }

    /// Says what has been read, where that is news from this carrier.
    pub(super) fn tell(&mut self, place: &mut Place, head: &mut BytesMut) {
        if self.may_tell(place.told) {
            self.say_read(place, head);
        }
    }

    fn control(&mut self, place: &mut Place, head: &mut BytesMut) {
        self.tell(place, head);
        for number in self.pongs.drain(..) {
            Record::Pong(number).encode(head);
        }
        if std::mem::take(&mut self.asking) {
            self.ping(head);
        }
        if let Some(End::Closed { code, text }) = &self.end {
            Record::Close { code: *code, text: text.clone() }.encode(head);
        }
    }

    /// The next piece for a carrier that stands at `place`: what is owed, and data where `most` allows. `None` where
    /// there is nothing to say.
    pub(super) fn next_piece(&mut self, place: &mut Place, most: usize, mut head: BytesMut) -> Option<Piece> {
        let most = most.min(MAX_DATA);
        let Some((from, mut data)) = self.data(place.cursor, most) else {
            if self.owes(place.told, place.look) || !head.is_empty() {
                self.control(place, &mut head);
            }
            return (!head.is_empty()).then(|| Piece { head: head.freeze(), data: Bytes::new() });
        };
        let mut small = Bytes::new();
        if data.len() <= SMALL {
            let behind = self.data(from + data.len() as u64, most - data.len());
            small = std::mem::replace(&mut data, behind.map_or_else(Bytes::new, |(_, behind)| behind));
        }
        // At once, for it would grow by each record.
        head.reserve(RECORDS + small.len());
        self.control(place, &mut head);
        if from > place.cursor {
            Record::Skip(from).encode(&mut head);
        }
        place.cursor = from + (small.len() + data.len()) as u64;
        head.extend_from_slice(&data_header(small.len() + data.len()));
        head.extend_from_slice(&small);
        if data.len() <= SMALL {
            head.extend_from_slice(&std::mem::take(&mut data));
        }
        Some(Piece { head: head.freeze(), data })
    }

    fn data(&mut self, from: u64, most: usize) -> Option<(u64, Bytes)> {
        if most > 0 { self.out.read(from, most, self.now) } else { None }
    }
}
