//! Where one frame ends and the next begins, told from the bytes that pass. A pure value.

use super::frame::{HEADER_LEN, Header};

/// Follows one direction's bytes from frame to frame.
#[derive(Default)]
pub(super) struct Cursor {
    pub(super) header: [u8; HEADER_LEN],
    /// How much of the header has passed.
    have: usize,
    /// How much of the body is still to pass.
    pub(super) left: usize,
}

impl Cursor {
    pub(super) fn at_boundary(&self) -> bool {
        self.have == 0 && self.left == 0
    }

    /// Takes note of bytes that pass. Returns the header of the frame that they complete, if any. At most one frame
    /// may be completed by a call.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Option<Header> {
        let mut rest = bytes;
        if self.have < HEADER_LEN {
            let part = rest.len().min(HEADER_LEN - self.have);
            self.header[self.have..self.have + part].copy_from_slice(&rest[..part]);
            self.have += part;
            rest = &rest[part..];
            if self.have < HEADER_LEN {
                return None;
            }
            self.left = Header::parse(&self.header).body_len();
        }
        self.left -= rest.len();
        if self.left > 0 {
            return None;
        }
        self.have = 0;
        Some(Header::parse(&self.header))
    }

    /// The most that may pass in one call, so that no call goes beyond a frame.
    pub(super) fn limit(&self) -> usize {
        if self.have < HEADER_LEN { HEADER_LEN - self.have } else { self.left }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However the bytes are cut, the same frames come out.
        #[test]
        fn frames_are_found_wherever_they_are_cut(bodies in proptest::collection::vec(0_usize..40, 1..20), step in 1_usize..50) {
            let mut bytes = Vec::new();
            for body in &bodies {
                bytes.extend([0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, u8::try_from(*body).expect("below 40")]);
                bytes.extend(std::iter::repeat_n(0xff, *body));
            }
            let mut cursor = Cursor::default();
            let mut seen = Vec::new();
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let part = step.min(cursor.limit()).min(rest.len());
                seen.extend(cursor.advance(&rest[..part]).map(Header::body_len));
                rest = &rest[part..];
            }
            prop_assert_eq!(seen, bodies);
            prop_assert!(cursor.at_boundary());
        }
    }
}
