//! Tries whether carriers that stream get through, beside the batches that do the work, and goes over to them where
//! they do and are as quick.

use std::time::Duration;

use tokio::time::{sleep, timeout};

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

/// Tries, and tries again. Never returns: whatever comes of it, the session goes on.
pub(super) async fn run(tunnel: &Tunnel, client: &Client) {
    let path = &tunnel.path;
    let (mut again, mut told) = (AGAIN, String::new());
    loop {
        let round_trip = round_trip(tunnel).await;
        let (down, up) = tokio::join!(
            try_direction(&path.down, round_trip, || down::trial(tunnel)),
            try_direction(&path.up, round_trip, || up::trial(tunnel)),
        );
        let text = [Some(path.describe()), why("down", &down), why("up", &up)];
        let text = text.into_iter().flatten().collect::<Vec<_>>().join("; ");
        if text != told {
            told.clone_from(&text);
            client.tell(Event::Link { text });
        }
        loop {
            sleep(again).await;
            if *path.down.borrow() != Manner::Stream || *path.up.borrow() != Manner::Stream {
                again = (again * 2).min(LONGEST_AGAIN);
                break;
            }
            again = AGAIN;
        }
    }
}

fn why(direction: &str, outcome: &Result<(), String>) -> Option<String> {
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

async fn try_direction<F>(
    manner: &tokio::sync::watch::Sender<Manner>,
    round_trip: Duration,
    trial: impl Fn() -> F,
) -> Result<(), String>
where
    F: Future<Output = Result<Duration, Trouble>>,
{
    if *manner.borrow() == Manner::Stream {
        return Ok(());
    }
    let mut outcome = Ok(());
    for _ in 0..TRIES {
        outcome = match timeout(DEADLINE, trial()).await {
            Ok(Ok(took)) if took <= round_trip + LAG => {
                manner.send_replace(Manner::Stream);
                return Ok(());
            }
            Ok(Ok(took)) => Err(format!("streaming lags by {} ms", (took.saturating_sub(round_trip)).as_millis())),
            Ok(Err(trouble)) => Err(format!("streaming does not get through ({trouble:?})")),
            // Nothing will have changed a moment later.
            Err(_) => return Err("something on the way holds streams back".to_owned()),
        };
    }
    outcome
}
