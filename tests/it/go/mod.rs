//! A model of the Go implementation in both roles, so that what it is known to do is met in every run of the tests
//! without a Go toolchain. It shares no code with the product: what it sends and what it takes is written down here
//! once more.
//!
//! A Go end differs from ours in what a peer has to live with: it reads the answer to `open` for one line only, waits
//! for the head of `read` before it starts `write`, appends new carriers only between two reads, has no deadlines, and
//! loses its session where a body's last data and its end reach it in one piece.

mod chunked;
pub(crate) mod client;
mod frame;
mod http;
mod pipe;
mod proxy;
pub(crate) mod server;
mod session;
mod stream;
pub(crate) mod token;
mod trap;
mod yamux;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// The times that a Go end keeps, and how it can be made to hang.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// How often it pings.
    pub(crate) ping_every: Duration,
    /// How long a ping may take to be answered before it ends the session.
    pub(crate) ping_deadline: Duration,
    /// How long a stream that it opened may take to be acknowledged before it ends the session.
    pub(crate) open_deadline: Duration,
    /// Once cancelled, the end does nothing more, as a stopped process does: its connections stay as they are.
    pub(crate) frozen: CancellationToken,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ping_every: Duration::from_secs(3),
            ping_deadline: Duration::from_secs(10),
            open_deadline: Duration::from_secs(75),
            frozen: CancellationToken::new(),
        }
    }
}
