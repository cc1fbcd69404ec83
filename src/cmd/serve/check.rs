//! Whether a server could be started, as far as that shows before anything is opened.

use argh::FromArgs as _;

use super::Serve;
use super::acme::Acme;
use super::settle::Settings;
use crate::cmd::exit::Failure;
use crate::cmd::sources::Sources;

impl Serve {
    /// The address that a server would listen on that is told no more than this. Waits for the name service at most, and writes
    /// nothing.
    pub(crate) async fn check(from: &Sources<'_>) -> Result<String, Failure> {
        let nothing = Self::from_args(&["serve"], &[]).map_err(|exit| Failure::usage(exit.output))?;
        let Settings { address, auth, acme, redirects, admin, cluster, .. } = nothing.settle(from)?;
        acme.as_ref().map_or(Ok(()), Acme::look).map_err(|failure| from.blame("--acme-cache", failure))?;
        let resolved = address.resolve().await.map_err(|failure| from.blame("--addr", failure))?;
        auth.warning(&resolved).map_err(|failure| from.blame("--addr", failure))?;
        if let Some(address) = redirects {
            address.resolve().await.map_err(|failure| from.blame("--redirect-addr", failure))?;
        }
        if let Some(cluster) = cluster {
            cluster.look(from).await?;
        }
        admin.resolve(None).await.map_err(|failure| from.blame("--admin", failure))?;
        Ok(resolved.text().to_owned())
    }
}
