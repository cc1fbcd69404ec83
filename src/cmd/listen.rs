//! The address to listen on: as it is typed, as it resolves, and bound. Knows nothing of what is served there.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket, lookup_host};

use super::exit::{Exit, Failure, reason};

/// How many connections may wait to be accepted; the system may allow fewer. Those of a crowd come in one breath, and where
/// one finds no place its other end tries again only after a second, then two, then four.
const BACKLOG: u32 = 4096;

/// Where to listen: `host:port`, where no host means every interface, as in Go.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Address {
    text: String,
    host: String,
    port: u16,
}

impl Address {
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = || Failure::usage(format!("`{text}` is no address to listen on; write it like `127.0.0.1:5050`"));
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().map_err(|_| wrong())?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = bracketed.unwrap_or(host);
        if host.contains(':') != bracketed.is_some() || host.contains(char::is_whitespace) {
            return Err(wrong());
        }
        Ok(Self { text: text.to_owned(), host: host.to_owned(), port })
    }

    /// What the address stands for, IPv4 first. Waits for the name service, within its own time-outs.
    pub(crate) async fn resolve(self) -> Result<Resolved, Failure> {
        let Self { text, host, port } = self;
        let mut addrs: Vec<SocketAddr> = if host.is_empty() {
            everywhere(port)
        } else {
            let found = lookup_host((host.as_str(), port)).await;
            found.map(Iterator::collect).map_err(|_| {
                Failure::new(Exit::Listen, format!("cannot listen on `{text}`: there is no host of that name"))
            })?
        };
        if !host.is_empty() {
            addrs.sort_by_key(SocketAddr::is_ipv6);
        }
        Ok(Resolved { text, addrs, handed: None })
    }
}

/// The IPv6 wildcard takes IPv4 too, but on Windows it does not, and not every host has IPv6.
fn everywhere(port: u16) -> Vec<SocketAddr> {
    let (v4, v6) = ((Ipv4Addr::UNSPECIFIED, port).into(), (Ipv6Addr::UNSPECIFIED, port).into());
    if cfg!(windows) { vec![v4] } else { vec![v6, v4] }
}

/// An [`Address`] whose host has been looked up.
pub(crate) struct Resolved {
    text: String,
    addrs: Vec<SocketAddr>,
    /// What listens there already.
    handed: Option<TcpListener>,
}

impl Resolved {
    /// Where a socket listens that somebody else has opened.
    #[cfg(unix)]
    pub(crate) fn handed(socket: std::net::TcpListener) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let (addr, socket) = (socket.local_addr()?, TcpListener::from_std(socket)?);
        Ok(Self { text: addr.to_string(), addrs: vec![addr], handed: Some(socket) })
    }

    /// Whether somebody else has opened it, and keeps it open.
    pub(crate) fn is_kept(&self) -> bool {
        self.handed.is_some()
    }

    /// Whether none but this machine can reach any of it.
    pub(crate) fn is_loopback(&self) -> bool {
        self.addrs.iter().all(|addr| addr.ip().to_canonical().is_loopback())
    }

    /// The address as it was typed.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Listens on the first address that this machine has. One that is taken is not skipped: whoever asked for a port
    /// would find somebody else at it. `flag` is what chooses another.
    pub(crate) fn bind(mut self, flag: &str) -> Result<TcpListener, Failure> {
        if let Some(handed) = self.handed.take() {
            return Ok(handed);
        }
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for addr in &self.addrs {
            match listen(*addr) {
                Ok(listener) => return Ok(listener),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(self.refused(&error, flag)),
                Err(error) => last = error,
            }
        }
        Err(self.refused(&last, flag))
    }

    fn refused(&self, error: &io::Error, flag: &str) -> Failure {
        let cause = match error.kind() {
            io::ErrorKind::AddrInUse => format!("another program has the port; choose one with `{flag}`"),
            io::ErrorKind::AddrNotAvailable => "this machine does not have the address".to_owned(),
            io::ErrorKind::PermissionDenied => "permission denied; ports under 1024 may need root".to_owned(),
            _ => reason(error),
        };
        Failure::new(Exit::Listen, format!("cannot listen on `{}`: {cause}", self.text))
    }
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Connections of the server before that have not ended are no reason to wait. On Windows it would mean more than that.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(&str, u16)>) {
        let parsed = Address::parse(text);
        assert_eq!(parsed.as_ref().ok().map(|address| (address.host.as_str(), address.port)), expected, "{text:?}");
    }

    #[test]
    fn addresses() {
        check("127.0.0.1:5050", Some(("127.0.0.1", 5050)));
        check(":5050", Some(("", 5050)));
        check("localhost:0", Some(("localhost", 0)));
        check("[::1]:80", Some(("::1", 80)));
        check("[::]:80", Some(("::", 80)));
        check("", None);
        check("5050", None);
        check("localhost", None);
        check("localhost:", None);
        check("localhost:65536", None);
        check("localhost:-1", None);
        check("::1:80", None);
        check("[localhost]:80", None);
        check("http://localhost:80", None);
        check("local host:80", None);
    }

    async fn resolve(text: &str) -> Resolved {
        Address::parse(text).unwrap().resolve().await.map_err(|failure| failure.sentence).unwrap()
    }

    #[tokio::test]
    async fn who_can_reach_it() {
        let cases = [
            ("127.0.0.1:0", true),
            ("127.9.9.9:0", true),
            ("[::1]:0", true),
            ("[::ffff:127.0.0.1]:0", true),
            ("localhost:0", true),
            (":0", false),
            ("0.0.0.0:0", false),
            ("[::]:0", false),
            ("[::ffff:0.0.0.0]:0", false),
        ];
        for (text, loopback) in cases {
            assert_eq!(resolve(text).await.is_loopback(), loopback, "{text}");
        }
    }

    #[tokio::test]
    async fn a_port_is_not_taken_twice() {
        let first = resolve("127.0.0.1:0").await.bind("--addr").map_err(|failure| failure.sentence).unwrap();
        let text = first.local_addr().unwrap().to_string();
        let sentence = format!("cannot listen on `{text}`: another program has the port; choose one with `--addr`");
        assert_eq!(resolve(&text).await.bind("--addr").err(), Some(Failure::new(Exit::Listen, sentence)));
    }
}
