//! The files that a server obeys while it runs.

use super::certificate::Certificate;
use super::revoked::RevokedFile;
use crate::cmd::exit::Failure;
use crate::cmd::signals::Hangups;
use crate::server::{Server, Tls};

/// Those that were named, as they were read at the start, each with the signals that ask for it to be read again.
pub(super) struct Files {
    revoked: Option<(RevokedFile, Hangups)>,
    certificate: Option<(Certificate, Hangups)>,
}

impl Files {
    /// Catches the signals from now on, where there is a file to read again.
    pub(super) fn new(revoked: Option<RevokedFile>, certificate: Option<Certificate>) -> Result<Self, Failure> {
        let revoked = revoked.map(|file| Hangups::catch().map(|hangups| (file, hangups))).transpose()?;
        let certificate = certificate.map(|file| Hangups::catch().map(|hangups| (file, hangups))).transpose()?;
        Ok(Self { revoked, certificate })
    }

    /// What a server with a certificate speaks.
    pub(super) fn tls(&self) -> Option<Tls> {
        self.certificate.as_ref().map(|(certificate, _)| certificate.tls.clone())
    }

    /// Has the server obey them, from now on and for as long as what is returned is not cancelled.
    pub(super) fn watch(self, server: &Server) -> impl Future<Output = ()> {
        let Self { revoked, certificate } = self;
        if let Some((file, _)) = &revoked {
            server.revoke(file.list.clone());
        }
        let revoking = async {
            if let Some((file, hangups)) = revoked {
                file.watch(hangups, server).await;
            }
        };
        let showing = async {
            if let Some((certificate, hangups)) = certificate {
                certificate.watch(hangups).await;
            }
        };
        async {
            tokio::join!(revoking, showing);
            std::future::pending::<()>().await;
        }
    }
}
