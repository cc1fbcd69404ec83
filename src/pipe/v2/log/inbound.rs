//! The receiving end of a log. Pure: no clock, no IO.

use std::collections::{BTreeMap, VecDeque};

use bytes::{Buf, Bytes};

use super::super::budget::Share;
use super::{MANY, distance};

/// How many pieces may be parked: an honest peer has a few batches on their way.
pub(super) const MAX_PARKED: usize = 4_096;

/// A piece that is small beside the buffer which it may be a part of, in a buffer of its own: else many small ones would
/// keep far more than their bound.
fn unpinned(bytes: Bytes) -> Bytes {
    if bytes.len() < 4_096 { Bytes::copy_from_slice(&bytes) } else { bytes }
}

/// Why bytes of a carrier are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::pipe::v2) enum Refused {
    /// They come too early: what lies before them is missing, and there is no room to park them.
    #[error("a gap: {wanted} is wanted next")]
    Gap { wanted: u64 },
    /// More has come than was ever allowed to be on its way.
    #[error("more than {0} bytes have come that nobody has read")]
    Flood(usize),
}

/// The receiving end: takes each byte once, in order, however often and in whatever order it comes.
#[derive(Debug)]
pub(in crate::pipe::v2) struct Inbound {
    /// The offset of the first byte that has not come, or not in order.
    wanted: u64,
    /// In order, not yet read.
    pub(super) ready: VecDeque<Bytes>,
    pub(super) ready_len: usize,
    /// Came early: pieces with nothing in common, all beyond `wanted`.
    pub(super) parked: BTreeMap<u64, Bytes>,
    pub(super) parked_len: usize,
    pub(super) max_parked: usize,
    pub(super) max_ready: usize,
    /// What is parked.
    memory: Share,
}

impl Inbound {
    pub(in crate::pipe::v2) fn new(max_parked: usize, max_ready: usize, memory: Share) -> Self {
        Self {
            wanted: 0,
            ready: VecDeque::new(),
            ready_len: 0,
            parked: BTreeMap::new(),
            parked_len: 0,
            max_parked,
            max_ready,
            memory,
        }
    }

    pub(in crate::pipe::v2) fn wanted(&self) -> u64 {
        self.wanted
    }

    /// How far it has come in order, and how much has come early: what is new changes one of them.
    pub(in crate::pipe::v2) fn extent(&self) -> (u64, usize) {
        (self.wanted, self.parked_len)
    }

    /// Everything below has been read; it is what the peer is told, so that what nobody reads holds it back.
    pub(in crate::pipe::v2) fn read_up_to(&self) -> u64 {
        self.wanted - distance(self.ready_len)
    }

    pub(in crate::pipe::v2) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Takes what is new of `bytes`, which stand at `offset`.
    pub(in crate::pipe::v2) fn accept(&mut self, offset: u64, mut bytes: Bytes) -> Result<(), Refused> {
        if offset.checked_add(distance(bytes.len())).is_none() {
            return Err(Refused::Gap { wanted: self.wanted });
        }
        let known = usize::try_from(self.wanted.saturating_sub(offset)).unwrap_or(usize::MAX);
        bytes.advance(known.min(bytes.len()));
        if bytes.is_empty() {
            return Ok(());
        }
        let offset = offset.max(self.wanted);
        if offset > self.wanted {
            return self.park(offset, bytes);
        }
        self.push(bytes)?;
        self.unpark()
    }

    fn push(&mut self, bytes: Bytes) -> Result<(), Refused> {
        if self.ready_len + bytes.len() > self.max_ready {
            return Err(Refused::Flood(self.max_ready));
        }
        self.wanted += distance(bytes.len());
        self.ready_len += bytes.len();
        let many = self.ready.len() >= MANY;
        self.ready.push_back(if many { unpinned(bytes) } else { bytes });
        Ok(())
    }

    /// Keeps of early bytes what is not parked already.
    fn park(&mut self, mut offset: u64, mut bytes: Bytes) -> Result<(), Refused> {
        if let Some((from, before)) = self.parked.range(..=offset).next_back() {
            let known = usize::try_from((from + distance(before.len())).saturating_sub(offset)).unwrap_or(usize::MAX);
            let known = known.min(bytes.len());
            bytes.advance(known);
            offset += distance(known);
        }
        while !bytes.is_empty() {
            let next = self.parked.range(offset..).next().map(|(from, after)| (*from, after.len()));
            let free = next.map_or(bytes.len(), |(from, _)| usize::try_from(from - offset).unwrap_or(usize::MAX));
            let piece = bytes.split_to(free.min(bytes.len()));
            let fits = self.parked_len + piece.len() <= self.max_parked && self.parked.len() < MAX_PARKED;
            let taken = if fits { self.memory.take(piece.len()) } else { 0 };
            if taken < piece.len() {
                self.memory.give(taken);
                return Err(Refused::Gap { wanted: self.wanted });
            }
            if !piece.is_empty() {
                self.parked_len += piece.len();
                let from = offset;
                offset += distance(piece.len());
                self.parked.insert(from, unpinned(piece));
            }
            let Some((_, covered)) = next else { break };
            let covered = covered.min(bytes.len());
            bytes.advance(covered);
            offset += distance(covered);
        }
        Ok(())
    }

    fn unpark(&mut self) -> Result<(), Refused> {
        while let Some(entry) = self.parked.first_entry().filter(|entry| *entry.key() <= self.wanted) {
            let (from, mut bytes) = entry.remove_entry();
            self.parked_len -= bytes.len();
            self.memory.give(bytes.len());
            let known = usize::try_from(self.wanted - from).unwrap_or(usize::MAX);
            bytes.advance(known.min(bytes.len()));
            if !bytes.is_empty() {
                self.push(bytes)?;
            }
        }
        Ok(())
    }

    /// The next bytes in order, at most `most` of them.
    pub(in crate::pipe::v2) fn read(&mut self, most: usize) -> Option<Bytes> {
        let front = self.ready.front_mut()?;
        let piece = front.split_to(front.len().min(most));
        if front.is_empty() {
            self.ready.pop_front();
        }
        if self.ready.is_empty() {
            self.ready.shrink_to(MANY);
        }
        self.ready_len -= piece.len();
        Some(piece)
    }
}
