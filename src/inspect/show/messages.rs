//! The messages of a WebSocket whose ends compress them. Each is compressed together with all before it in its direction, so
//! they are inflated one after the other, from the first on. (RFC 7692, section 7)

use flate2::{Decompress, FlushDecompress, Status};

use crate::inspect::{Said, Side};

/// What a sender leaves away at the end of each message. (RFC 7692, section 7.2.1)
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// The most that is inflated of all messages of an exchange.
const MAX_MESSAGES: usize = 4 * 1024 * 1024;

/// By how much the room grows for what comes out.
const PIECE: usize = 4 * 1024;

/// Inflates messages in their order, both directions among each other.
pub(in crate::inspect) struct Messages {
    visitor: Option<Decompress>,
    target: Option<Decompress>,
    left: usize,
}

impl Messages {
    pub(in crate::inspect) fn new() -> Self {
        let begin = || Some(Decompress::new(false));
        Self { visitor: begin(), target: begin(), left: MAX_MESSAGES }
    }

    /// What the next message holds, where it is compressed. None of it, nor of those behind it in its direction, where it was
    /// not kept whole, is none, or is more than there may be.
    pub(in crate::inspect) fn next(&mut self, said: &Said) -> Option<Vec<u8>> {
        if !said.deflated {
            return None;
        }
        let side = match said.by {
            Side::Visitor => &mut self.visitor,
            Side::Target => &mut self.target,
        };
        let mut stream = side.take().filter(|_| !said.body.is_cut())?;
        let held = inflated(&mut stream, &said.body.kept, self.left)?;
        self.left -= held.len();
        *side = Some(stream);
        Some(held)
    }
}

fn inflated(stream: &mut Decompress, message: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut held = Vec::new();
    for mut part in [message, &TAIL] {
        loop {
            held.reserve(PIECE);
            let before = (stream.total_in(), held.len());
            let status = stream.decompress_vec(part, &mut held, FlushDecompress::Sync).ok()?;
            let read = usize::try_from(stream.total_in() - before.0).ok()?;
            part = part.get(read..)?;
            let is_stuck = read == 0 && held.len() == before.1;
            // No message ends the whole: what follows could not be read.
            if held.len() > most || status == Status::StreamEnd || (is_stuck && !part.is_empty()) {
                return None;
            }
            if part.is_empty() && held.len() < held.capacity() {
                break;
            }
        }
    }
    Some(held)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use flate2::{Compress, Compression, FlushCompress};
    use proptest::prelude::*;

    use super::*;
    use crate::inspect::{Body, Kind};

    fn says(by: Side, kept: &[u8], deflated: bool) -> Said {
        let body = Body { kept: kept.to_vec(), size: kept.len() as u64 };
        Said { at: Duration::ZERO, by, kind: Kind::Text, body, deflated }
    }

    /// As a sender compresses it.
    fn deflated(stream: &mut Compress, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len() + 64);
        stream.compress_vec(text, &mut out, FlushCompress::Sync).unwrap();
        out.strip_suffix(&TAIL).expect("it is left away").to_vec()
    }

    /// The examples of RFC 7692, section 7.2.3: alone, after the same once more, and stored.
    #[test]
    fn documented_examples() {
        let mut messages = Messages::new();
        let hello = Some(b"Hello".to_vec());
        for bytes in [&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..], &[0xf2, 0x00, 0x11, 0x00, 0x00]] {
            assert_eq!(messages.next(&says(Side::Target, bytes, true)), hello);
        }
        let stored = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
        assert_eq!(messages.next(&says(Side::Target, &stored, true)), hello);
        assert_eq!(messages.next(&says(Side::Target, b"Hello", false)), None);
        // The other direction has a beginning of its own. A block of the type that there is not ends it.
        assert_eq!(messages.next(&says(Side::Visitor, &stored, true)), hello);
        assert_eq!(messages.next(&says(Side::Visitor, &[0x06], true)), None);
        assert_eq!(messages.next(&says(Side::Visitor, &stored, true)), None, "what came before is not known");
        assert_eq!(messages.next(&says(Side::Target, &stored, true)), hello);
    }

    #[test]
    fn no_more_is_inflated_than_there_may_be() {
        let (mut messages, mut stream) = (Messages::new(), Compress::new(Compression::best(), false));
        let zeros = vec![0; MAX_MESSAGES / 2];
        for expected in [true, true, false, false] {
            let message = says(Side::Target, &deflated(&mut stream, &zeros), true);
            assert_eq!(messages.next(&message).is_some_and(|held| held == zeros), expected);
        }
        // What was kept of one that was cut may be whole by itself.
        let mut cut = says(Side::Visitor, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], true);
        cut.body.size += 1;
        assert_eq!(Messages::new().next(&cut), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_was_compressed_comes_back(texts in prop::collection::vec("[a-c]{0,40}|\\PC{0,20}", 0..12)) {
            let (mut messages, mut stream) = (Messages::new(), Compress::new(Compression::default(), false));
            for text in texts {
                let message = says(Side::Visitor, &deflated(&mut stream, text.as_bytes()), true);
                prop_assert_eq!(messages.next(&message), Some(text.into_bytes()));
            }
        }

        #[test]
        fn no_bytes_are_trouble(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6)) {
            let mut messages = Messages::new();
            for piece in pieces {
                let _ = messages.next(&says(Side::Target, &piece, true));
            }
        }
    }
}
