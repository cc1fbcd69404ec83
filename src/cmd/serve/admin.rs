//! The flags of `sendit serve` that are for whoever runs it: where it tells of itself, and to whom.

use std::future::pending;
use std::net::SocketAddr;

use anyhow::Context as _;
use tokio::net::TcpListener;

use super::systemd;
use crate::cmd::exit::Failure;
use crate::cmd::listen::{Address, Resolved};
use crate::cmd::secret;
use crate::cmd::sources::Sources;
use crate::server::Server;
use crate::server::admin::{self, Token};

/// Where the server tells of itself, and what has to be shown there.
pub(super) struct Admin {
    /// None where it tells nobody, unless a socket is handed over.
    address: Option<Address>,
    token: Option<Token>,
}

/// The same, listened on.
pub(super) struct Listening {
    listener: TcpListener,
    addr: SocketAddr,
    token: Option<Token>,
}

impl Admin {
    /// What flags, environment and file say.
    pub(super) fn settle(addr: Option<String>, token: Option<String>, from: &Sources<'_>) -> Result<Self, Failure> {
        let address = from.read(addr, "--admin", Address::parse)?;
        if address.is_none() && !systemd::hands_admin(from.env()) {
            return match token {
                Some(_) => Err(Failure::usage("`--admin-token-file` is of no use without `--admin`")),
                None => Ok(Self { address, token: None }),
            };
        }
        let token =
            from.one(token, "--admin-token-file").map(|given| secret::admin_token(&given.path())).transpose()?;
        Ok(Self { address, token })
    }

    /// Listens there. What other machines can reach tells nothing without a token.
    pub(super) async fn listen(self, handed: Option<Resolved>) -> Result<Option<Listening>, Failure> {
        let Self { address, token } = self;
        let resolved = match (handed, address) {
            (Some(handed), _) => handed,
            (None, Some(address)) => address.resolve().await?,
            (None, None) => return Ok(None),
        };
        if token.is_none() && !resolved.is_loopback() {
            return Err(Failure::usage(format!(
                "`{}` can be reached from other machines, and there is no admin token: give `--admin-token-file`, or have \
                 `--admin` on `127.0.0.1`",
                resolved.text()
            )));
        }
        let listener = resolved.bind("--admin")?;
        let addr = listener.local_addr().context("no address to tell")?;
        Ok(Some(Listening { listener, addr, token }))
    }
}

impl Listening {
    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

/// Answers there for as long as this runs; without end where there is nothing that listens.
pub(super) async fn serve(listening: Option<Listening>, server: Server) {
    match listening {
        Some(Listening { listener, token, .. }) => admin::serve(listener, server, token).await,
        None => pending().await,
    }
}
