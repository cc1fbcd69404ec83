//! The direction from server to client: one carrier after the other, each from the byte that is wanted next.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use reqwest::Body;
use reqwest::header::HeaderMap;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::super::backoff::GOOD_LIFE;
use super::super::link::text;
use super::super::random_unit;
use super::path::Direction;
use super::pause::{Outcome, Pauses};
use super::tunnel::{Trouble, Tunnel};
use crate::pipe::v2::{Broken, TRIAL_PAUSE, pings};
use crate::wire::v2::{self, Carrier, Manner};

/// How long a carrier may take to end once a newer one has taken over.
const TAIL: Duration = Duration::from_secs(15);

/// How long a stream may be silent before it is dead: half as much again as servers let it be.
const SILENCE: Duration = Duration::from_millis(7_500);

/// Keeps the direction carried; returns why that is no longer possible.
pub(super) async fn run(tunnel: Arc<Tunnel>, tasks: TaskTracker) -> String {
    let (mut manner, mut doubts) = (tunnel.path.down.subscribe(), tunnel.doubts.subscribe());
    let mut pauses = Pauses::default();
    let mut chain = None;
    loop {
        let now = *manner.borrow_and_update();
        doubts.mark_unchanged();
        let (begin, wanted) = (Instant::now(), tunnel.carriers.wanted());
        let carried = match now {
            Manner::Stream => stream(&tunnel, &tasks, &mut chain, &mut doubts).await,
            Manner::Renewal | Manner::Batch | Manner::Trial => {
                chain = None;
                let mut carried = Box::pin(carry(Arc::clone(&tunnel), Manner::Batch));
                tokio::select! {
                    carried = carried.as_mut() => carried,
                    // The stream brings the log; but what travels beside it, such as the answer to a trial's ping, may
                    // be on its way in the batch.
                    _ = manner.changed() => {
                        leave(&tasks, carried);
                        Ok(Outcome::Replaced)
                    }
                    _ = doubts.changed() => {
                        leave(&tasks, carried);
                        Ok(Outcome::Replaced)
                    }
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
        let has_worked = tunnel.carriers.wanted() > wanted || begin.elapsed() >= GOOD_LIFE;
        let pause = pauses.next(outcome, has_worked, random_unit());
        // A clock that is asked for no time at all takes some.
        if !pause.is_zero() {
            sleep(pause).await;
        }
    }
}

/// Reads on what a newer carrier does the work of, for it may bring something yet, until the server has ended it.
fn leave(tasks: &TaskTracker, carried: Pin<Box<impl Future<Output = Result<Outcome, Trouble>> + Send + 'static>>) {
    tasks.spawn(async move { drop(timeout(TAIL, carried).await) });
}

/// One carrier, read to its end.
async fn carry(tunnel: Arc<Tunnel>, manner: Manner) -> Result<Outcome, Trouble> {
    let from = tunnel.carriers.wanted();
    let carrier = tunnel.carrier(tunnel.next_epoch(), from, manner);
    let response = tunnel.post(v2::READ, carrier.clone(), None).await?;
    let from = begin_of(response.headers(), &carrier)?;
    let mut receiver = tunnel.carriers.receive(from);
    let body = Body::from(response);
    let read = match manner {
        Manner::Stream | Manner::Renewal => receiver.read_within(body, SILENCE).await,
        Manner::Batch | Manner::Trial => receiver.read(body).await,
    };
    match read {
        Ok(()) if receiver.has_news() => Ok(Outcome::Worked),
        Ok(()) => Ok(Outcome::Empty),
        Err(Broken::Violation(cause)) => Err(Trouble::Gone(cause)),
        Err(Broken::Cut(cause)) => Err(Trouble::Cut(cause)),
        Err(Broken::Gap(wanted)) => Err(Trouble::Cut(format!("the server began beyond {wanted}"))),
    }
}

/// Where an answer begins. One that belongs to another request, as where a proxy confuses them, would put bytes where they
/// are not. A server that does not say it is believed.
fn begin_of(headers: &HeaderMap, asked: &Carrier) -> Result<u64, Trouble> {
    let said = |name| match text(headers, name) {
        "" => Ok(None),
        number => number.parse::<u64>().map(Some).map_err(|_| ()),
    };
    match (said(v2::EPOCH_HEADER), said(v2::OFFSET_HEADER)) {
        (Ok(epoch), Ok(offset))
            if epoch.is_none_or(|epoch| epoch == asked.epoch)
                && (asked.manner == Manner::Renewal || offset.is_none_or(|offset| offset == asked.offset)) =>
        {
            Ok(offset.unwrap_or(asked.offset))
        }
        _ => Err(Trouble::Cut("something on the way gave the answer to another request".to_owned())),
    }
}

/// Why a carrier that goes on is not waited for any more.
enum Left {
    /// Its time is over.
    Done,
    /// One that it relies on was cut.
    Broken,
    Doubted,
}

/// A streaming carrier until its time is over. It then goes on in the background until its successor has ended it, so
/// that there is no gap, and its successor leaves to it what it was given to bring. `chain` is that of carriers each of
/// which relies on those before: it breaks where one of them does, and the next begins at what is wanted.
async fn stream(
    tunnel: &Arc<Tunnel>,
    tasks: &TaskTracker,
    chain: &mut Option<CancellationToken>,
    doubts: &mut watch::Receiver<u64>,
) -> Result<Outcome, Trouble> {
    let begin = Instant::now();
    let manner = if chain.is_some() { Manner::Renewal } else { Manner::Stream };
    let broken = chain.take().unwrap_or_default();
    let mut carried = Box::pin(carry(Arc::clone(tunnel), manner));
    // Looked at when one of them comes, and not with all that the carrier brings.
    let mut left = FuturesUnordered::from_iter([async {
        tokio::select! {
            () = sleep(tunnel.path.life(Direction::Down)) => Left::Done,
            () = broken.cancelled() => Left::Broken,
            _ = doubts.changed() => Left::Doubted,
        }
    }]);
    let why = tokio::select! {
        ended = carried.as_mut() => {
            match &ended {
                Ok(_) => tunnel.path.worked(Direction::Down, begin.elapsed(), 0),
                Err(_) => tunnel.path.cut(Direction::Down, begin.elapsed(), 0),
            }
            return ended;
        }
        why = left.select_next_some() => why,
    };
    drop(left);
    match why {
        Left::Done => {
            tunnel.path.worked(Direction::Down, begin.elapsed(), 0);
            *chain = Some(broken.clone());
            tasks.spawn(async move {
                let ended = timeout(TAIL, carried).await;
                if !matches!(ended, Ok(Ok(_))) {
                    tracing::debug!(?ended, "a carrier that others rely on was cut");
                    broken.cancel();
                }
            });
            Ok(Outcome::Replaced)
        }
        Left::Broken => Err(Trouble::Cut("the carrier before was cut".to_owned())),
        Left::Doubted => {
            leave(tasks, carried);
            Ok(Outcome::Replaced)
        }
    }
}

/// How long the records of a streaming answer take, beyond the pauses that the server makes between them.
pub(super) async fn trial(tunnel: &Tunnel) -> Result<Duration, Trouble> {
    let begin = Instant::now();
    let carrier = tunnel.carrier(tunnel.next_epoch(), tunnel.carriers.wanted(), Manner::Trial);
    let response = tunnel.post(v2::READ, carrier, None).await?;
    pings(Body::from(response)).await.map_err(|broken| Trouble::Cut(broken.to_string()))?;
    Ok(begin.elapsed().saturating_sub(TRIAL_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::SessionId;

    #[track_caller]
    fn check(manner: Manner, epoch: Option<&str>, offset: Option<&str>, expected: Option<u64>) {
        let asked = Carrier { session: SessionId::from_random([7; 32]), epoch: 7, offset: 100, manner, digest: None };
        let said = [(v2::EPOCH_HEADER, epoch), (v2::OFFSET_HEADER, offset)];
        let said = said.into_iter().filter_map(|(name, value)| Some((name.parse().unwrap(), value?.parse().unwrap())));
        assert_eq!(begin_of(&said.collect(), &asked).ok(), expected, "{manner:?} {epoch:?} {offset:?}");
    }

    #[test]
    fn the_answer_to_another_request_is_not_taken() {
        check(Manner::Batch, Some("7"), Some("100"), Some(100));
        check(Manner::Batch, Some("6"), Some("100"), None);
        check(Manner::Batch, Some("7"), Some("99"), None);
        check(Manner::Batch, None, Some("99"), None);
        check(Manner::Stream, None, Some("x"), None);
        check(Manner::Renewal, Some("7"), Some("300"), Some(300));
        check(Manner::Renewal, Some("6"), Some("300"), None);
        // An older server.
        check(Manner::Stream, None, Some("100"), Some(100));
        check(Manner::Batch, None, None, Some(100));
    }
}
