//! Where a server is reached: a socket that is listened on, and what is spoken there.

use tokio::net::TcpListener;

use super::Tls;

/// A socket that is listened on, and what is spoken there: HTTP/1.1 or HTTP/2, whichever comes.
pub struct Listener {
    pub(super) socket: TcpListener,
    pub(super) speaks: Speaks,
    /// Somebody else holds the socket as well, and gives it to the next server.
    pub(super) is_kept: bool,
}

/// What is spoken at a [`Listener`].
pub(super) enum Speaks {
    /// HTTP without TLS.
    Http,
    /// HTTP on TLS.
    Https(Tls),
    /// HTTP without TLS, for being sent to `https` at this port.
    Redirects(u16),
}

impl Listener {
    /// Serves clients and visitors without TLS.
    #[must_use]
    pub fn http(socket: TcpListener) -> Self {
        Self { socket, speaks: Speaks::Http, is_kept: false }
    }

    /// Serves clients and visitors on TLS.
    #[must_use]
    pub fn https(socket: TcpListener, tls: Tls) -> Self {
        Self { socket, speaks: Speaks::Https(tls), is_kept: false }
    }

    /// Sends visitors to the same address under `https`, at `port` where no other is known to be right, and takes no
    /// client: its token would have crossed the network for all to read.
    #[must_use]
    pub fn redirects(socket: TcpListener, port: u16) -> Self {
        Self { socket, speaks: Speaks::Redirects(port), is_kept: false }
    }

    /// The same, where the socket outlives the server: who comes while it stops is not refused, but waits there for the one
    /// that takes its place.
    #[must_use]
    pub fn kept(self) -> Self {
        Self { is_kept: true, ..self }
    }
}
