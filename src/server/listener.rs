//! Where a server is reached: a socket that is listened on, and what is spoken there.

use tokio::net::TcpListener;

use super::Tls;

/// A socket that is listened on, and what is spoken there: HTTP/1.1 or HTTP/2, whichever comes.
pub struct Listener {
    pub(super) socket: TcpListener,
    pub(super) speaks: Speaks,
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
        Self { socket, speaks: Speaks::Http }
    }

    /// Serves clients and visitors on TLS.
    #[must_use]
    pub fn https(socket: TcpListener, tls: Tls) -> Self {
        Self { socket, speaks: Speaks::Https(tls) }
    }

    /// Sends visitors to the same address under `https`, at `port` where no other is known to be right, and takes no
    /// client: its token would have crossed the network for all to read.
    #[must_use]
    pub fn redirects(socket: TcpListener, port: u16) -> Self {
        Self { socket, speaks: Speaks::Redirects(port) }
    }
}
