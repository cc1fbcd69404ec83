//! A session on wire v2: carriers of both manners, chosen for each direction by trial.

pub mod doctor;
mod doubt;
mod down;
mod limit;
mod open;
mod outage;
mod path;
mod pause;
mod probe;
mod trial;
mod tunnel;
mod up;
mod waits;
mod way;

use std::sync::Arc;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::Event;
use super::cause;
use super::exchange::{Exchange, Report};
use super::link::Denied;
use super::refusal;
use super::session::{Ended, GRACE, Life};
use crate::mux::{Ending, Upkeep, accepting};
use crate::pipe::v2::{Budget, Carriers, End, Pipe, pipe};
use crate::wire::v2::Waits;
use outage::News;
use tunnel::{Trouble, Tunnel};

pub(super) use open::Attempts;
pub(super) use path::Path;

/// The code with which a server says that another client has the prefix now.
const TAKEN_OVER: u8 = 2;

/// The code with which a server says that the token is good no more.
const REVOKED: u8 = 3;

/// The code with which a server says that the token's time is over.
const EXPIRED: u8 = 4;

/// The code with which a server says that whoever runs it has ended the session.
const DISMISSED: u8 = 5;

/// Opens a session and lives through it. `None` where the server does not speak this wire.
pub(super) async fn live(life: &Life<'_>, was_ready: &mut bool) -> Option<Ended> {
    let (pipe, carriers) = pipe(&Budget::default());
    let opening = async {
        let grant = match open::open(life.client).await? {
            Ok(grant) => grant,
            Err(denied) => return Some(Err(Ended::Denied(denied))),
        };
        let link = Arc::clone(&life.client.link);
        let tunnel = Tunnel::new(link, grant, carriers.clone(), Arc::clone(&life.client.path));
        Some(match up::round_trip(&tunnel).await {
            Ok(_) => Ok(Arc::new(tunnel)),
            Err(Trouble::Gone(cause) | Trouble::Cut(cause)) => Err(Ended::Lost(cause)),
            Err(Trouble::TooLarge) => Err(Ended::Lost("a proxy on the way lets nothing through".to_owned())),
        })
    };
    let opened = tokio::select! {
        opened = opening => opened?,
        () = life.shutdown.cancelled() => return Some(Ended::Stopped),
    };
    let ended = match opened {
        Ok(tunnel) => {
            *was_ready = true;
            life.client.tell(Event::Ready);
            keep(life, tunnel, pipe, &carriers).await
        }
        Err(ended) => ended,
    };
    carriers.end(End::Failed("the session has ended".to_owned()));
    Some(ended)
}

async fn keep(life: &Life<'_>, tunnel: Arc<Tunnel>, pipe: Pipe, carriers: &Carriers) -> Ended {
    let exchange = Exchange { tells_waits: tunnel.grant.tells_waits, ..life.exchange(Report::FirstByte) };
    let tasks = life.tasks.clone();
    let accept = move |stream| drop(tasks.spawn(exchange.clone().serve(stream)));
    let driver = accepting(pipe, Upkeep::default()).run(CancellationToken::new(), accept);
    let stopping = async {
        life.shutdown.cancelled().await;
        let ending = async {
            if tunnel.drain().await {
                // The server ends the session when the last exchange has ended.
                carriers.until_ended().await;
            } else {
                life.flow.quiet().await;
            }
        };
        let _ = timeout(GRACE, ending).await;
    };
    tokio::select! {
        ending = apart(&life.tasks, driver) => lost(life, carriers, &match ending {
            Ending::Closed => "it was closed".to_owned(),
            Ending::Failed(error) => cause::plain(&error, ""),
        }),
        _ = carriers.until_ended() => lost(life, carriers, "it has ended"),
        cause = apart(&life.tasks, down::run(Arc::clone(&tunnel), life.tasks.clone())) => Ended::Lost(cause),
        cause = apart(&life.tasks, up::run(Arc::clone(&tunnel), life.tasks.clone())) => Ended::Lost(cause),
        () = trial::run(&tunnel, life.client) => Ended::Stopped,
        () = doubt::run(&tunnel) => Ended::Stopped,
        () = tell_outages(&tunnel, life) => Ended::Stopped,
        () = stopping => Ended::Stopped,
    }
}

/// Runs what moves bytes as a task of its own, which ends with this: what is woken often need not wake the others.
async fn apart<T: Send + 'static>(tasks: &TaskTracker, work: impl Future<Output = T> + Send + 'static) -> T {
    match AbortOnDropHandle::new(tasks.spawn(work)).await {
        Ok(outcome) => outcome,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a runtime that ends cancels what nobody has dropped.
            Err(_) => std::future::pending().await,
        },
    }
}

async fn tell_outages(tunnel: &Tunnel, life: &Life<'_>) {
    // Nothing is heard of an outage before it is over.
    let mut before = Waits::default();
    let tell = |news| match news {
        // Who stops waits for nothing.
        _ if life.shutdown.is_cancelled() => {}
        News::Lost { cause } => {
            before = tunnel.waits.now();
            life.client.tell(Event::Lost { cause });
        }
        News::Back { after } => {
            tunnel.back.notify_one();
            let now = tunnel.waits.now();
            let lost = now.in_vain - before.in_vain;
            let held = (now.waited - before.waited).saturating_sub(lost);
            life.client.tell(Event::Back { after, held, lost });
        }
    };
    tunnel.failures.watch(|| tunnel.carriers.heard(), || tunnel.carriers.arrives(), tell).await;
}

fn lost(life: &Life<'_>, carriers: &Carriers, cause: &str) -> Ended {
    if life.shutdown.is_cancelled() {
        return Ended::Stopped;
    }
    match carriers.ended() {
        Some(End::Closed { code: TAKEN_OVER, text }) => Ended::Denied(Denied::Prefix(text)),
        Some(End::Closed { code: REVOKED, .. }) => Ended::Denied(refusal::revoked(&life.client.config.source)),
        Some(End::Closed { code: EXPIRED, .. }) => Ended::Denied(refusal::expired(&life.client.config.source)),
        Some(End::Closed { code: DISMISSED, .. }) => Ended::Denied(refusal::dismissed(&life.client.config.source)),
        Some(End::Closed { text, .. }) => Ended::Lost(text),
        Some(End::Failed(cause)) => Ended::Lost(format!("the link to the server was lost: {cause}")),
        None => Ended::Lost(format!("the link to the server was lost: {cause}")),
    }
}
