//! Keeps tunnels standing, and tells of them. Knows no flag.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Process, Tunnel, failure};
use crate::client::{self, Config, Connections};
use crate::cmd::exit::Failure;
use crate::cmd::inspect::Inspection;
use crate::cmd::signals::Signals;
use crate::cmd::terminal::{Changes, Ends, Subject, Terminal, Voice};
use crate::cmd::url_file::UrlFile;
use crate::cmd::{clock, descriptors, lapse, log, output};
use crate::inspect::api::Webhooks;
use crate::inspect::{Inspector, Settings};

/// How much is kept of exchanges where only lines are made of them.
const LINES: usize = 8 * 1024 * 1024;

/// Lasts until a signal comes, or until one of the tunnels cannot stand any more. Tells of `warning` first.
pub(crate) async fn stand(tunnels: Vec<Tunnel>, process: Process, warning: Option<String>) -> Result<(), Failure> {
    let mut standing = Standing::begin(tunnels, process, warning).await?;
    let signals = Signals::catch()?;
    let held = Box::pin(standing.hold(signals.shutdown()));
    let ended = signals.guard(|| "exchanges in flight have 30 s to end", held).await;
    standing.end();
    ended
}

/// Tunnels that share a process: an inspector, a terminal, and the connections to their server.
pub(crate) struct Standing {
    clients: Vec<Client>,
    inspection: Option<Arc<Inspection>>,
    terminal: Arc<Terminal>,
    changes: Changes,
    /// What holds the URL of the first.
    url_file: Option<PathBuf>,
}

struct Client {
    name: Option<Arc<str>>,
    config: Config,
    /// When its token ends by its own words.
    ends: Option<Duration>,
}

impl Standing {
    /// Prepares what they share. Waits for the name service at most.
    pub(crate) async fn begin(
        mut tunnels: Vec<Tunnel>,
        process: Process,
        warning: Option<String>,
    ) -> Result<Self, Failure> {
        let Process { place, secrets, manner, level, url_file } = process;
        log::start(level, manner.format);
        if let Some(warning) = warning {
            output::warn(warning);
        }
        // However quiet: the file may have asked for that itself.
        for notice in tunnels.first().iter().flat_map(|tunnel| &tunnel.notices) {
            output::say(notice);
        }
        let site = tunnels.first().map(|tunnel| tunnel.config.source.to_string()).unwrap_or_default();
        let webhooks = Arc::new(Webhooks::new(secrets, &site));
        let named = tunnels.iter_mut().map(|tunnel| (tunnel.name.clone(), &mut tunnel.config));
        let inspection = Inspection::of_several(place, named, Arc::clone(&webhooks)).await?;
        if inspection.is_none() && manner.voice == Voice::Full {
            let inspector = Inspector::new(Settings { room: LINES, body: 0, now: clock::since_1970 });
            for tunnel in &mut tunnels {
                tunnel.config.inspector = Some(inspector.of_tunnel(tunnel.name.clone()));
            }
        }
        share_connections(&mut tunnels)?;
        // Each stream takes one; where there are too few, the target counts as one that refuses.
        let _ = descriptors::raise();
        let inspector = tunnels.first().and_then(|tunnel| tunnel.config.inspector.clone());
        let (ends, clients) = tunnels.into_iter().map(Tunnel::apart).unzip();
        let inspect = inspection.as_ref().map(Inspection::url);
        let subject = Subject { tunnels: ends, inspect, inspector, webhooks };
        let terminal = Arc::new(Terminal::new(subject, manner, Instant::now()));
        let changes = terminal.changes();
        Ok(Self { clients, inspection: inspection.map(Arc::new), terminal, changes, url_file })
    }

    /// What is cancelled once all of them have stood.
    pub(crate) fn ready(&self) -> CancellationToken {
        self.terminal.ready()
    }

    /// What tells whether the first has a host of its own, once it stands, and its URL there.
    pub(crate) fn hosted(&self) -> impl FnOnce() -> Option<String> + use<> {
        let terminal = Arc::clone(&self.terminal);
        move || terminal.hosted(0)
    }

    /// Keeps them standing until `shutdown` is cancelled, and then for as long as exchanges may take to end. Where one
    /// cannot stand any more, that is the end of all. Cancelling it cuts them.
    pub(crate) async fn hold(&mut self, shutdown: CancellationToken) -> Result<(), Failure> {
        let clients = std::mem::take(&mut self.clients);
        let are_several = clients.len() > 1;
        let clients = clients.into_iter().enumerate();
        let clients = clients.map(|(at, client)| {
            let (inspection, terminal, shutdown) =
                (self.inspection.clone(), Arc::clone(&self.terminal), shutdown.clone());
            let told = move |event| {
                if let Some(inspection) = &inspection {
                    inspection.note(at, &event);
                }
                terminal.event(at, &event);
            };
            async move {
                let ended = client.run(told, shutdown.clone()).await;
                if let Err(Failure { sentence, .. }) = &ended {
                    // At once: the end of the others can take as long as their exchanges.
                    if are_several && !shutdown.is_cancelled() {
                        output::warn(format!(
                            "{sentence}; the other tunnels end as well, and their exchanges in flight have 30 s"
                        ));
                    }
                    shutdown.cancel();
                }
                ended
            }
        });
        let all = join_all(clients);
        tokio::select! {
            ended = all => ended.into_iter().collect(),
            failure = keep_url(self.url_file.take(), &self.terminal) => Err(failure),
            never = self.terminal.follow(&mut self.changes) => match never {},
        }
    }

    /// Says good-bye.
    pub(crate) fn end(mut self) {
        self.terminal.rest(&mut self.changes);
    }
}

impl Client {
    async fn run(
        self,
        told: impl Fn(client::Event) + Send + Sync + 'static,
        shutdown: CancellationToken,
    ) -> Result<(), Failure> {
        let ended = client::run(self.config, told, shutdown).await;
        ended.map_err(|error| {
            let failure = failure(&lapse::told(error, self.ends, clock::since_1970()));
            match self.name {
                Some(name) => Failure { sentence: format!("tunnel `{name}`: {}", failure.sentence), ..failure },
                None => failure,
            }
        })
    }
}

impl Tunnel {
    /// What is told of it, and what runs it.
    fn apart(self) -> (Ends, Client) {
        let Self { name, source, target, config, notices: _ } = self;
        let ends = config.token.as_ref().and_then(|token| lapse::end(token.as_str()));
        (Ends { name: name.clone(), source, target }, Client { name, config, ends })
    }
}

/// Has several tunnels, which all begin at one server, share what leads there.
fn share_connections(tunnels: &mut [Tunnel]) -> Result<(), Failure> {
    let Some(first) = tunnels.first().filter(|_| tunnels.len() > 1) else { return Ok(()) };
    let Config { source, authorities, identity, .. } = &first.config;
    let connections = Connections::new(source, authorities.as_ref(), identity.as_ref());
    let connections = connections.map_err(|error| failure(&error))?;
    for tunnel in tunnels {
        tunnel.config.connections = Some(connections.clone());
    }
    Ok(())
}

/// Has the file hold the URL from when the tunnel stands until this is dropped; ends only by failing.
async fn keep_url(file: Option<PathBuf>, terminal: &Terminal) -> Failure {
    let Some(path) = file else { return std::future::pending().await };
    terminal.ready().cancelled().await;
    match UrlFile::write(path, &terminal.public(0)) {
        Ok(_kept) => std::future::pending().await,
        Err(failure) => failure,
    }
}
