//! The frames of yamux, version 0.

use std::io;

use bytes::{BufMut, Bytes, BytesMut};

pub(super) const HEADER: usize = 12;

/// What a stream may have on its way at first.
pub(super) const WINDOW: u32 = 256 * 1024;

pub(super) const SYN: u16 = 1;
pub(super) const ACK: u16 = 2;
pub(super) const FIN: u16 = 4;
pub(super) const RST: u16 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    WindowUpdate,
    Ping,
    GoAway,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) flags: u16,
    pub(super) stream: u32,
    pub(super) value: u32,
}

impl Header {
    pub(super) fn parse(bytes: [u8; HEADER]) -> io::Result<Self> {
        let number = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let kind = match bytes[..2] {
            [0, 0] => Kind::Data,
            [0, 1] => Kind::WindowUpdate,
            [0, 2] => Kind::Ping,
            [0, 3] => Kind::GoAway,
            _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "no frame of yamux")),
        };
        Ok(Self { kind, flags: u16::from_be_bytes([bytes[2], bytes[3]]), stream: number(4), value: number(8) })
    }

    pub(super) fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    /// The frame with `body`, which is empty but for data.
    pub(super) fn frame(self, body: &[u8]) -> Bytes {
        let mut frame = BytesMut::with_capacity(HEADER + body.len());
        frame.put_u8(0);
        frame.put_u8(self.kind as u8);
        frame.put_u16(self.flags);
        frame.put_u32(self.stream);
        frame.put_u32(self.value);
        frame.put_slice(body);
        frame.freeze()
    }
}
