//! The direction from client to server: one carrier after the other, each from what has not been acknowledged.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Body, Response};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::super::backoff::GOOD_LIFE;
use super::super::random_unit;
use super::path::{Direction, MIN_BATCH};
use super::pause::{Outcome, Pauses};
use super::tunnel::{Trouble, Tunnel};
use crate::pipe::v2::TRIAL_PAUSE;
use crate::wire::v2::{self, Carrier, Digest, Manner};

/// How long a carrier may take to end once a newer one has taken over.
const TAIL: Duration = Duration::from_secs(15);

/// How many batches may be on their way at a time.
const IN_FLIGHT: usize = 4;

/// The room in a batch for the records beside the log.
const BESIDE: usize = 1_024;

/// How long what has been read is kept untold where there is nothing to send with it.
const TELL_AFTER: Duration = Duration::from_millis(100);

/// The most that is read of an answer: acknowledgements.
const MAX_ANSWER: usize = 64 * 1024;

/// Keeps the direction carried; returns why that is no longer possible.
pub(super) async fn run(tunnel: Arc<Tunnel>, tasks: TaskTracker) -> String {
    let (mut manner, mut doubts) = (tunnel.path.up.subscribe(), tunnel.doubts.subscribe());
    let mut pauses = Pauses::default();
    let mut chain = None;
    loop {
        let now = *manner.borrow_and_update();
        doubts.mark_unchanged();
        let (begin, acked) = (Instant::now(), tunnel.carriers.acked());
        let carried = match now {
            Manner::Stream => stream(&tunnel, &tasks, &mut chain, &mut doubts).await,
            Manner::Renewal | Manner::Batch | Manner::Trial => {
                chain = None;
                tokio::select! {
                    carried = batches(&tunnel, &mut pauses, &mut doubts) => carried,
                    // What the batches that are given up would have brought, the stream brings.
                    _ = manner.changed() => Ok(Outcome::Replaced),
                }
            }
        };
        let outcome = match carried {
            Ok(outcome) => outcome,
            Err(Trouble::Gone(cause)) => return cause,
            Err(trouble) => {
                tunnel.note(&trouble);
                Outcome::Failed
            }
        };
        let has_worked = tunnel.carriers.acked() > acked || begin.elapsed() >= GOOD_LIFE;
        let pause = pauses.next(outcome, has_worked, random_unit());
        // A clock that is asked for no time at all takes some.
        if !pause.is_zero() {
            sleep(pause).await;
        }
    }
}

/// A streaming carrier until its time, or its measure, is over. It then ends in the background, and its successor leaves
/// to it what it was given to bring. `chain` is that of carriers each of which relies on those before: it breaks where
/// one of them does, and the next begins at what has not been acknowledged.
async fn stream(
    tunnel: &Arc<Tunnel>,
    tasks: &TaskTracker,
    chain: &mut Option<CancellationToken>,
    doubts: &mut watch::Receiver<u64>,
) -> Result<Outcome, Trouble> {
    let begin = Instant::now();
    let (acked, most) = (tunnel.carriers.acked(), tunnel.path.stream());
    let relies = chain.is_some();
    let broken = chain.take().unwrap_or_default();
    let body = if relies { tunnel.carriers.send_on(acked, most) } else { tunnel.carriers.send(acked, most) };
    let body = body.map_err(Trouble::Gone)?;
    let (from, sent) = (body.from(), body.sent());
    let owner = Arc::clone(tunnel);
    let mut carried = Box::pin(async move {
        let carrier = owner.carrier(owner.next_epoch(), from, Manner::Stream);
        let response = owner.post(v2::WRITE, carrier, Some(Body::wrap(body))).await?;
        take_answer(&owner, response).await
    });
    tokio::select! {
        ended = carried.as_mut() => {
            match ended {
                Ok(()) => {
                    *chain = Some(broken);
                    tunnel.path.worked(Direction::Up, begin.elapsed(), sent.bytes());
                }
                Err(Trouble::TooLarge) => {
                    tunnel.path.stream_too_large(sent.bytes());
                    return Ok(Outcome::Empty);
                }
                Err(_) => tunnel.path.cut(Direction::Up, begin.elapsed(), sent.bytes()),
            }
            ended.map(|()| if sent.bytes() > 0 { Outcome::Worked } else { Outcome::Empty })
        }
        () = sleep(tunnel.path.life(Direction::Up)) => {
            tunnel.path.worked(Direction::Up, begin.elapsed(), sent.bytes());
            *chain = Some(broken.clone());
            tasks.spawn(async move {
                let ended = timeout(TAIL, carried).await;
                if !matches!(ended, Ok(Ok(()))) {
                    tracing::debug!(?ended, "a carrier that others rely on was cut");
                    broken.cancel();
                }
            });
            Ok(Outcome::Replaced)
        }
        () = broken.cancelled() => Err(Trouble::Cut("the carrier before was cut".to_owned())),
        // The server ends it where it lives, and takes what it has brought until then.
        _ = doubts.changed() => {
            tasks.spawn(async move { drop(timeout(TAIL, carried).await) });
            Ok(Outcome::Replaced)
        }
    }
}

