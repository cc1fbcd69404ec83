//! The secrets of a server that runs: read again where they lie in files, and obeyed when they have changed.

use tokio::sync::watch;

use super::steady::{Seen, Steady, watch};
use crate::auth::Keys;
use crate::cmd::config::File;
use crate::cmd::env::Env;
use crate::cmd::exit::Failure;
use crate::cmd::secret::{Secret, keys, secrets};
use crate::cmd::sources::Sources;
use crate::server::Server;

/// What a warning says.
const UNUSABLE: &str = "the secrets cannot be read again; those before stay in force";

/// Where secrets come from. It has no `Debug`, as they have none.
#[derive(Clone)]
pub(super) struct SecretSource {
    flags: Vec<Secret>,
    files: Vec<String>,
    env: Env,
    pub(super) file: Option<File>,
    /// As they were read last.
    pub(super) secrets: Vec<Vec<u8>>,
}

impl SecretSource {
    /// Reads them for the first time. The configuration file, where there is one, is set behind it.
    pub(super) fn open(flags: Vec<Secret>, files: Vec<String>, from: &Sources<'_>) -> Result<Self, Failure> {
        let secrets = secrets(flags.clone(), files.clone(), from)?;
        Ok(Self { flags, files, env: from.env().clone(), file: None, secrets })
    }

    /// The secrets as they are now.
    fn read(&self) -> Result<Vec<Vec<u8>>, Failure> {
        let file = self.file.as_ref().map(File::again).transpose()?;
        let from = Sources::new("serve", &self.env, file.as_ref().map(|file| &file.serve));
        secrets(self.flags.clone(), self.files.clone(), &from)
    }

    /// Has the server obey them, for as long as it is not cancelled.
    pub(super) async fn watch(self, server: &Server, asked: watch::Receiver<()>) {
        let now = self.secrets.clone();
        let read = move || self.read().map_err(|failure| failure.sentence);
        let late = || tracing::warn!(cause = "to read them takes long", "{UNUSABLE}");
        let act = |seen: Seen<Vec<Vec<u8>>>| match seen.and_then(|secrets| usable(&secrets)) {
            Ok((keys, count)) => {
                server.rekey(keys);
                tracing::info!(count, "the secrets have changed");
            }
            Err(cause) => tracing::warn!(cause, "{UNUSABLE}"),
        };
        match watch(Steady::new(now), read, late, asked, act).await {}
    }
}

/// The keys that secrets make. A server that asks for tokens does not stop doing so.
fn usable(secrets: &[Vec<u8>]) -> Result<(Keys, usize), String> {
    match keys(secrets) {
        Ok(Some((keys, _))) => Ok((keys, secrets.len())),
        Ok(None) => Err("there is none".to_owned()),
        Err(empty) => Err(empty.to_string()),
    }
}
