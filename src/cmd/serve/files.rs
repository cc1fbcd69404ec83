//! The files that a server obeys while it runs.

use std::convert::Infallible;
use std::future::pending;

use tokio::sync::watch;

use super::certificate::Certificate;
use super::revoked::RevokedFile;
use super::secrets::SecretSource;
use crate::server::{Server, Tls};

/// Those that were named, as they were read at the start.
pub(super) struct Files {
    pub(super) revoked: Option<RevokedFile>,
    /// Where the secrets come from, where there are some.
    pub(super) secrets: Option<SecretSource>,
    pub(super) certificate: Option<Certificate>,
}

impl Files {
    /// What a server with a certificate speaks.
    pub(super) fn tls(&self) -> Option<Tls> {
        self.certificate.as_ref().map(|certificate| certificate.tls.clone())
    }

    /// Has the server obey them from now on, and whatever they come to be for as long as what is returned is not cancelled.
    pub(super) fn watch(self, server: &Server, asked: watch::Receiver<()>) -> impl Future<Output = Infallible> {
        let Self { revoked, secrets, certificate } = self;
        if let Some(file) = &revoked {
            server.revoke(file.list.clone());
        }
        let [of_list, of_secrets, of_certificate] = [asked.clone(), asked.clone(), asked];
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
                certificate.watch(of_certificate).await;
            }
        };
        async {
            tokio::join!(list, secrets, certificate);
            pending().await
        }
    }
}
