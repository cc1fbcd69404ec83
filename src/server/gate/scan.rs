//! Where the messages on a visitor's connection begin and end, as a pure value: what may pass of the bytes that have
//! come, and what is refused. A head passes whole or not at all.

use super::head::{self, Body};
use crate::proxy::{Chunks, Fault, Padding};

/// How many empty lines there may be before a head. Old senders put one behind a body; each passes by itself, and would
/// have whoever reads on look at all of them again. (RFC 9112, section 2.2)
const MAX_EMPTY_LINES: usize = 2;

/// Reads one connection's bytes, of which it is always given all that have not passed.
#[derive(Debug)]
pub(super) struct Scan {
    place: Place,
    /// How much of what is held was looked at.
    searched: usize,
    /// Empty lines since the last message.
    empty_lines: usize,
    max_head: usize,
}

/// Where in the connection the next byte belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In a head, or before one.
    Head,
    /// In a body of which so much is left.
    Body { left: u64, upgrade: bool },
    /// In a chunked body.
    Chunks { chunks: Chunks, upgrade: bool },
    /// In a trailer section.
    Trailers { upgrade: bool },
    /// Behind a message that asked for another protocol.
    Undecided,
    /// In what is no HTTP/1.1.
    Open,
}

impl Scan {
    pub(super) fn new(max_head: usize) -> Self {
        Self { place: Place::Head, searched: 0, empty_lines: 0, max_head }
    }

    /// How many of `bytes` may pass. None may where more have to come, or a decision; what is refused begins with the
    /// first of them.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        match self.place {
            Place::Open => Ok(bytes.len()),
            Place::Undecided => Ok(0),
            Place::Head => self.head(bytes),
            Place::Body { left, upgrade } => {
                let count = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                self.place = body(left - count as u64, upgrade);
                Ok(count)
            }
            Place::Chunks { mut chunks, upgrade } => {
                let count = chunks.read(bytes).map_err(|_| Fault::BadRequest)?;
                let over = chunks.is_over();
                self.place = if over { Place::Trailers { upgrade } } else { Place::Chunks { chunks, upgrade } };
                Ok(count)
            }
            Place::Trailers { upgrade } => self.trailers(bytes, upgrade),
        }
    }

    /// Whether `bytes` are a head of which more has to come.
    pub(super) fn has_part(&mut self, bytes: &[u8]) -> bool {
        self.place == Place::Head
            && bytes.len() < self.max_head
            && matches!(head::block(bytes, &mut self.searched), Ok(None))
    }

    /// Whether no message is being read: the next byte would begin one, or something else.
    pub(super) fn is_between(&self) -> bool {
        matches!(self.place, Place::Head | Place::Undecided)
    }

    /// Whether a message's head has passed, and not all of it.
    pub(super) fn is_within(&self) -> bool {
        matches!(self.place, Place::Body { .. } | Place::Chunks { .. } | Place::Trailers { .. })
    }

    /// Whether nothing can pass before it is known what the protocol is.
    pub(super) fn is_undecided(&self) -> bool {
        self.place == Place::Undecided
    }

    /// The protocol stays what it is.
    pub(super) fn go_on(&mut self) {
        self.place = Place::Head;
    }

    /// The protocol is another from here on.
    pub(super) fn open(&mut self) {
        self.place = Place::Open;
    }

    pub(super) fn is_open(&self) -> bool {
        self.place == Place::Open
    }

    fn head(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        if self.searched == 0 && bytes.starts_with(b"\r\n") {
            self.empty_lines += 1;
            return if self.empty_lines > MAX_EMPTY_LINES { Err(Fault::BadRequest) } else { Ok(2) };
        }
        let Some(end) = head::block(bytes, &mut self.searched)? else {
            return if bytes.len() < self.max_head { Ok(0) } else { Err(too_large(bytes)) };
        };
        if end > self.max_head {
            return Err(too_large(bytes));
        }
        let head = head::read(&bytes[..end])?;
        (self.searched, self.empty_lines) = (0, 0);
        self.place = match head.body {
            Body::Length(left) => body(left, head.upgrade),
            Body::Chunked => Place::Chunks { chunks: Chunks::new(Padding::Refused), upgrade: head.upgrade },
        };
        Ok(end)
    }

    fn trailers(&mut self, bytes: &[u8], upgrade: bool) -> Result<usize, Fault> {
        let Some(end) = head::block(bytes, &mut self.searched)? else {
            return if bytes.len() < self.max_head { Ok(0) } else { Err(Fault::HeadTooLarge) };
        };
        head::trailers(&bytes[..end])?;
        self.searched = 0;
        self.place = behind(upgrade);
        Ok(end)
    }
}

fn body(left: u64, upgrade: bool) -> Place {
    if left == 0 { behind(upgrade) } else { Place::Body { left, upgrade } }
}

fn behind(upgrade: bool) -> Place {
    if upgrade { Place::Undecided } else { Place::Head }
}

/// Which part of a head is too large. (RFC 9110, section 15.5.15, and RFC 6585, section 5)
fn too_large(head: &[u8]) -> Fault {
    if head.contains(&b'\n') { Fault::HeadTooLarge } else { Fault::UriTooLong }
}
