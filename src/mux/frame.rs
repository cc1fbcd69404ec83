//! The header of a frame. (yamux specification, "Framing")

/// A header's length in bytes.
pub(super) const HEADER_LEN: usize = 12;

/// What a frame says beside what it brings.
pub(super) mod flag {
    /// It is the first of its stream; of a ping, that it is to be answered.
    pub(in crate::mux) const SYN: u16 = 1;
    /// The stream is taken; of a ping, that it is the answer.
    pub(in crate::mux) const ACK: u16 = 2;
    /// The sender's direction ends here, in order.
    pub(in crate::mux) const FIN: u16 = 4;
    /// The stream is cut.
    pub(in crate::mux) const RST: u16 = 8;
}

/// Pings by which an end like ours shows that it is alive carry this bit, so that it is known for one; those that measure a
/// round trip do not, and count up from 0.
const LIFE: u32 = 0x8000_0000;

/// What kind of frame it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The header's length is that of the bytes which follow.
    Data,
    /// That many more bytes may be sent on the stream.
    Window,
    /// The length is what an answer repeats.
    Ping,
    /// The connection ends; the length says why.
    GoAway,
}

/// A frame's header: version, type, flags, stream, length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) flags: u16,
    /// The stream, 0 for the connection itself.
    pub(super) stream: u32,
    pub(super) length: u32,
}

/// Bytes that are no header of this protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("a frame of the unknown version {0}")]
    Version(u8),
    #[error("a frame of the unknown type {0}")]
    Kind(u8),
}

impl Header {
    pub(super) fn parse(bytes: [u8; HEADER_LEN]) -> Result<Self, Malformed> {
        let [version, kind, f0, f1, s0, s1, s2, s3, l0, l1, l2, l3] = bytes;
        if version != 0 {
            return Err(Malformed::Version(version));
        }
        let kind = match kind {
            0 => Kind::Data,
            1 => Kind::Window,
            2 => Kind::Ping,
            3 => Kind::GoAway,
            unknown => return Err(Malformed::Kind(unknown)),
        };
        Ok(Self {
            kind,
            flags: u16::from_be_bytes([f0, f1]),
            stream: u32::from_be_bytes([s0, s1, s2, s3]),
            length: u32::from_be_bytes([l0, l1, l2, l3]),
        })
    }

    pub(super) fn encode(self) -> [u8; HEADER_LEN] {
        let [f0, f1] = self.flags.to_be_bytes();
        let [s0, s1, s2, s3] = self.stream.to_be_bytes();
        let [l0, l1, l2, l3] = self.length.to_be_bytes();
        [0, self.kind as u8, f0, f1, s0, s1, s2, s3, l0, l1, l2, l3]
    }

    /// A sign of life that asks for one, with a number that its answer repeats.
    pub(super) fn ping(number: u32) -> Self {
        Self::trip(LIFE | number)
    }

    /// A ping that measures a round trip.
    pub(super) fn trip(number: u32) -> Self {
        Self { kind: Kind::Ping, flags: flag::SYN, stream: 0, length: number }
    }

    /// The answer to a ping of the peer's.
    pub(super) fn pong(opaque: u32) -> Self {
        Self { kind: Kind::Ping, flags: flag::ACK, stream: 0, length: opaque }
    }

    /// The connection ends, in order.
    pub(super) fn go_away() -> Self {
        Self { kind: Kind::GoAway, flags: 0, stream: 0, length: 0 }
    }

    /// Whether what a ping, or its answer, repeats is a sign of life's; and its number.
    pub(super) fn life(opaque: u32) -> Option<u32> {
        (opaque & LIFE != 0).then_some(opaque & !LIFE)
    }

    pub(super) fn says(self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    /// How many bytes follow the header.
    pub(super) fn body_len(self) -> usize {
        if self.kind == Kind::Data { self.length as usize } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: [u8; HEADER_LEN], expected: Header) {
        assert_eq!(Header::parse(bytes), Ok(expected));
        assert_eq!(expected.encode(), bytes);
    }

    #[test]
    fn headers() {
        let data = |flags, length| Header { kind: Kind::Data, flags, stream: 2, length };
        check([0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 1, 0], data(0, 256));
        check([0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 9], data(flag::SYN, 9));
        check([0, 0, 0, 6, 0, 0, 0, 2, 0, 0, 0, 0], data(flag::FIN | flag::ACK, 0));
        let window = Header { kind: Kind::Window, flags: flag::RST, stream: 0x0102_0304, length: 0x0506_0708 };
        check([0, 1, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8], window);
        check([0, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0, 7], Header::pong(7));
        check([0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7], Header::trip(7));
        check([0, 2, 0, 1, 0, 0, 0, 0, 0x80, 0, 0, 1], Header::ping(1));
        check([0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], Header::go_away());
        assert_eq!((Header::life(Header::ping(3).length), Header::life(3)), (Some(3), None));
        assert_eq!((data(0, 9).body_len(), window.body_len()), (9, 0));
    }

    #[test]
    fn what_is_no_header() {
        assert_eq!(Header::parse([1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]), Err(Malformed::Version(1)));
        assert_eq!(Header::parse([0, 4, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]), Err(Malformed::Kind(4)));
    }
}
