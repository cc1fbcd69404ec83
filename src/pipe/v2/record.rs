//! The records that a carrier of wire v2 is made of: a header of 4 bytes (type, then the body's length, big-endian),
//! and the body. Pure: bytes in, records out.

use bytes::{Buf, Bytes};

/// A record's header, in bytes.
pub(super) const HEADER: usize = 4;

/// The longest body of a DATA record that is sent; what is received may be as long as its length field can say, for
/// its bytes are handed on as they come.
pub(super) const MAX_DATA: usize = 256 * 1024;

/// The longest text of a CLOSE record.
const MAX_TEXT: usize = 256;

/// The longest body of a PAD record.
pub(super) const MAX_PAD: usize = 64 * 1024;

const DATA: u8 = 0;
const ATTACHED: u8 = 1;
const ACK: u8 = 2;
const PING: u8 = 3;
const PONG: u8 = 4;
const PAD: u8 = 5;
const LAST: u8 = 6;
const CLOSE: u8 = 7;
const SKIP: u8 = 8;

/// What one record says. Only DATA belongs to the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// Bytes of the log, the next ones of this carrier's range. One record may come as several of these.
    Data(Bytes),
    /// The first record of every carrier: the offset that its sender wants next of the other direction's log.
    Attached(u64),
    /// Everything of the other direction's log below this offset has arrived.
    Ack(u64),
    /// To be answered with a PONG of the same number, on whatever carrier goes the other way.
    Ping(u64),
    Pong(u64),
    /// The carrier ends here, in order, at this offset of the log.
    Last(u64),
    /// The session ends.
    Close {
        code: u8,
        text: String,
    },
    /// The next DATA stands at this offset: what lies between has been acknowledged since the carrier began.
    Skip(u64),
}

/// Bytes that are no record of this wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("a record of the unknown type {0}")]
    Type(u8),
    #[error("a record of type {kind} with the impossible length {length}")]
    Length { kind: u8, length: usize },
    #[error("a text that is no UTF-8")]
    Text,
}

/// The header that announces `length` bytes of the log.
pub(super) fn data_header(length: usize) -> [u8; HEADER] {
    debug_assert!(length <= MAX_DATA);
    header(DATA, length)
}

/// Appends a PAD record of `length` bytes.
pub(super) fn encode_pad(length: usize, out: &mut impl bytes::BufMut) {
    debug_assert!(length <= MAX_PAD);
    out.put_slice(&header(PAD, length));
    out.put_bytes(0, length);
}

fn header(kind: u8, length: usize) -> [u8; HEADER] {
    let [_, high, middle, low] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    [kind, high, middle, low]
}

impl Record {
    /// Appends the record as it stands on the wire.
    pub(super) fn encode(&self, out: &mut impl bytes::BufMut) {
        let (kind, number) = match self {
            Self::Data(bytes) => {
                out.put_slice(&data_header(bytes.len()));
                return out.put_slice(bytes);
            }
            Self::Close { code, text } => {
                let text = &text.as_bytes()[..text.floor_char_boundary_at(MAX_TEXT)];
                out.put_slice(&header(CLOSE, 1 + text.len()));
                out.put_u8(*code);
                return out.put_slice(text);
            }
            Self::Attached(offset) => (ATTACHED, *offset),
            Self::Ack(offset) => (ACK, *offset),
            Self::Ping(number) => (PING, *number),
            Self::Pong(number) => (PONG, *number),
            Self::Last(offset) => (LAST, *offset),
            Self::Skip(offset) => (SKIP, *offset),
        };
        out.put_slice(&header(kind, 8));
        out.put_u64(number);
    }
}

trait FloorCharBoundary {
    fn floor_char_boundary_at(&self, most: usize) -> usize;
}

impl FloorCharBoundary for str {
    /// The most bytes, up to `most`, that end between two characters.
    fn floor_char_boundary_at(&self, most: usize) -> usize {
        let mut end = most.min(self.len());
        while !self.is_char_boundary(end) {
            end -= 1;
        }
        end
    }
}

/// Finds the records in a carrier's bytes, wherever these are cut.
#[derive(Debug, Default)]
pub(super) struct Parser {
    /// A header, or a control record, that has come in part. Its room is kept, for the next one is not far.
    partial: Vec<u8>,
    /// How much of a DATA record is still to come.
    data: usize,
    /// How much of a PAD record is still to come.
    pad: usize,
}

impl Parser {
    /// The next record in `bytes`, from whose front it is taken. `None` once all of them are used up.
    pub(super) fn next(&mut self, bytes: &mut Bytes) -> Result<Option<Record>, Malformed> {
        loop {
            if bytes.is_empty() {
                return Ok(None);
            }
            if self.data > 0 {
                let part = bytes.split_to(self.data.min(bytes.len()));
                self.data -= part.len();
                return Ok(Some(Record::Data(part)));
            }
            if self.pad > 0 {
                let part = self.pad.min(bytes.len());
                bytes.advance(part);
                self.pad -= part;
                continue;
            }
            if !self.fill(bytes, HEADER) {
                return Ok(None);
            }
            let (kind, length) = self.announced();
            match (kind, length) {
                (DATA, _) => self.data = length,
                (PAD, 0..=MAX_PAD) => self.pad = length,
                (ATTACHED | ACK | PING | PONG | LAST | SKIP, 8) | (CLOSE, 1..=257) => {
                    if !self.fill(bytes, HEADER + length) {
                        return Ok(None);
                    }
                    let record = self.control();
                    self.partial.clear();
                    return record.map(Some);
                }
                (0..=SKIP, _) => return Err(Malformed::Length { kind, length }),
                _ => return Err(Malformed::Type(kind)),
            }
            self.partial.clear();
        }
    }

