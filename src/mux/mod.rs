//! Many byte streams over one: yamux, the same on both wires. Knows neither HTTP nor tokens, and takes any byte
//! stream below it.
//!
//! A stream is acknowledged as soon as it is accepted; the connection is kept alive and found dead when it is; an end is
//! told from a cut; and a stream that is given up is reset, so that the peer does not send into the void.

mod credit;
mod decoder;
mod driver;
mod fence;
mod flow;
mod frame;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod outgoing;
mod pace;
mod partial;
mod pulse;
mod shared;
mod stream;
mod streams;

use std::time::Duration;

use crate::pieces::Pieces;

pub use driver::{Driver, Ending, Opener};
pub use fence::{Fence, Raised};
pub use stream::Stream;

/// How a multiplexer keeps its connection alive.
#[derive(Clone, Copy, Debug)]
pub struct KeepAlive {
    /// How often the peer is asked for a sign of life.
    pub every: Duration,
    /// How long nothing may arrive, or nothing may be taken, before the connection counts as dead. Rounded up to a
    /// multiple of `every`.
    pub patience: Duration,
}

impl Default for KeepAlive {
    /// Every 3 s, as Go peers do; dead after 12 s, so within 15 s of the last sign of life.
    fn default() -> Self {
        Self { every: Duration::from_secs(3), patience: Duration::from_secs(12) }
    }
}

/// What a connection does beside its streams.
#[derive(Clone, Debug, Default)]
pub struct Upkeep {
    /// How it is kept alive. Without, what is below has to find out itself that the peer is gone.
    pub keep_alive: Option<KeepAlive>,
    /// What raises fences in the bytes that it sends.
    pub fence: Fence,
}

impl Upkeep {
    /// For what is below a connection that knows nothing of its peer.
    #[must_use]
    pub fn alive() -> Self {
        Self { keep_alive: Some(KeepAlive::default()), fence: Fence::default() }
    }
}

/// The end that opens streams: the tunnel's server. At most `limit` of its streams live at a time.
pub fn opening<T: Pieces + Send + Unpin>(io: T, upkeep: Upkeep, limit: usize) -> (Opener, Driver<T>) {
    Driver::opening(io, upkeep, limit)
}

/// The end that accepts streams: the tunnel's client.
pub fn accepting<T: Pieces + Send + Unpin>(io: T, upkeep: Upkeep) -> Driver<T> {
    Driver::accepting(io, upkeep)
}

#[cfg(test)]
mod tests;
