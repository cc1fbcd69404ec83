//! A body of chunks. (RFC 9112, section 7.1)

use super::Why;
use super::body::{Piece, take};

/// How many digits the size of a chunk may have: as many as 64 bits have.
const MAX_DIGITS: u8 = 16;

/// Where in such a body its next byte stands.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Chunks {
    Size {
        digits: u8,
        size: u64,
    },
    Extension {
        size: u64,
    },
    Data {
        left: u64,
    },
    /// Behind a chunk's bytes.
    Behind,
    /// At the beginning of a line of trailers.
    Line,
    Trailer,
    /// In the empty line that ends all.
    LastLine,
    Over,
}

impl Default for Chunks {
    fn default() -> Self {
        Self::Size { digits: 0, size: 0 }
    }
}

impl Chunks {
    pub(crate) fn is_over(&self) -> bool {
        matches!(self, Self::Over)
    }

    /// Takes the next piece off `bytes`.
    pub(crate) fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Piece<'a>, Why> {
        match self {
            Self::Data { left } => {
                let data = take(bytes, left);
                if *left == 0 {
                    *self = Self::Behind;
                }
                return Ok(Piece::Data(data));
            }
            Self::Extension { size } => {
                let (_, ended) = line(bytes);
                if ended {
                    *self = if *size == 0 { Self::Line } else { Self::Data { left: *size } };
                }
                return Ok(Piece::Framing);
            }
            Self::Trailer => {
                let (trailer, ended) = line(bytes);
                if ended {
                    *self = Self::Line;
                }
                return Ok(Piece::Trailers(trailer));
            }
            _ => {}
        }
        self.step(bytes)
    }

    /// The same where a byte decides.
    fn step<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Piece<'a>, Why> {
        let Some((byte, rest)) = bytes.split_first() else { return Ok(Piece::Framing) };
        *self = match (*self, byte) {
            (Self::Size { digits, size }, byte) if byte.is_ascii_hexdigit() && digits < MAX_DIGITS => {
                let digit = char::from(*byte).to_digit(16).unwrap_or_default();
                Self::Size { digits: digits + 1, size: size << 4 | u64::from(digit) }
            }
            (Self::Size { digits: 1.., size }, b'\r' | b'\n' | b';' | b' ' | b'\t') => {
                // A line feed may be the next byte itself.
                *self = Self::Extension { size };
                return Ok(Piece::Framing);
            }
            (Self::Size { .. }, _) => return Err("the size of a chunk is none"),
            (Self::Behind, b'\r') => Self::Behind,
            (Self::Behind, b'\n') => Self::default(),
            (Self::Behind, _) => return Err("a chunk is longer than its size says"),
            (Self::Line, b'\r') => Self::LastLine,
            (Self::Line | Self::LastLine, b'\n') => Self::Over,
            (Self::Line, _) => {
                *self = Self::Trailer;
                return Ok(Piece::Framing);
            }
            _ => return Err("a line of its trailers ends oddly"),
        };
        *bytes = rest;
        Ok(Piece::Framing)
    }
}

/// Takes what is left of a line off, its end included, and says whether that was there.
fn line<'a>(bytes: &mut &'a [u8]) -> (&'a [u8], bool) {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let (line, rest) = bytes.split_at(end.map_or(bytes.len(), |at| at + 1));
    *bytes = rest;
    (line, end.is_some())
}
