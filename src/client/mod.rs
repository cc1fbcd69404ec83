//! The private end: opens a session, keeps its carriers fresh, and joins each stream that the server opens to a
//! connection of its own to the target. Knows no HTTP beyond its own carriers, and not how bytes are multiplexed.

mod address;
mod backoff;
mod cause;
mod config;
mod connections;
mod exchange;
mod flow;
mod join;
mod link;
mod refusal;
mod session;
mod target;
mod tls;
mod v1;
mod v2;
mod wishes;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

pub use address::{InvalidUrl, Source, Target};
pub use config::{Config, HostHeader, InvalidHostHeader, SourcePath, TargetTls, Token, Wire};
pub use connections::Connections;
pub use target::{Connection, Dialer};
pub use tls::{Authorities, Identity, NoAuthority, NoIdentity};
pub use v2::doctor;

use backoff::Backoff;
use link::{Denied, Link, Setback};
use session::{Client, Ended};

/// What a client tells while it runs.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The tunnel stands.
    Ready,
    /// Visitors find the tunnel at a host of its own as well, from when it stands.
    Hosted {
        /// Where.
        url: String,
    },
    /// The tunnel was lost, or could not be opened; the client tries again.
    Retrying {
        /// Why.
        cause: String,
        /// In how long.
        after: Duration,
    },
    /// The link to the server is lost; the session, and what is under way in it, waits until it is back.
    Lost {
        /// Why.
        cause: String,
    },
    /// The link that was lost is back, and the session goes on.
    Back {
        /// How long it was lost.
        after: Duration,
        /// How many visitors have waited at the server meanwhile, and are passed on now.
        held: u64,
        /// How many have waited there in vain.
        lost: u64,
    },
    /// How the link is carried, or that it changed, for people.
    Link {
        /// One line.
        text: String,
    },
    /// The server does something else than it was asked for, and that harms nobody.
    Lacking {
        /// What, in one sentence.
        text: String,
    },
    /// A visitor could not be joined to the target.
    Target {
        /// Why.
        cause: String,
        /// Whether there is an exchange in the inspector that says so as well.
        seen: bool,
    },
}

/// Why a client ended: trying again could not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server does not accept the token.
    #[error("{0}")]
    Unauthorized(String),
    /// The server does not give this prefix.
    #[error("{0}")]
    Prefix(String),
    /// What answers at the URL is no sendit server.
    #[error("{0}")]
    NotSendit(String),
    /// The server cannot do what was asked of it, and going on without would be unsafe or useless.
    #[error("{0}")]
    NotGranted(String),
    /// Whoever runs the server has ended the session.
    #[error("{0}")]
    Dismissed(String),
    /// The server asks for another certificate of the client's, or for one at all.
    #[error("{0}")]
    Certificate(String),
    /// The server cannot be reached, or takes no session now. A tunnel tries again; an examination says so.
    #[error("{0}")]
    Unreachable(String),
    /// This machine lacks what every tunnel needs.
    #[error("{0}")]
    Unable(String),
}

/// Keeps a tunnel standing until `shutdown` is cancelled, then lets exchanges in flight end, for 30 s at most.
/// `on_event` is called from the tunnel's own task and must not block. Cancelling it cuts the tunnel.
///
/// ```no_run
/// use sendit::client::{Config, Event, Token, run};
/// use tokio_util::sync::CancellationToken;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let mut config = Config::new("https://example.com/foobar".parse()?, "http://localhost:3030".parse()?);
/// config.token = Some(Token::new("…"));
/// let told = |event| if let Event::Ready = event { println!("the tunnel stands") };
/// run(config, told, CancellationToken::new()).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Where trying again could not succeed.
pub async fn run(
    config: Config,
    on_event: impl Fn(Event) + Send + Sync + 'static,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let connections = match &config.connections {
        Some(connections) => connections.clone(),
        None => Connections::new(&config.source, config.authorities.as_ref(), config.identity.as_ref())?,
    };
    let link = Link::new(config.source.clone(), connections);
    let client = Client::new(config, link, Arc::new(on_event))?;
    let mut backoff = Backoff::default();
    let mut was_ready = false;
    loop {
        let Setback { cause, rest } = match Box::pin(client.session(&shutdown, &mut was_ready)).await {
            Ended::Stopped => return Ok(()),
            // Behind a load balancer anything may answer while the server restarts; only at the first try is it final.
            Ended::Denied(Denied::NotSendit(cause) | Denied::NotV2(cause)) if was_ready => cause.into(),
            Ended::Denied(denied) => match denied.into_error() {
                Ok(error) => return Err(error),
                Err(setback) => setback,
            },
            Ended::Lost(cause) => {
                backoff = Backoff::default();
                cause.into()
            }
        };
        if shutdown.is_cancelled() {
            return Ok(());
        }
        let after = rest + backoff.next(random_unit());
        client.tell(Event::Retrying { cause, after });
        tokio::select! {
            () = sleep(after) => {}
            () = shutdown.cancelled() => return Ok(()),
        }
    }
}

/// A random number from 0 to 1. Without randomness all clients come back at once, which is no reason not to come back.
fn random_unit() -> f64 {
    let bits = getrandom::u32().unwrap_or(u32::MAX);
    f64::from(bits) / f64::from(u32::MAX)
}
