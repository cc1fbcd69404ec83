//! The header of a yamux frame, as far as the fences need it: where a frame ends, whose it is, what it says of its
//! stream's life. (yamux specification, "Framing")

/// A header's length in bytes.
pub(super) const HEADER_LEN: usize = 12;

const DATA: u8 = 0;
const WINDOW_UPDATE: u8 = 1;
const PING: u8 = 2;

const SYN: u16 = 1;
const ACK: u16 = 2;
const FIN: u16 = 4;
const RST: u16 = 8;

/// Pings of ours carry this bit, so that their answers are told from those to the crate's own pings, which count up
/// from 0 and are far from reaching it.
const OUR_PING: u32 = 0x8000_0000;

/// A frame's header: version, type, flags, stream, length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    kind: u8,
    flags: u16,
    /// The stream, 0 for the connection itself.
    pub(super) stream: u32,
    length: u32,
}

impl Header {
    pub(super) fn parse(bytes: &[u8; HEADER_LEN]) -> Self {
        let [_version, kind, f0, f1, s0, s1, s2, s3, l0, l1, l2, l3] = *bytes;
        Self {
            kind,
            flags: u16::from_be_bytes([f0, f1]),
            stream: u32::from_be_bytes([s0, s1, s2, s3]),
            length: u32::from_be_bytes([l0, l1, l2, l3]),
        }
    }

    pub(super) fn encode(self) -> [u8; HEADER_LEN] {
        let [f0, f1] = self.flags.to_be_bytes();
        let [s0, s1, s2, s3] = self.stream.to_be_bytes();
        let [l0, l1, l2, l3] = self.length.to_be_bytes();
        [0, self.kind, f0, f1, s0, s1, s2, s3, l0, l1, l2, l3]
    }

    /// A ping of ours, with a number that its answer repeats.
    pub(super) fn ping(number: u32) -> Self {
        Self { kind: PING, flags: SYN, stream: 0, length: OUR_PING | number }
    }

    /// The answer to a ping of the peer's.
    pub(super) fn pong(opaque: u32) -> Self {
        Self { kind: PING, flags: ACK, stream: 0, length: opaque }
    }

    /// Whether a ping's content is that of an end like ours.
    pub(super) fn is_ours(opaque: u32) -> bool {
        opaque & OUR_PING != 0
    }

    /// What has to be answered, where this is a ping of the peer's.
    pub(super) fn as_ping(self) -> Option<u32> {
        (self.kind == PING && self.flags & ACK == 0).then_some(self.length)
    }

    /// Ends both directions of a stream at once.
    pub(super) fn reset(stream: u32) -> Self {
        Self { kind: WINDOW_UPDATE, flags: RST, stream, length: 0 }
    }

    /// How many bytes follow the header.
    pub(super) fn body_len(self) -> usize {
        if self.kind == DATA { self.length as usize } else { 0 }
    }

    /// The number of the ping of ours that this answers.
    pub(super) fn as_our_pong(self) -> Option<u32> {
        let ours = self.kind == PING && self.flags & ACK != 0 && self.length & OUR_PING != 0;
        ours.then_some(self.length & !OUR_PING)
    }

    /// Whether the frame begins a stream.
    pub(super) fn begins(self) -> bool {
        self.speaks_of_stream() && self.flags & SYN != 0
    }

    /// Whether the sender ends its direction of the stream, in order, with this frame.
    pub(super) fn finishes(self) -> bool {
        self.speaks_of_stream() && self.flags & FIN != 0 && self.flags & RST == 0
    }

    fn speaks_of_stream(self) -> bool {
        matches!(self.kind, DATA | WINDOW_UPDATE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: [u8; HEADER_LEN], body: usize, pong: bool, begins: bool, finishes: bool) {
        let header = Header::parse(&bytes);
        let seen = (header.body_len(), header.as_our_pong().is_some(), header.begins(), header.finishes());
        assert_eq!(seen, (body, pong, begins, finishes));
        assert_eq!(header.encode(), bytes);
    }

    #[test]
    fn headers() {
        check([0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 1, 0], 256, false, false, false);
        check([0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 9], 9, false, true, false);
        check([0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 0], 0, false, false, true);
        check([0, 1, 0, 4, 0, 0, 0, 2, 0, 0, 1, 0], 0, false, false, true);
        check([0, 1, 0, 12, 0, 0, 0, 2, 0, 0, 1, 0], 0, false, false, false);
        check([0, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0, 7], 0, false, false, false);
        check([0, 2, 0, 2, 0, 0, 0, 0, 0x80, 0, 0, 7], 0, true, false, false);
        check([0, 2, 0, 1, 0, 0, 0, 0, 0x80, 0, 0, 7], 0, false, false, false);
        check([0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0, false, false, false);
    }

    #[test]
    fn what_we_send() {
        assert_eq!(Header::ping(1).encode(), [0, 2, 0, 1, 0, 0, 0, 0, 0x80, 0, 0, 1]);
        let ping = Header::parse(&[0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7]);
        assert_eq!((ping.as_ping(), Header::ping(3).as_our_pong()), (Some(7), None));
        assert_eq!(Header::pong(7).encode(), [0, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0, 7]);
        assert_eq!(Header::pong(Header::ping(3).length).as_our_pong(), Some(3));
        assert_eq!(Header::reset(6).encode(), [0, 1, 0, 8, 0, 0, 0, 6, 0, 0, 0, 0]);
    }
}
