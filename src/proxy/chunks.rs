//! The framing of a chunked body, up to its trailer section. Knows bytes alone.

/// The most digits of a chunk's size: with more it is no number that anybody means. Some servers fill up all 16 that there can
/// be with zeros.
const MAX_DIGITS: u8 = 15;
const MAX_PADDED_DIGITS: u8 = 16;

/// The most bytes of one chunk's extensions, which nobody uses, and of those of a whole body.
const MAX_EXTENSION: usize = 1024;
const MAX_EXTENSIONS: usize = 16 * 1024;

/// Where in a chunked body its reader is. (RFC 9112, section 7.1)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunks {
    place: Place,
    padding: Padding,
    /// How many bytes of extensions there have been.
    extensions: usize,
}

/// How a chunk's size may be filled up, which the grammar knows nothing of but some servers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Padding {
    /// By nothing that two readers could take for different things.
    Refused,
    /// By zeros before it and by spaces behind it.
    Taken,
}

/// Bytes that are no such framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Where in a chunked body the next byte belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Among the digits of a size, of which so many have been.
    Size { size: u64, digits: u8 },
    /// Among the spaces behind a size, of which so many have been.
    Padding { size: u64, seen: usize },
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

/// Of some bytes, how many are of the frame, and how many behind these are a chunk's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) frame: usize,
    pub(crate) data: usize,
}

impl Chunks {
    pub(crate) fn new(padding: Padding) -> Self {
        Self { place: Place::Size { size: 0, digits: 0 }, padding, extensions: 0 }
    }

    /// Whether the last chunk has been.
    pub(crate) fn is_over(&self) -> bool {
        self.place == Place::Over
    }

    /// Reads on, as far as the last chunk; returns how much that was. Where something is wrong, what is before it
    /// counts first.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let mut at = 0;
        while at < bytes.len() && !self.is_over() {
            match self.find(&bytes[at..]) {
                Ok(Found { frame, data }) => at += frame + data,
                Err(_) if at > 0 => break,
                Err(malformed) => return Err(malformed),
            }
        }
        Ok(at)
    }

    /// Reads on, to the end of a chunk's bytes or as far as the last chunk. Where something is wrong, what is before it
    /// counts first.
    pub(crate) fn find(&mut self, bytes: &[u8]) -> Result<Found, Malformed> {
        let mut frame = 0;
        while let Some(byte) = bytes.get(frame) {
            match self.place {
                Place::Over => break,
                Place::Data { left } => {
                    let data = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len() - frame);
                    self.place = match left - data as u64 {
                        0 => Place::DataReturn,
                        left => Place::Data { left },
                    };
                    return Ok(Found { frame, data });
                }
                place => match place.after(*byte, self.padding).filter(|_| self.extensions < MAX_EXTENSIONS) {
                    Some(next) => self.place = next,
                    None if frame > 0 => break,
                    None => return Err(Malformed),
                },
            }
            self.extensions += usize::from(matches!(self.place, Place::Extension { .. }));
            frame += 1;
        }
        Ok(Found { frame, data: 0 })
    }
}

impl Place {
    /// What one byte of the frame leads to.
    fn after(self, byte: u8, padding: Padding) -> Option<Self> {
        let max_digits = if padding == Padding::Taken { MAX_PADDED_DIGITS } else { MAX_DIGITS };
        match (self, byte) {
            (Self::Size { size, digits }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') if digits < max_digits => {
                let digit = char::from(byte).to_digit(16)?;
                Some(Self::Size { size: size * 16 + u64::from(digit), digits: digits + 1 })
            }
            (Self::Size { size, digits: 1.. } | Self::Padding { size, .. } | Self::Extension { size, .. }, b'\r') => {
                Some(Self::SizeEnd { size })
            }
            (Self::Size { size, digits: 1.. } | Self::Padding { size, .. }, b';') => {
                Some(Self::Extension { size, seen: 0 })
            }
            (Self::Size { size, digits: 1.. }, b' ' | b'\t') if padding == Padding::Taken => {
                Some(Self::Padding { size, seen: 1 })
            }
            (Self::Padding { size, seen }, b' ' | b'\t') if seen < MAX_EXTENSION => {
                Some(Self::Padding { size, seen: seen + 1 })
            }
            (Self::Extension { size, seen }, b'\t' | b' '..=b'~' | 0x80..) if seen < MAX_EXTENSION => {
                Some(Self::Extension { size, seen: seen + 1 })
            }
            (Self::SizeEnd { size: 0 }, b'\n') => Some(Self::Over),
            (Self::SizeEnd { size }, b'\n') => Some(Self::Data { left: size }),
            (Self::DataReturn, b'\r') => Some(Self::DataEnd),
            (Self::DataEnd, b'\n') => Some(Self::Size { size: 0, digits: 0 }),
            _ => None,
        }
    }
}