/// Batches, several at a time, until one fails, or is too large. Where they are doubted, small ones that grow bring the same beside them:
/// on a path that is merely slow the ones before arrive all the same.
async fn batches(
    tunnel: &Arc<Tunnel>,
    pauses: &mut Pauses,
    doubts: &mut watch::Receiver<u64>,
) -> Result<Outcome, Trouble> {
    let turn = tunnel.carriers.supersede();
    // What was told before may have been lost with what came before, and nothing else may be left to say.
    tunnel.carriers.tell_again();
    let epoch = tunnel.next_epoch();
    let mut cursor = tunnel.carriers.acked();
    let (mut in_flight, mut doubted) = (JoinSet::new(), JoinSet::new());
    let mut careful = usize::MAX;
    loop {
        tokio::select! {
            Some(sent) = in_flight.join_next() => {
                match learn(tunnel, sent) {
                    Ok(()) => {
                        *pauses = Pauses::default();
                        careful = careful.saturating_mul(2);
                    }
                    Err(Trouble::TooLarge) => return Ok(Outcome::Empty),
                    Err(trouble) => return Err(trouble),
                }
            }
            // What one of these fails to bring has been brought since, or will be.
            Some(sent) = doubted.join_next() => if let Err(gone @ Trouble::Gone(_)) = learn(tunnel, sent) {
                return Err(gone);
            },
            _ = doubts.changed() => {
                if doubted.is_empty() {
                    std::mem::swap(&mut in_flight, &mut doubted);
                }
                in_flight.abort_all();
                careful = MIN_BATCH;
                cursor = tunnel.carriers.acked();
                tunnel.carriers.tell_again();
            }
            () = due(tunnel, cursor, turn), if in_flight.len() < IN_FLIGHT => {
                let most = tunnel.path.batch().min(tunnel.grant.batch).min(careful).saturating_sub(BESIDE);
                let batch = tunnel.carriers.batch(cursor, most).map_err(Trouble::Gone)?;
                cursor = batch.to;
                let owner = Arc::clone(tunnel);
                in_flight.spawn(async move {
                    let digest = Some(Digest::of(&batch.bytes));
                    let carrier = Carrier { digest, ..owner.carrier(epoch, batch.from, Manner::Batch) };
                    let response = owner.post(v2::WRITE, carrier, Some(Body::from(batch.bytes))).await?;
                    take_answer(&owner, response).await
                });
            }
        }
    }
}

/// Learns of the path from how a batch came out.
fn learn(tunnel: &Tunnel, sent: Result<Result<(), Trouble>, JoinError>) -> Result<(), Trouble> {
    let sent = sent.unwrap_or_else(|_| Err(Trouble::Cut("a batch was dropped".to_owned())));
    match sent {
        Ok(()) => tunnel.path.batch_worked(),
        Err(Trouble::TooLarge) => tunnel.path.batch_too_large(),
        Err(Trouble::Gone(_) | Trouble::Cut(_)) => tunnel.path.batch_cut(),
    }
    sent
}

/// Waits until there is something to send, or to tell.
async fn due(tunnel: &Tunnel, cursor: u64, turn: u64) {
    let untold = async {
        tunnel.carriers.until_untold().await;
        sleep(TELL_AFTER).await;
    };
    tokio::select! {
        () = tunnel.carriers.until_due(cursor, turn) => {}
        () = untold => {}
    }
}

/// The answer brings acknowledgements, and pongs.
async fn take_answer(tunnel: &Tunnel, mut response: Response) -> Result<(), Trouble> {
    let mut receiver = tunnel.carriers.receive(tunnel.carriers.wanted());
    let mut read = 0;
    while let Some(chunk) = response.chunk().await.map_err(|error| Trouble::Cut(error.to_string()))? {
        read += chunk.len();
        if read > MAX_ANSWER {
            return Err(Trouble::Cut("the answer to a carrier is too long".to_owned()));
        }
        receiver.take(chunk).map_err(|broken| Trouble::Gone(broken.to_string()))?;
    }
    Ok(())
}

/// How long a complete request takes there and back.
pub(super) async fn round_trip(tunnel: &Tunnel) -> Result<Duration, Trouble> {
    padded(tunnel, 0).await
}

/// How long a complete request that is about `pad` bytes longer takes there and back.
pub(super) async fn padded(tunnel: &Tunnel, pad: usize) -> Result<Duration, Trouble> {
    let begin = Instant::now();
    let batch = tunnel.carriers.trial(pad);
    let carrier = tunnel.carrier(tunnel.next_epoch(), batch.from, Manner::Trial);
    let response = tunnel.post(v2::WRITE, carrier, Some(Body::from(batch.bytes))).await?;
    take_answer(tunnel, response).await?;
    Ok(begin.elapsed())
}

/// How long the pings of a streaming request take to be answered, beyond the pauses between them.
pub(super) async fn trial(tunnel: &Tunnel) -> Result<Duration, Trouble> {
    let begin = Instant::now();
    let (body, number) = tunnel.carriers.probe();
    let carrier = tunnel.carrier(tunnel.next_epoch(), tunnel.carriers.acked(), Manner::Trial);
    tokio::select! {
        answered = tunnel.post(v2::WRITE, carrier, Some(Body::wrap(body))) => match answered {
            Ok(_) => Err(Trouble::Cut("a streaming request was answered before its end".to_owned())),
            Err(trouble) => Err(trouble),
        },
        () = tunnel.carriers.until_ponged(number) => Ok(begin.elapsed().saturating_sub(TRIAL_PAUSE)),
    }
}
