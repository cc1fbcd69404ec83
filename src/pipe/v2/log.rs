//! The two ends of one direction's log: what has been written and may have to be sent again, and what has arrived and
//! waits to be read. Pure: no clock, no IO.

use std::collections::{BTreeMap, VecDeque};

use bytes::{Buf, Bytes, BytesMut};

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
    /// How much may be kept.
    bound: usize,
}

/// A length as a distance between offsets.
fn distance(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

impl Outbound {
    pub(super) fn new(bound: usize) -> Self {
        Self { acked: 0, kept: VecDeque::new(), fresh: BytesMut::new(), bound }
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

    /// Appends as much of `bytes` as there is room for, and says how much that was.
    pub(super) fn write(&mut self, bytes: &[u8]) -> usize {
        let kept = usize::try_from(self.end() - self.acked).unwrap_or(usize::MAX);
        let part = bytes.len().min(self.bound.saturating_sub(kept));
        self.fresh.extend_from_slice(&bytes[..part]);
        part
    }

    /// The peer has everything below `offset`. One that lags behind an earlier one says nothing new.
    pub(super) fn ack(&mut self, offset: u64) -> Result<(), Outside> {
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
        self.acked = self.acked.max(offset);
        Ok(())
    }

    /// Where a carrier begins that is to send from `offset` on. It may lie behind what has been acknowledged, by bytes
    /// that another carrier brought meanwhile.
    pub(super) fn seek(&self, offset: u64) -> Result<u64, Outside> {
        if offset <= self.end() { Ok(offset) } else { Err(Outside { offset, lowest: self.acked, highest: self.end() }) }
    }

    /// Bytes from `offset` on, at most `most` of them, as one piece; `None` where there are none. What has been
    /// acknowledged meanwhile is passed over, so the offset of the piece comes with it.
    pub(super) fn read(&mut self, offset: u64, most: usize) -> Option<(u64, Bytes)> {
        let offset = offset.max(self.acked);
        if offset >= self.fresh_from() {
            self.freeze();
        }
        let after = self.kept.partition_point(|(from, _)| *from <= offset);
        let (from, bytes) = self.kept.get(after.checked_sub(1)?)?;
        let skip = usize::try_from(offset - from).ok()?;
        let piece = bytes.get(skip..)?;
        if piece.is_empty() {
            return None;
        }
        Some((offset, bytes.slice(skip..skip + piece.len().min(most))))
    }

    /// Whether there is anything to be sent from `offset` on.
    pub(super) fn has_from(&self, offset: u64) -> bool {
        offset < self.end()
    }

    fn freeze(&mut self) {
        if !self.fresh.is_empty() {
            let from = self.fresh_from();
            self.kept.push_back((from, self.fresh.split().freeze()));
        }
    }
}

/// Why bytes of a carrier are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    /// They come too early: what lies before them is missing, and there is no room to park them.
    #[error("a gap: {wanted} is wanted next")]
    Gap { wanted: u64 },
    /// More has come than was ever allowed to be on its way.
    #[error("more than {0} bytes have come that nobody has read")]
    Flood(usize),
}

/// The receiving end: takes each byte once, in order, however often and in whatever order it comes.
#[derive(Debug)]
pub(super) struct Inbound {
    /// The offset of the first byte that has not come, or not in order.
    wanted: u64,
    /// In order, not yet read.
    ready: VecDeque<Bytes>,
    ready_len: usize,
    /// Came early: pieces with nothing in common, all beyond `wanted`.
    parked: BTreeMap<u64, Bytes>,
    parked_len: usize,
    max_parked: usize,
    max_ready: usize,
}

impl Inbound {
    pub(super) fn new(max_parked: usize, max_ready: usize) -> Self {
        Self {
            wanted: 0,
            ready: VecDeque::new(),
            ready_len: 0,
            parked: BTreeMap::new(),
            parked_len: 0,
            max_parked,
            max_ready,
        }
    }

    pub(super) fn wanted(&self) -> u64 {
        self.wanted
    }

    /// Everything below has been read; it is what the peer is told, so that what nobody reads holds it back.
    pub(super) fn read_up_to(&self) -> u64 {
        self.wanted - distance(self.ready_len)
    }

    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Takes what is new of `bytes`, which stand at `offset`.
    pub(super) fn accept(&mut self, offset: u64, mut bytes: Bytes) -> Result<(), Refused> {
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
        self.ready.push_back(bytes);
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
            if self.parked_len + piece.len() > self.max_parked {
                return Err(Refused::Gap { wanted: self.wanted });
            }
            if !piece.is_empty() {
                self.parked_len += piece.len();
                offset += distance(piece.len());
                self.parked.insert(offset - distance(piece.len()), piece);
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
            let known = usize::try_from(self.wanted - from).unwrap_or(usize::MAX);
            bytes.advance(known.min(bytes.len()));
            if !bytes.is_empty() {
                self.push(bytes)?;
            }
        }
        Ok(())
    }

    /// The next bytes in order, at most `most` of them.
    pub(super) fn read(&mut self, most: usize) -> Option<Bytes> {
        let front = self.ready.front_mut()?;
        let piece = front.split_to(front.len().min(most));
        if front.is_empty() {
            self.ready.pop_front();
        }
        self.ready_len -= piece.len();
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
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

        /// One carrier that works, from what is wanted to the end.
        fn settle(&mut self) {
            while self.read < self.out.end() {
                while let Some((offset, piece)) = self.out.read(self.inn.wanted(), 100) {
                    self.inn.accept(offset, piece).expect("in order");
                    self.read(usize::MAX);
                    self.out.ack(self.inn.read_up_to()).expect("an honest acknowledgement");
                }
            }
        }
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
            prop_assert_eq!(world.read, world.out.end());
            prop_assert_eq!(world.out.acked(), world.out.end());
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
}
