//! The body of a message, taken out of its framing.

use super::chunks::Chunks;
use super::{Framing, Why};

/// A body that is under way.
#[derive(Debug)]
pub(crate) enum Body {
    /// So many bytes are left.
    Length(u64),
    Chunked(Chunks),
    UntilClose,
}

/// What a piece of a body's bytes is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Data(&'a [u8]),
    Trailers(&'a [u8]),
    /// Nothing but framing, or nothing more than that.
    Framing,
}

impl Body {
    pub(crate) fn new(framing: Framing) -> Self {
        match framing {
            Framing::Length(length) => Self::Length(length),
            Framing::Chunked => Self::Chunked(Chunks::default()),
            Framing::UntilClose => Self::UntilClose,
        }
    }

    /// Whether all of it has come, as far as bytes tell.
    pub(crate) fn is_over(&self) -> bool {
        match self {
            Self::Length(left) => *left == 0,
            Self::Chunked(chunks) => chunks.is_over(),
            Self::UntilClose => false,
        }
    }

    /// Takes the next piece off `bytes`, none of which are another message's.
    pub(crate) fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Piece<'a>, Why> {
        match self {
            Self::Length(left) => Ok(Piece::Data(take(bytes, left))),
            Self::Chunked(chunks) => chunks.next(bytes),
            Self::UntilClose => Ok(Piece::Data(std::mem::take(bytes))),
        }
    }
}

/// Takes so many bytes off, or all.
pub(crate) fn take<'a>(bytes: &mut &'a [u8], left: &mut u64) -> &'a [u8] {
    let part = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
    let (taken, rest) = bytes.split_at(part);
    (*bytes, *left) = (rest, *left - part as u64);
    taken
}
