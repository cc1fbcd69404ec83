//! The strict reading of a chunked body, up to its trailer section. Knows bytes alone.

use crate::proxy::Fault;

/// The most digits of a chunk's size: with more it is no number that anybody means.
const MAX_DIGITS: u8 = 15;

/// The most bytes of one chunk's extensions, which nobody uses.
const MAX_EXTENSION: usize = 1024;

/// Where in a chunked body the next byte belongs. (RFC 9112, section 7.1)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunks {
    /// Among the digits of a size, of which so many have been.
    Size { size: u64, digits: u8 },
    /// In what follows a size, of which so many bytes have been.
    Extension { size: u64, seen: usize },
    /// At the line feed after a size.
    SizeEnd { size: u64 },
    /// In a chunk of which so much is left.
    Data { left: u64 },
    /// At the carriage return after a chunk.
    DataReturn,
    /// At the line feed after it.
    DataEnd,
    /// Behind the last chunk.
    Over,
}

impl Chunks {
    pub(super) fn new() -> Self {
        Self::Size { size: 0, digits: 0 }
    }

    /// Reads on, as far as the last chunk; returns how much that was. Where something is wrong, what is before it
    /// counts first.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let mut at = 0;
        while at < bytes.len() && *self != Self::Over {
            if let Self::Data { left } = *self {
                let count = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len() - at);
                at += count;
                *self = match left - count as u64 {
                    0 => Self::DataReturn,
                    left => Self::Data { left },
                };
                continue;
            }
            match self.after(bytes[at]) {
                Some(next) => *self = next,
                None if at > 0 => return Ok(at),
                None => return Err(Fault::BadRequest),
            }
            at += 1;
        }
        Ok(at)
    }

    /// What one byte of the frame leads to.
    fn after(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (Self::Size { size, digits }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') if digits < MAX_DIGITS => {
                let digit = char::from(byte).to_digit(16)?;
                Some(Self::Size { size: size * 16 + u64::from(digit), digits: digits + 1 })
            }
            (Self::Size { size, digits: 1.. } | Self::Extension { size, .. }, b'\r') => Some(Self::SizeEnd { size }),
            (Self::Size { size, digits: 1.. }, b';') => Some(Self::Extension { size, seen: 0 }),
            (Self::Extension { size, seen }, b'\t' | b' '..=b'~' | 0x80..) if seen < MAX_EXTENSION => {
                Some(Self::Extension { size, seen: seen + 1 })
            }
            (Self::SizeEnd { size: 0 }, b'\n') => Some(Self::Over),
            (Self::SizeEnd { size }, b'\n') => Some(Self::Data { left: size }),
            (Self::DataReturn, b'\r') => Some(Self::DataEnd),
            (Self::DataEnd, b'\n') => Some(Self::new()),
            _ => None,
        }
    }
}
