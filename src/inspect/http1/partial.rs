//! A head that comes in pieces: it is parsed once, when it is whole.

use super::Why;

/// The most of a head that is looked at.
pub(crate) const MAX_HEAD: usize = 256 * 1024;

/// Bytes of a head whose end has not come.
#[derive(Debug, Default)]
pub(crate) struct Partial {
    bytes: Vec<u8>,
    line: Line,
}

/// What of the line at which a piece ends has come.
#[derive(Clone, Copy, Debug, Default)]
enum Line {
    #[default]
    Begun,
    Nothing,
    /// What is the end of the head if a line feed follows.
    Return,
}

impl Partial {
    /// What has come of it.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What it takes.
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// What has come of it, and the next head begins from nothing.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(self).bytes
    }

    /// Takes the rest of a head off `bytes`, or all of them, which belong to it then. What has come in one piece is never copied twice, and nothing is
    /// parsed twice but what is malformed: that shows once its end is there, wherever it was cut.
    pub(crate) fn whole<T>(
        &mut self,
        bytes: &mut &[u8],
        parse: impl Fn(&[u8]) -> Result<Option<(usize, T)>, Why>,
    ) -> Result<Option<(Vec<u8>, T)>, Why> {
        if self.bytes.is_empty()
            && let Ok(Some((length, head))) = parse(bytes)
            && length <= MAX_HEAD
        {
            let (whole, rest) = bytes.split_at(length);
            *bytes = rest;
            return Ok(Some((whole.to_vec(), head)));
        }
        let end = self.line.end(bytes);
        let part = end.unwrap_or(bytes.len()).min(MAX_HEAD - self.bytes.len());
        let fits = part == end.unwrap_or(bytes.len());
        self.bytes.extend_from_slice(&bytes[..part]);
        *bytes = &bytes[part..];
        match (fits, end) {
            (false, _) => Err("its head is longer than 256 KiB"),
            (true, None) => Ok(None),
            (true, Some(_)) => match parse(&self.bytes)? {
                Some((length, head)) if length == self.bytes.len() => Ok(Some((self.take(), head))),
                _ => Err("its head is malformed"),
            },
        }
    }
}

impl Line {
    /// Where the empty line that ends a head has passed. (RFC 9112, section 2.2, where a line feed alone is taken for an end)
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, byte) in bytes.iter().enumerate() {
            *self = match (byte, *self) {
                (b'\n', Self::Nothing | Self::Return) => return Some(at + 1),
                (b'\n', Self::Begun) => Self::Nothing,
                (b'\r', Self::Nothing) => Self::Return,
                _ => Self::Begun,
            };
        }
        None
    }
}
