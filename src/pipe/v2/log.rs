//! The two ends of one direction's log: what has been written and may have to be sent again, and, in `inbound.rs`, what has
//! arrived and waits to be read. Pure: no clock, no IO.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};

use super::budget::Share;
use super::window::Window;
pub(super) use inbound::{Inbound, Refused};

mod inbound;
#[cfg(any(test, fuzzing))]
pub(super) mod model;
#[cfg(test)]
mod tests;

/// A peer's offset that cannot be: behind what it acknowledged itself, or ahead of what it was sent. It ends the
/// session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the offset {offset} is outside {lowest}..={highest}")]
pub(super) struct Outside {
    offset: u64,
    lowest: u64,
    highest: u64,
}

/// The sending end: keeps every byte until it is acknowledged.
#[derive(Debug)]
pub(super) struct Outbound {
    /// Everything below has been acknowledged.
    acked: u64,
    /// What has been written and given to a carrier, with its offset; unbroken from `acked` on.
    kept: VecDeque<(u64, Bytes)>,
    /// What has been written since.
    fresh: BytesMut,
    /// Everything below has been given to a carrier at least once.
    sent: u64,
    /// How much may be on its way, and how much may wait for that.
    window: Window,
    /// What is kept.
    memory: Share,
}

/// A length as a distance between offsets.
fn distance(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

impl Outbound {
    pub(super) fn new(window: Window, memory: Share) -> Self {
        Self { acked: 0, kept: VecDeque::new(), fresh: BytesMut::new(), sent: 0, window, memory }
    }

    /// The offset of the next byte that is written.
    pub(super) fn end(&self) -> u64 {
        self.fresh_from() + distance(self.fresh.len())
    }

    fn fresh_from(&self) -> u64 {
        self.kept.back().map_or(self.acked, |(offset, bytes)| offset + distance(bytes.len()))
    }

    pub(super) fn acked(&self) -> u64 {
        self.acked
    }

    /// How much has been given to a carrier and is not acknowledged.
    pub(super) fn on_its_way(&self) -> u64 {
        self.sent - self.acked
    }

    /// Appends as much of `bytes` as there is room for, and says how much that was.
    pub(super) fn write(&mut self, bytes: &[u8]) -> usize {
        let part = self.take(bytes.len());
        self.copy(&bytes[..part]);
        part
    }

    /// The same for a piece, off whose front it is taken, and without a copy where it is large.
    pub(super) fn give(&mut self, piece: &mut Bytes) -> usize {
        let part = self.take(piece.len());
        let taken = piece.split_to(part);
        if part <= SMALL {
            self.copy(&taken);
        } else {
            self.freeze();
            self.kept.push_back((self.fresh_from(), taken));
        }
        part
    }

    /// How much there is room for, of so many bytes.
    fn take(&mut self, bytes: usize) -> usize {
        let room = self.window.unsent().saturating_sub(self.end() - self.sent);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        self.memory.take(bytes.min(room))
    }

    fn copy(&mut self, bytes: &[u8]) {
        let part = bytes.len();
        if self.fresh.capacity() - self.fresh.len() < part {
            // To grow it would copy it, into a buffer of a size that no other has.
            if self.fresh.len() >= GROWN {
                self.freeze();
            }
            self.fresh.reserve(part.max(BUFFER));
        }
        self.fresh.extend_from_slice(bytes);
    }

    /// The peer has everything below `offset`. One that lags behind an earlier one says nothing new.
    pub(super) fn ack(&mut self, offset: u64, now: Duration) -> Result<(), Outside> {
        if offset > self.end() {
            return Err(Outside { offset, lowest: self.acked, highest: self.end() });
        }
        self.freeze();
        while let Some((from, bytes)) = self.kept.front_mut() {
            let done = usize::try_from(offset.saturating_sub(*from)).unwrap_or(usize::MAX);
            if done < bytes.len() {
                bytes.advance(done);
                *from += distance(done);
                break;
            }
            self.kept.pop_front();
        }
        if offset > self.acked {
            self.memory.give(usize::try_from(offset - self.acked).unwrap_or(usize::MAX));
            self.acked = offset;
            self.sent = self.sent.max(offset);
            self.window.acked(self.acked, self.sent, self.end(), now);
        }
        if self.kept.is_empty() {
            // What was large in a busy moment is not kept for an idle one.
            self.kept.shrink_to(MANY);
            if self.fresh.capacity() > BUFFER {
                self.fresh = BytesMut::new();
            }
        }
        Ok(())
    }

    /// Where a carrier begins that is to send from `offset` on. It may lie behind what has been acknowledged, by bytes
    /// that another carrier brought meanwhile.
    pub(super) fn seek(&self, offset: u64) -> Result<u64, Outside> {
        if offset <= self.end() { Ok(offset) } else { Err(Outside { offset, lowest: self.acked, highest: self.end() }) }
    }

    /// Bytes from `offset` on, at most `most` of them, as one piece; `None` where there are none that may be on their
    /// way. What has been acknowledged meanwhile is passed over, so the offset of the piece comes with it.
    pub(super) fn read(&mut self, offset: u64, most: usize, now: Duration) -> Option<(u64, Bytes)> {
        let offset = offset.max(self.acked);
        let allowed = (self.acked + self.window.size()).saturating_sub(offset);
        let most = most.min(usize::try_from(allowed).unwrap_or(usize::MAX));
        if offset >= self.fresh_from() {
            self.freeze();
        }
        let after = self.kept.partition_point(|(from, _)| *from <= offset);
        let (from, bytes) = self.kept.get(after.checked_sub(1)?)?;
        let skip = usize::try_from(offset - from).ok()?;
        let piece = bytes.get(skip..)?;
        let piece = bytes.slice(skip..skip + piece.len().min(most));
        if piece.is_empty() {
            return None;
        }
        let until = offset + distance(piece.len());
        if until > self.sent {
            self.window.sent(self.sent, self.acked, now);
            self.sent = until;
        }
        Some((offset, piece))
    }

    /// Whether there is anything that may be sent from `offset` on.
    pub(super) fn has_from(&self, offset: u64) -> bool {
        offset < self.end().min(self.acked + self.window.size())
    }

    /// Whether there is more than may be on its way.
    pub(super) fn is_held_back(&self) -> bool {
        self.end() > self.acked + self.window.size()
    }

    fn freeze(&mut self) {
        if !self.fresh.is_empty() {
            let from = self.fresh_from();
            self.kept.push_back((from, self.fresh.split().freeze()));
        }
    }
}

/// What is kept ready for small writes, many of which make one piece.
const BUFFER: usize = 1024;

/// A piece with no more is copied behind those before it.
const SMALL: usize = 4 * 1024;

/// How long a piece is that is not made longer.
const GROWN: usize = 16 * 1024;

/// How many pieces may wait to be read before they are kept for their bytes alone.
const MANY: usize = 64;
