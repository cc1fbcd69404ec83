//! Tries whether carriers that stream get through, beside the batches that do the work, and goes over to them where
//! they do and are as quick.

use std::time::Duration;

use tokio::time::timeout;

use super::super::Event;
use super::super::session::Client;
use super::tunnel::{Trouble, Tunnel};
use super::{down, up};
use crate::wire::v2::Manner;

/// How long a trial may take: what holds bytes longer is no way to stream.
const DEADLINE: Duration = Duration::from_secs(2);

/// How much longer than a complete request a streaming one may take. `HAProxy` holds small pieces for 200 ms, and
/// complete ones not at all.
const LAG: Duration = Duration::from_millis(50);

/// How often a trial is repeated before its failure counts: the first may meet a cold connection.
const TRIES: usize = 3;

/// When to try again what did not work: soon, for it may have been a bad moment, and ever more seldom.
const AGAIN: Duration = Duration::from_secs(5);
const LONGEST_AGAIN: Duration = Duration::from_secs(60);

/// How the trials of both directions came out.
pub(super) struct Trial {
    /// How long a complete request took there and back.
    pub(super) round_trip: Duration,
    /// How long a stream took, where it is good enough to go over to.
    pub(super) down: Result<Duration, Hindrance>,
    pub(super) up: Result<Duration, Hindrance>,
}

/// Why a direction stays with batches.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Hindrance {
    /// Nothing came through in time.
    #[error("something on the way holds streams back")]
    Held,
    /// It took so much longer than a complete request.
    #[error("streaming lags by {} ms", .0.as_millis())]
    Lags(Duration),
    /// It was cut, or refused.
    #[error("streaming does not get through: {0}")]
    Broken(Trouble),
}

/// Tries, and tries again. Never returns: whatever comes of it, the session goes on.
pub(super) async fn run(tunnel: &Tunnel, client: &Client) {
    let path = &tunnel.path;
    let (mut again, mut told) = (AGAIN, String::new());
    loop {
        let trial = once(tunnel).await;
        let text = [Some(path.describe()), why("down", &trial.down), why("up", &trial.up)];
        let text = text.into_iter().flatten().collect::<Vec<_>>().join("; ");
        // Where complete requests fail as well, it is the link that is lost, of which others tell.
        let counts = trial.down.is_ok() && trial.up.is_ok() || passes(tunnel).await;
        if counts && text != told {
            told.clone_from(&text);
            client.tell(Event::Link { text });
        }
        loop {
            if timeout(again, tunnel.back.notified()).await.is_ok() {
                again = AGAIN;
                // What carries may have changed meanwhile, of which nobody was told.
                told.clear();
                break;
            }
            if *path.down.borrow() != Manner::Stream || *path.up.borrow() != Manner::Stream {
                again = (again * 2).min(LONGEST_AGAIN);
                break;
            }
            again = AGAIN;
        }
    }
}

/// Tries both directions, and has those go over to streams that may. Bounded by the trials' own deadlines.
pub(super) async fn once(tunnel: &Tunnel) -> Trial {
    let path = &tunnel.path;
    let round_trip = round_trip(tunnel).await;
    let (down, up) = tokio::join!(
        try_direction(&path.down, round_trip, || down::trial(tunnel)),
        try_direction(&path.up, round_trip, || up::trial(tunnel)),
    );
    Trial { round_trip, down, up }
}

fn why(direction: &str, outcome: &Result<Duration, Hindrance>) -> Option<String> {
    outcome.as_ref().err().map(|cause| format!("{direction}: {cause}"))
}

/// The shortest of several, for the first may meet a cold connection.
async fn round_trip(tunnel: &Tunnel) -> Duration {
    let mut shortest = DEADLINE;
    for _ in 0..TRIES {
        if let Ok(Ok(took)) = timeout(DEADLINE, up::round_trip(tunnel)).await {
            shortest = shortest.min(took);
        }
    }
    shortest
}

/// Whether a complete request passes.
async fn passes(tunnel: &Tunnel) -> bool {
    matches!(timeout(DEADLINE, up::round_trip(tunnel)).await, Ok(Ok(_)))
}

async fn try_direction<F>(
    manner: &tokio::sync::watch::Sender<Manner>,
    round_trip: Duration,
    trial: impl Fn() -> F,
) -> Result<Duration, Hindrance>
where
    F: Future<Output = Result<Duration, Trouble>>,
{
    if *manner.borrow() == Manner::Stream {
        return Ok(round_trip);
    }
    let mut outcome = Err(Hindrance::Held);
    for _ in 0..TRIES {
        outcome = match timeout(DEADLINE, trial()).await {
            Ok(Ok(took)) if took <= round_trip + LAG => {
                manner.send_replace(Manner::Stream);
                return Ok(took);
            }
            Ok(Ok(took)) => Err(Hindrance::Lags(took.saturating_sub(round_trip))),
            Ok(Err(trouble)) => Err(Hindrance::Broken(trouble)),
            // Nothing will have changed a moment later.
            Err(_) => return Err(Hindrance::Held),
        };
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_why_a_direction_does_not_stream() {
        let why = |trouble| Hindrance::Broken(trouble).to_string();
        assert_eq!(
            why(Trouble::Gone("the server does not know the session any more".to_owned())),
            "streaming does not get through: the server does not know the session any more"
        );
        assert_eq!(
            why(Trouble::TooLarge),
            "streaming does not get through: something on the way does not take as much at once"
        );
    }
}