    /// Whether the bytes so far end between two records.
    pub(super) fn at_boundary(&self) -> bool {
        self.partial.is_empty() && self.data == 0 && self.pad == 0
    }

    /// Collects up to `length` bytes of a record; says whether they are all there.
    fn fill(&mut self, bytes: &mut Bytes, length: usize) -> bool {
        let part = length.saturating_sub(self.partial.len()).min(bytes.len());
        self.partial.extend_from_slice(&bytes[..part]);
        bytes.advance(part);
        self.partial.len() >= length
    }

    fn announced(&self) -> (u8, usize) {
        let mut header = [0; HEADER];
        header.copy_from_slice(&self.partial[..HEADER]);
        let [kind, rest @ ..] = header;
        let [high, middle, low] = rest;
        (kind, usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low))
    }

    fn control(&self) -> Result<Record, Malformed> {
        let (kind, mut body) = (self.partial[0], &self.partial[HEADER..]);
        if kind == CLOSE {
            let code = body.get_u8();
            let text = std::str::from_utf8(body).map_err(|_| Malformed::Text)?.to_owned();
            return Ok(Record::Close { code, text });
        }
        let number = body.get_u64();
        Ok(match kind {
            ATTACHED => Record::Attached(number),
            ACK => Record::Ack(number),
            PING => Record::Ping(number),
            PONG => Record::Pong(number),
            LAST => Record::Last(number),
            _ => Record::Skip(number),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_record() -> impl Strategy<Value = Record> {
        prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..2_000).prop_map(|bytes| Record::Data(bytes.into())),
            any::<u64>().prop_map(Record::Attached),
            any::<u64>().prop_map(Record::Ack),
            any::<u64>().prop_map(Record::Ping),
            any::<u64>().prop_map(Record::Pong),
            any::<u64>().prop_map(Record::Last),
            any::<u64>().prop_map(Record::Skip),
            (any::<u8>(), "[a-zäß]{0,120}").prop_map(|(code, text)| Record::Close { code, text }),
        ]
    }

    /// Pieces of DATA in one, and empty ones gone, so that only the order of bytes and records counts.
    fn joined(records: Vec<Record>) -> Vec<Record> {
        let mut out: Vec<Record> = Vec::new();
        for record in records {
            match (out.last_mut(), record) {
                (_, Record::Data(bytes)) if bytes.is_empty() => {}
                (Some(Record::Data(before)), Record::Data(bytes)) => *before = [&before[..], &bytes].concat().into(),
                (_, record) => out.push(record),
            }
        }
        out
    }

    proptest! {
        #[test]
        fn records_survive_however_they_are_cut(records in proptest::collection::vec(any_record(), 0..20), cuts in proptest::collection::vec(1_usize..700, 1..20)) {
            let mut wire = Vec::new();
            for record in &records {
                record.encode(&mut wire);
                encode_pad(3, &mut wire);
            }
            let (mut wire, mut parser, mut seen) = (Bytes::from(wire), Parser::default(), Vec::new());
            for cut in cuts.iter().cycle() {
                if wire.is_empty() {
                    break;
                }
                let mut part = wire.split_to((*cut).min(wire.len()));
                while let Some(record) = parser.next(&mut part).expect("what was encoded") {
                    seen.push(record);
                }
            }
            prop_assert!(parser.at_boundary());
            prop_assert_eq!(joined(seen), joined(records));
        }

        #[test]
        fn whatever_comes_is_read_or_refused(bytes: Vec<u8>) {
            let (mut bytes, mut parser) = (Bytes::from(bytes), Parser::default());
            while let Ok(Some(_)) = parser.next(&mut bytes) {}
            prop_assert!(parser.partial.capacity() <= 1_024, "little is kept: {}", parser.partial.capacity());
        }
    }

    #[track_caller]
    fn refused(bytes: &'static [u8], expected: Malformed) {
        assert_eq!(Parser::default().next(&mut Bytes::from_static(bytes)), Err(expected));
    }

    #[test]
    fn refusals() {
        refused(&[9, 0, 0, 0], Malformed::Type(9));
        refused(&[ACK, 0, 0, 7], Malformed::Length { kind: ACK, length: 7 });
        refused(&[CLOSE, 0, 0, 0], Malformed::Length { kind: CLOSE, length: 0 });
        refused(&[CLOSE, 0xff, 0, 0], Malformed::Length { kind: CLOSE, length: 0xff_0000 });
        refused(&[PAD, 0xff, 0, 0], Malformed::Length { kind: PAD, length: 0xff_0000 });
        refused(&[CLOSE, 0, 0, 2, 1, 0xff], Malformed::Text);
    }
}
