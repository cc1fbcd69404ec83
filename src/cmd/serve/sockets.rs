//! Where a server listens: for visitors and clients, for those who are sent to `https`, and for whoever runs it.

use std::net::SocketAddr;

use anyhow::Context as _;
use tokio::net::TcpListener;

use super::admin::{self, Admin};
use crate::cmd::exit::Failure;
use crate::cmd::listen::{Address, Resolved};
use crate::cmd::output;
use crate::server::{Listener, Tls};

/// Sockets that listen.
pub(super) struct Sockets {
    public: TcpListener,
    /// Whether that outlives the server.
    is_kept: bool,
    addr: SocketAddr,
    redirects: Option<TcpListener>,
    admin: Option<admin::Listening>,
}

impl Sockets {
    /// Listens on all of them. What was handed over takes the place of an address.
    pub(super) async fn open(
        public: Resolved,
        redirects: Option<Address>,
        admin: Admin,
        handed: Option<Resolved>,
    ) -> Result<Self, Failure> {
        let is_kept = public.is_kept();
        let public = public.bind("--addr")?;
        let addr = public.local_addr().context("no address to tell")?;
        let redirects = match redirects {
            Some(address) => Some(address.resolve().await?.bind("--redirect-addr")?),
            None => None,
        };
        Ok(Self { public, is_kept, addr, redirects, admin: admin.listen(handed).await? })
    }

    /// Says where they are.
    pub(super) fn tell(&self) -> Result<(), Failure> {
        output::say(format_args!("Listening: {}", self.addr));
        if let Some(redirects) = &self.redirects {
            let addr = redirects.local_addr().context("no address to tell")?;
            output::say(format_args!("Redirecting to https: {addr}"));
        }
        if let Some(admin) = &self.admin {
            output::say(format_args!("Admin: {}", admin.addr()));
        }
        Ok(())
    }

    /// What a server takes visitors and clients from, and what tells whoever runs it.
    pub(super) fn apart(self, tls: Option<Tls>) -> (Vec<Listener>, Option<admin::Listening>) {
        let Self { public, is_kept, addr, redirects, admin } = self;
        let public = match tls {
            Some(tls) => Listener::https(public, tls),
            None => Listener::http(public),
        };
        let public = if is_kept { public.kept() } else { public };
        let redirects = redirects.map(|socket| Listener::redirects(socket, addr.port()));
        ([public].into_iter().chain(redirects).collect(), admin)
    }
}
