//! A server with a few tunnels to one target.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use crate::program::{Client, Program, Server, Trouble};

/// How long a client may take until its tunnel stands.
const READY: Duration = Duration::from_secs(60);

/// What is to be there.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The program.
    pub binary: &'a Path,
    /// The flags of the server.
    pub flags: &'a [&'a str],
    /// The prefixes, each with a client of its own.
    pub prefixes: &'a [String],
    /// What all of them lead to.
    pub target: SocketAddr,
}

/// All of it.
pub struct Stage {
    /// The private ends, in the order of their prefixes. Dropped first: they can say that they leave.
    pub clients: Vec<Program>,
    /// The public end.
    pub server: Server,
}

impl Stage {
    /// Starts it.
    ///
    /// # Errors
    /// Where something does not start.
    pub async fn set(wanted: Wanted<'_>) -> Result<Self, Trouble> {
        let server = Server::with(wanted.binary, wanted.flags).await?;
        let mut clients = Vec::new();
        for prefix in wanted.prefixes {
            let source = format!("http://{}/{prefix}", server.address);
            let client = Client { source, target: wanted.target, http_proxy: None, flags: &[] };
            clients.push(client.start(wanted.binary)?);
        }
        // By streams, as it then is for good: what is at first is another matter.
        let settled = |output: &str| output.contains("streams down, streams up");
        for client in &clients {
            client.printed(Instant::now() + READY, "went over to streams", settled).await?;
        }
        Ok(Self { clients, server })
    }

    /// How often a session has come to stand: once for each client where none was lost.
    #[must_use]
    pub fn stood(&self) -> usize {
        self.clients.iter().map(|client| client.output().matches("Ready; Forwarding").count()).sum()
    }
}

/// Prefixes that are told apart by a number.
#[must_use]
pub(super) fn prefixes(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("app-{number}")).collect()
}
