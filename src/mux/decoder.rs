//! Finds the frames in the bytes that come, wherever these are cut. A pure value.

use bytes::{Buf as _, Bytes};

use super::frame::{HEADER_LEN, Header, Malformed};

/// A part of a frame: all of it, as a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) header: Header,
    /// None of the frame came before.
    pub(super) is_first: bool,
    /// Nothing of it is still to come.
    pub(super) is_last: bool,
    pub(super) body: Bytes,
}

#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// A header that has come in part.
    partial: [u8; HEADER_LEN],
    have: usize,
    /// The frame whose body is awaited, and how much of that.
    frame: Option<(Header, usize)>,
}

impl Decoder {
    /// The next part in `bytes`, from whose front it is taken; `None` once all of them are used up.
    pub(super) fn next(&mut self, bytes: &mut Bytes) -> Result<Option<Part>, Malformed> {
        let (header, left, is_first) = match self.frame {
            Some((header, left)) => (header, left, false),
            None => match self.header(bytes)? {
                Some(header) => (header, header.body_len(), true),
                None => return Ok(None),
            },
        };
        if left > 0 && bytes.is_empty() && !is_first {
            return Ok(None);
        }
        let body = bytes.split_to(left.min(bytes.len()));
        let left = left - body.len();
        self.frame = (left > 0).then_some((header, left));
        Ok(Some(Part { header, is_first, is_last: left == 0, body }))
    }

    fn header(&mut self, bytes: &mut Bytes) -> Result<Option<Header>, Malformed> {
        let part = bytes.len().min(HEADER_LEN - self.have);
        self.partial[self.have..self.have + part].copy_from_slice(&bytes[..part]);
        bytes.advance(part);
        self.have += part;
        if self.have < HEADER_LEN {
            return Ok(None);
        }
        self.have = 0;
        Header::parse(self.partial).map(Some)
    }

    /// Whether the next byte would be the first of a frame.
    pub(super) fn at_boundary(&self) -> bool {
        self.have == 0 && self.frame.is_none()
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::frame::{Kind, flag};
    use super::*;

    proptest! {
        /// However the bytes are cut, the same frames come out.
        #[test]
        fn frames_are_found_wherever_they_are_cut(bodies in vec(0_u32..40, 1..20), step in 1_usize..50) {
            let mut bytes = Vec::new();
            for body in &bodies {
                let header = Header { kind: Kind::Data, flags: flag::ACK, stream: 2, length: *body };
                bytes.extend(header.encode());
                bytes.extend((0..*body).map(|byte| byte.to_le_bytes()[0]));
            }
            let (mut decoder, mut seen) = (Decoder::default(), Vec::new());
            for piece in bytes.chunks(step) {
                let mut piece = Bytes::copy_from_slice(piece);
                while let Some(part) = decoder.next(&mut piece).unwrap() {
                    if part.is_first {
                        seen.push((part.header.length, Vec::new(), false));
                    }
                    let (_, body, is_over) = seen.last_mut().expect("a frame has a first part");
                    prop_assert!(!*is_over);
                    body.extend_from_slice(&part.body);
                    *is_over = part.is_last;
                }
                prop_assert!(piece.is_empty());
            }
            let whole = |length: &u32| (*length, (0..*length).map(|byte| byte.to_le_bytes()[0]).collect(), true);
            prop_assert_eq!(seen, bodies.iter().map(whole).collect::<Vec<_>>());
            prop_assert!(decoder.at_boundary());
        }
    }

    #[test]
    fn a_frame_that_is_cut_is_not_over() {
        let header = Header { kind: Kind::Data, flags: 0, stream: 2, length: 3 };
        let frame = [&header.encode()[..], b"abc"].concat();
        for cut in 0..frame.len() {
            let (mut decoder, mut bytes) = (Decoder::default(), Bytes::copy_from_slice(&frame[..cut]));
            while let Some(part) = decoder.next(&mut bytes).unwrap() {
                assert!(!part.is_last);
            }
            assert_eq!(decoder.at_boundary(), cut == 0);
        }
    }
}
