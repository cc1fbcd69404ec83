//! The flags of `sendit serve` that are for whoever runs it: where it tells of itself, and to whom.

use std::net::SocketAddr;

use anyhow::Context as _;
use tokio::net::TcpListener;

use super::systemd;
use crate::cmd::env::{self, Env};
use crate::cmd::exit::Failure;
use crate::cmd::listen::{Address, Resolved};
use crate::cmd::secret;
use crate::server::Server;
use crate::server::admin::{self, Token};

/// Where the server tells of itself, and what has to be shown there.
pub(super) struct Admin {
    /// None where only a socket that is handed over will do.
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
    /// What flags and environment say; none where there is neither an address nor a socket.
    pub(super) fn settle(addr: Option<String>, token: Option<String>, env: &Env) -> Result<Option<Self>, Failure> {
        let address = env.unless_flag(addr, env::ADMIN).map(|addr| Address::parse(&addr)).transpose()?;
        if address.is_none() && !systemd::hands_admin(env) {
            return match token {
                Some(_) => Err(Failure::usage("`--admin-token-file` is of no use without `--admin`")),
                None => Ok(None),
            };
        }
        let token = env.unless_flag(token, env::ADMIN_TOKEN_FILE);
        let token = token.map(|path| secret::admin_token(&path)).transpose()?;
        Ok(Some(Self { address, token }))
    }

    /// Listens there. What other machines can reach tells nothing without a token.
    pub(super) async fn listen(self, handed: Option<Resolved>) -> Result<Option<Listening>, Failure> {
        let Self { address, token } = self;
        let resolved = match (handed, address) {
            (Some(handed), _) => handed,
            (None, Some(address)) => address.resolve().await?,
            // It was named, and not handed over.
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

    /// Answers for as long as this runs.
    pub(super) async fn serve(self, server: Server) {
        admin::serve(self.listener, server, self.token).await;
    }
}
