//! One session, on whichever wire both ends speak: opened, lived through, ended.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::exchange::{Exchange, Report};
use super::flow::Flow;
use super::link::{Denied, Link};
use super::target::Connector;
use super::{Config, Error, Event, Wire, v1, v2};

/// How long exchanges in flight may take to end once the client is to stop.
pub(super) const GRACE: Duration = Duration::from_secs(30);

/// How long what remains then may take to say good-bye.
const FAREWELL: Duration = Duration::from_secs(2);

/// What all sessions of a client have in common.
pub(super) struct Client {
    pub(super) config: Config,
    pub(super) link: Arc<Link>,
    target: Arc<Connector>,
    on_event: Arc<dyn Fn(Event) + Send + Sync>,
    /// What was learned of the path to the server, which outlives a session.
    pub(super) path: Arc<v2::Path>,
    /// Counts its attempts to open a session.
    pub(super) attempts: v2::Attempts,
}

/// How a session ended.
pub(super) enum Ended {
    /// There was none.
    Denied(Denied),
    /// It stood, or nearly, and was lost.
    Lost(String),
    /// The client was told to stop.
    Stopped,
}

/// What lives as long as a session.
pub(super) struct Life<'a> {
    pub(super) client: &'a Client,
    pub(super) tasks: TaskTracker,
    pub(super) flow: Flow,
    pub(super) shutdown: &'a CancellationToken,
}

impl Client {
    pub(super) fn new(config: Config, link: Link, on_event: Arc<dyn Fn(Event) + Send + Sync>) -> Result<Self, Error> {
        let target = Arc::new(Connector::new(&config).map_err(Error::Unable)?);
        let path = Arc::new(v2::Path::new(config.max_ttl));
        let attempts = v2::Attempts::new();
        Ok(Self { config, link: Arc::new(link), target, on_event, path, attempts })
    }

    pub(super) fn tell(&self, event: Event) {
        if let Some(inspector) = &self.config.inspector {
            match event {
                Event::Lost { .. } => inspector.link_lost(),
                Event::Back { .. } => inspector.link_back(),
                _ => {}
            }
        }
        (self.on_event)(event);
    }

    /// Opens a session and lives through it. Sets `was_ready` once the tunnel stands.
    pub(super) async fn session(&self, shutdown: &CancellationToken, was_ready: &mut bool) -> Ended {
        let life = Life { client: self, tasks: TaskTracker::new(), flow: Flow::default(), shutdown };
        let ended = match self.config.wire {
            Wire::V1 => self.on_v1(&life, was_ready).await,
            Wire::V2 => v2::live(&life, was_ready).await.unwrap_or_else(|| {
                let source = &self.config.source;
                let cause = format!("the server at `{source}` does not speak wire v2; leave `--wire` away");
                Ended::Denied(Denied::NotSendit(cause))
            }),
            Wire::Auto => match v2::live(&life, was_ready).await {
                Some(ended) => ended,
                None => self.on_v1(&life, was_ready).await,
            },
        };
        life.tasks.close();
        // Where another session is to be opened visitors wait for that, and not for what is left of this one.
        if !matches!(ended, Ended::Lost(_)) {
            let _ = timeout(FAREWELL, life.tasks.wait()).await;
        }
        ended
    }

    /// A session on v1, unless something was asked for that it cannot do.
    async fn on_v1(&self, life: &Life<'_>, was_ready: &mut bool) -> Ended {
        if let Some(cause) = self.config.beyond_v1() {
            return Ended::Denied(Denied::NotV2(cause));
        }
        if let Some(text) = self.config.lacking_on_v1() {
            self.tell(Event::Lacking { text });
        }
        v1::live(life, was_ready).await
    }
}

impl Life<'_> {
    /// What serves a stream that the server opens.
    pub(super) fn exchange(&self, report: Report) -> Exchange {
        Exchange {
            target: Arc::clone(&self.client.target),
            on_event: Arc::clone(&self.client.on_event),
            report,
            flow: self.flow.clone(),
            inspector: self.client.config.inspector.clone(),
            tells_waits: false,
        }
    }
}
