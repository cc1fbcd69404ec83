//! The files that a server obeys while it runs.

use std::convert::Infallible;
use std::future::pending;

use tokio::sync::watch;

use super::acme::Renewal;
use super::certificate::Certificate;
use super::clients::ClientsFile;
use super::revoked::RevokedFile;
use super::secrets::SecretSource;
use crate::server::{Server, Tls};

/// Those that were named, as they were read at the start.
pub(super) struct Files {
    pub(super) revoked: Option<RevokedFile>,
    /// Where the secrets come from, where there are some.
    pub(super) secrets: Option<SecretSource>,
    pub(super) certificate: Option<Certificate>,
    pub(super) clients: Option<ClientsFile>,
    /// What keeps a certificate that the server gets itself.
    pub(super) renewal: Option<Renewal>,
}

impl Files {
    /// What a server with a certificate speaks.
    pub(super) fn tls(&self) -> Option<Tls> {
        let named = self.certificate.as_ref().map(|certificate| certificate.tls.clone());
        let tls = named.or_else(|| self.renewal.as_ref().map(Renewal::tls))?;
        if let Some(clients) = &self.clients {
            clients.ask(&tls);
        }
        Some(tls)
    }

    /// Has the server obey them from now on, and whatever they come to be for as long as what is returned is not cancelled.
    pub(super) fn watch(self, server: &Server, asked: watch::Receiver<()>) -> impl Future<Output = Infallible> {
        let tls = self.tls();
        let Self { revoked, secrets, certificate, clients, renewal } = self;
        if let Some(file) = &revoked {
            server.revoke(file.list.clone());
        }
        if renewal.as_ref().is_some_and(Renewal::has_none) {
            server.await_certificate();
        }
        let [of_list, of_secrets, of_certificate, of_clients, of_renewal] =
            [asked.clone(), asked.clone(), asked.clone(), asked.clone(), asked];
        let list = async {
            if let Some(file) = revoked {
                file.watch(server, of_list).await;
            }
        };
        let secrets = async {
            if let Some(source) = secrets {
                source.watch(server, of_secrets).await;
            }
        };
        let certificate = async {
            if let Some(certificate) = certificate {
                certificate.watch(server, of_certificate).await;
            }
        };
        let clients = async {
            if let Some((clients, tls)) = clients.zip(tls) {
                clients.watch(tls, of_clients).await;
            }
        };
        let renewal = async {
            if let Some(renewal) = renewal {
                match renewal.keep(server, of_renewal).await {}
            }
        };
        async {
            tokio::join!(list, secrets, certificate, clients, renewal);
            pending().await
        }
    }
}
