//! HTTP/1.1 as far as framing needs it: where messages begin and end, step by step, as they come. Pure values that hold
//! nothing but their place, and the head that is not whole.

mod body;
mod chunks;
mod head;
mod partial;

pub(super) use body::{Body, Piece, take};
pub(super) use head::{Asked, Framing, Request, Response, Upgrade};
pub(super) use partial::Partial;

/// Why what comes is not understood.
pub(super) type Why = &'static str;
