//! The file of whoever vouches for clients: read at the start, looked at ever after, and obeyed when it has changed.

use std::path::PathBuf;

use tokio::sync::watch;

use super::steady::{Seen, Steady, watch};
use crate::cmd::exit::{Exit, Failure};
use crate::cmd::file;
use crate::cmd::sources::Given;
use crate::server::{ClientAuthorities, Tls};

/// What a warning says.
const UNUSABLE: &str = "the authorities of clients cannot be used; those before are still believed";

/// Authorities in force, and the file that they come from.
pub(super) struct ClientsFile {
    path: PathBuf,
    text: Vec<u8>,
    authorities: ClientAuthorities,
}

impl ClientsFile {
    /// The one that is named. A server does not start with one that is of no use.
    pub(super) fn open(given: &Given) -> Result<Self, Failure> {
        let path = given.path()?;
        let at = path.display();
        let text = file::read(&path).map_err(|cause| Failure::file(format!("cannot read the file `{at}`: {cause}")))?;
        let authorities = understood(&text).map_err(|cause| {
            Failure::new(Exit::Certificate, format!("the file `{at}` cannot be used: {cause}; give a PEM file"))
        })?;
        Ok(Self { path, text, authorities })
    }

    /// Has clients asked for certificates on every connection from now on.
    pub(super) fn ask(&self, tls: &Tls) {
        tls.ask(self.authorities.clone());
    }

    /// Has `tls` obey the file, for as long as it is not cancelled.
    pub(super) async fn watch(self, tls: Tls, asked: watch::Receiver<()>) {
        let Self { path, text, .. } = self;
        let late = || tracing::warn!(cause = "to read it takes long", "{UNUSABLE}");
        let act = |seen: Seen<Vec<u8>>| match seen.and_then(|text| understood(&text)) {
            Ok(authorities) => {
                tls.ask(authorities);
                tracing::info!("the authorities of clients have changed");
            }
            Err(cause) => tracing::warn!(cause, "{UNUSABLE}"),
        };
        match watch(Steady::new(text), move || file::read(&path), late, asked, act).await {}
    }
}

fn understood(text: &[u8]) -> Result<ClientAuthorities, String> {
    ClientAuthorities::from_pem(text).map_err(|cause| cause.to_string())
}
