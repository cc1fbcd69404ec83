//! One session: opened, kept fresh, its streams joined to the target, ended.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::flow::Flow;
use super::join::{Outcome, join};
use super::link::{Link, PairError};
use super::open::{Denied, Grant};
use super::refuse::refuse;
use super::target::Connector;
use super::{Config, Error, Event, random_unit};
use crate::client::backoff::Backoff;
use crate::mux::{self, Ending, KeepAlive, accepting};
use crate::pipe::v1::{Pipe, Swapper, pipe};

/// How long exchanges in flight may take to end once the client is to stop.
const GRACE: Duration = Duration::from_secs(30);

/// How long what remains then may take to say good-bye.
const FAREWELL: Duration = Duration::from_secs(2);

/// The type of a TLS record that alerts, which is what a TLS server answers plain HTTP with. (RFC 8446, section 5.1)
const TLS_ALERT: u8 = 21;

/// What all sessions of a client have in common.
pub(super) struct Client {
    config: Config,
    link: Link,
    target: Arc<Connector>,
    on_event: Arc<dyn Fn(Event) + Send + Sync>,
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

impl Client {
    pub(super) fn new(config: Config, link: Link, on_event: Arc<dyn Fn(Event) + Send + Sync>) -> Result<Self, Error> {
        let target = Arc::new(Connector::new(&config).map_err(Error::Unable)?);
        Ok(Self { config, link, target, on_event })
    }

    pub(super) fn tell(&self, event: Event) {
        (self.on_event)(event);
    }

    /// Opens a session and lives through it. Sets `was_ready` once the tunnel stands.
    pub(super) async fn session(&self, shutdown: &CancellationToken, was_ready: &mut bool) -> Ended {
        let tasks = TaskTracker::new();
        let (pipe, swapper) = pipe();
        let opening = async {
            let grant = self.link.open(self.form()).await.map_err(Ended::Denied)?;
            self.link.bring_pair(&grant, &swapper, &tasks).await.map_err(lost)?;
            Ok(grant)
        };
        let opened = tokio::select! {
            opened = opening => opened,
            () = shutdown.cancelled() => return Ended::Stopped,
        };
        let ended = match opened {
            Ok(grant) => {
                *was_ready = true;
                self.tell(Event::Ready);
                self.live(&grant, pipe, &swapper, &tasks, shutdown).await
            }
            Err(ended) => ended,
        };
        swapper.fail("the session has ended");
        tasks.close();
        let _ = timeout(FAREWELL, tasks.wait()).await;
        ended
    }

    fn form(&self) -> String {
        let token = self.config.token.as_ref().map(super::Token::as_str).unwrap_or_default();
        form_urlencoded::Serializer::new(String::new())
            .append_pair("prefix", self.config.source.prefix().as_str())
            .append_pair("token", token)
            .finish()
    }

    async fn live(
        &self,
        grant: &Grant,
        pipe: Pipe,
        swapper: &Swapper,
        tasks: &TaskTracker,
        shutdown: &CancellationToken,
    ) -> Ended {
        let flow = Flow::default();
        let closing = CancellationToken::new();
        let accept = |stream| {
            let exchange = Exchange {
                target: Arc::clone(&self.target),
                on_event: Arc::clone(&self.on_event),
                fault_key: grant.fault_key.clone(),
                flow: flow.clone(),
            };
            tasks.spawn(exchange.serve(stream));
        };
        let driver = accepting(pipe, KeepAlive::default()).run(closing.clone(), accept);
        let stopping = async {
            shutdown.cancelled().await;
            self.finish(grant, &flow).await;
            closing.cancel();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            ending = driver => match ending {
                _ if shutdown.is_cancelled() => Ended::Stopped,
                Ending::Closed => Ended::Lost("the server ended the session".to_owned()),
                Ending::Failed(cause) => Ended::Lost(format!("the link to the server was lost: {cause}")),
            },
            cause = self.renew(grant, swapper, tasks) => Ended::Lost(cause),
            () = stopping => Ended::Stopped,
        }
    }

    /// Lets exchanges in flight end. A server of ours sends no new ones, and ends the session itself when the last has
    /// ended; with a Go server the bytes have to tell.
    async fn finish(&self, grant: &Grant, flow: &Flow) {
        let ending = async {
            if self.link.drain(grant).await {
                std::future::pending::<()>().await;
            } else {
                flow.quiet().await;
            }
        };
        let _ = timeout(GRACE, ending).await;
    }

    /// Brings a fresh pair of carriers before the old one's time is over; says why where that is no longer possible.
    async fn renew(&self, grant: &Grant, swapper: &Swapper, tasks: &TaskTracker) -> String {
        loop {
            quiet_moment(swapper, self.config.max_ttl).await;
            let mut backoff = Backoff::default();
            loop {
                match self.link.bring_pair(grant, swapper, tasks).await {
                    Ok(()) => break,
                    Err(PairError::Gone(cause) | PairError::Lost(cause)) => return cause,
                    Err(PairError::Refused(cause)) => {
                        tracing::info!(cause, "a fresh pair of carriers was refused");
                        sleep(backoff.next(random_unit())).await;
                    }
                }
            }
        }
    }
}

fn lost(error: PairError) -> Ended {
    let (PairError::Gone(cause) | PairError::Refused(cause) | PairError::Lost(cause)) = error;
    Ended::Lost(cause)
}

/// Waits for a moment at which nothing passes, between 60 % and 95 % of a carrier's time: a Go peer may lose its
/// session where data and the end of a body reach it together.
async fn quiet_moment(swapper: &Swapper, ttl: Duration) {
    let begin = Instant::now();
    let latest = begin + ttl.mul_f64(0.95);
    sleep_until(begin + ttl.mul_f64(0.6)).await;
    loop {
        let before = swapper.activity();
        sleep(ttl.mul_f64(0.02)).await;
        if swapper.activity() == before || Instant::now() >= latest {
            return;
        }
    }
}

/// What one stream needs.
struct Exchange {
    target: Arc<Connector>,
    on_event: Arc<dyn Fn(Event) + Send + Sync>,
    fault_key: Option<String>,
    flow: Flow,
}

impl Exchange {
    async fn serve(self, mut stream: mux::Stream) {
        let mut target = match self.target.connect().await {
            Ok(target) => target,
            Err(cause) => {
                (self.on_event)(Event::Target { cause });
                return refuse(&mut stream, self.fault_key.as_deref()).await;
            }
        };
        let plain = target.is_plain();
        let first = |bytes: &[u8]| {
            if plain && bytes.first() == Some(&TLS_ALERT) {
                let cause = "the destination speaks TLS; give it as `https://`".to_owned();
                (self.on_event)(Event::Target { cause });
            }
        };
        let flow = self.flow.stream();
        if join(&mut stream, &mut target, &flow, first).await == Outcome::Cut {
            target.cut();
        }
    }
}
