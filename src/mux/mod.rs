//! Many byte streams over one: yamux, the same on both wires. Knows neither HTTP nor tokens, and takes any byte
//! stream below it.
//!
//! The `yamux` crate does the work; this module fences what it leaves open. A stream is acknowledged as soon as it is
//! accepted; the connection is kept alive and found dead when it is; an end is told from a cut; and a stream that is
//! given up after its half-close is reset, so that the peer does not send into the void.

mod driver;
mod frame;
mod registry;
mod stream;
mod tap;

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

pub use driver::{Driver, Ending, Opener};
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
    /// Every 3 s, as Go peers do; dead after 15 s.
    fn default() -> Self {
        Self { every: Duration::from_secs(3), patience: Duration::from_secs(15) }
    }
}

/// The end that opens streams: the tunnel's server. At most `limit` of its streams live at a time. Without `keep_alive`
/// what is below has to find out itself that the peer is gone.
pub fn opening<T: AsyncRead + AsyncWrite + Send + Unpin>(
    io: T,
    keep_alive: Option<KeepAlive>,
    limit: usize,
) -> (Opener, Driver<T>) {
    Driver::opening(io, keep_alive, limit)
}

/// The end that accepts streams: the tunnel's client.
pub fn accepting<T: AsyncRead + AsyncWrite + Send + Unpin>(io: T, keep_alive: Option<KeepAlive>) -> Driver<T> {
    Driver::accepting(io, keep_alive)
}

#[cfg(test)]
mod tests;
