//! A session on wire v1: one pair of carriers at a time, swapped before its time is over.

mod open;
mod pair;
mod refuse;

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::exchange::Report;
use super::session::{Ended, GRACE, Life};
use super::{Event, cause, random_unit};
use crate::mux::{Driver, Ending, Upkeep, accepting};
use crate::pipe::v1::{Pipe, Swapper, pipe};
use open::Grant;
use pair::PairError;

pub(super) use refuse::refuse;

/// How long a handshake may take: less than the server allows, for only the client can tell a person what it waits for.
const HANDSHAKE: Duration = Duration::from_secs(8);

/// Opens a session and lives through it.
pub(super) async fn live(life: &Life<'_>, was_ready: &mut bool) -> Ended {
    let (pipe, swapper) = pipe();
    let upkeep = Upkeep::alive();
    let fence = upkeep.fence.clone();
    let swapper = swapper.with_fence(move || fence.clone().boxed()).with_deadline(HANDSHAKE);
    let opening = async {
        let grant = open::open(life.client).await.map_err(Ended::Denied)?;
        pair::bring(life, &grant, &swapper).await.map_err(lost)?;
        Ok(grant)
    };
    let opened = tokio::select! {
        opened = opening => opened,
        () = life.shutdown.cancelled() => return Ended::Stopped,
    };
    let ended = match opened {
        Ok(grant) => {
            *was_ready = true;
            life.client.tell(Event::Ready);
            keep(life, &grant, accepting(pipe, upkeep), &swapper).await
        }
        Err(ended) => ended,
    };
    swapper.fail("the session has ended");
    ended
}

async fn keep(life: &Life<'_>, grant: &Grant, driver: Driver<Pipe>, swapper: &Swapper) -> Ended {
    let closing = CancellationToken::new();
    let exchange = life.exchange(Report::Answer(grant.fault_key.clone()));
    let accept = |stream| drop(life.tasks.spawn(exchange.clone().serve(stream)));
    let driver = driver.run(closing.clone(), accept);
    let stopping = async {
        life.shutdown.cancelled().await;
        finish(life, grant).await;
        closing.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ending = driver => match ending {
            _ if life.shutdown.is_cancelled() => Ended::Stopped,
            Ending::Closed => Ended::Lost("the server ended the session".to_owned()),
            Ending::Failed(error) => Ended::Lost(format!("the link to the server was lost: {}", cause::plain(&error, ""))),
        },
        cause = renew(life, grant, swapper) => Ended::Lost(cause),
        () = stopping => Ended::Stopped,
    }
}

/// Lets exchanges in flight end. A server of ours sends no new ones, and ends the session itself when the last has
/// ended; with a Go server the bytes have to tell.
async fn finish(life: &Life<'_>, grant: &Grant) {
    let ending = async {
        if pair::drain(life.client, grant).await {
            std::future::pending::<()>().await;
        } else {
            life.flow.quiet().await;
        }
    };
    let _ = timeout(GRACE, ending).await;
}

/// Brings a fresh pair of carriers before the old one's time is over; says why where that is no longer possible.
async fn renew(life: &Life<'_>, grant: &Grant, swapper: &Swapper) -> String {
    loop {
        quiet_moment(swapper, life.client.config.max_ttl).await;
        let mut backoff = Backoff::default();
        loop {
            match pair::bring(life, grant, swapper).await {
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
