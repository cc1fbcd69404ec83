//! The measures, each a request that is a carrier in all but what it brings, each with a deadline.

use std::time::Duration;

use reqwest::{Body, Response};
use tokio::time::{Instant, timeout};

use super::super::open::whole;
use super::super::tunnel::{Trouble, Tunnel};
use super::flush::{self, Flush};
use super::report::{Largest, Life};
use crate::pipe::v2::{Paced, marks};
use crate::wire::v2::Manner;
use crate::wire::v2::measure::{Arrival, MAX_MEASURE, MEASURE_DOWN, MEASURE_UP, Piece, Plan};

/// Between two pieces, and before the first: longer than `HAProxy` holds one, so that each is judged by itself.
const PAUSE: Duration = Duration::from_millis(250);

/// From the smallest record that there is to more than most buffers hold, and the smallest again, to tell what is held
/// for its size from what is held for being the first. All of it is less than the smallest limit on bodies that is met.
const SIZES: [usize; 6] = [12, 128, 1_024, 4_096, 16_384, 12];

/// How often pieces are sent until two measures agree.
const TRIES: usize = 3;

/// How long all of these may take; one takes a [`PAUSE`] for each piece.
const PIECES_DEADLINE: Duration = Duration::from_millis(5_500);

/// How long a batch is waited for at the server before it is answered, as a long poll is.
const POLL: Duration = Duration::from_millis(100);

/// How long one complete exchange may take.
const EXCHANGE_DEADLINE: Duration = Duration::from_secs(2);

/// How long the search for the largest body may take.
const BODIES_DEADLINE: Duration = Duration::from_secs(3);

/// The body that is tried first: as large as a batch is at most.
const FIRST_BODY: u64 = 512 * 1024;

/// The smallest body that is tried.
const LEAST_BODY: u64 = 16 * 1024;

/// How often a stream says something: as often as a carrier that has nothing to say.
const SIGN: Duration = Duration::from_secs(5);

/// How much longer than asked for a stream may take to have ended.
const TAIL: Duration = Duration::from_secs(2);

/// How the pieces of an answer came through.
pub(super) struct Down {
    pub(super) flush: Option<Flush>,
    /// Whether the head came no earlier than the first piece; none where all of it was held.
    pub(super) head_held: bool,
    pub(super) headers: reqwest::header::HeaderMap,
    /// When it was asked for and when its head came, by the wall clock.
    pub(super) asked: Duration,
    pub(super) came: Duration,
}

/// How the pieces of a request came through.
pub(super) struct Up {
    pub(super) flush: Flush,
    pub(super) arrival: Arrival,
}

fn pieces() -> Vec<(Duration, usize)> {
    SIZES.map(|bytes| (PAUSE, bytes)).to_vec()
}

/// Answers in pieces, until it is clear what becomes of these.
pub(super) async fn pieces_down(tunnel: &Tunnel, clock: fn() -> Duration) -> Option<Down> {
    let (mut seen, mut last) = (Vec::new(), None);
    let measured = async {
        while seen.len() < TRIES && flush::settled(&seen).is_none() {
            let Ok(down) = one_down(tunnel, clock).await else { return };
            let Some(flush) = down.flush else { return };
            seen.push(flush);
            last = Some(down);
        }
    };
    // What was seen before the time was up counts.
    let _ = timeout(PIECES_DEADLINE, measured).await;
    last
}

async fn one_down(tunnel: &Tunnel, clock: fn() -> Duration) -> Result<Down, Trouble> {
    let asked = clock();
    let response = ask_down(tunnel, Manner::Trial, &pieces()).await?;
    let (came, headers) = (clock(), response.headers().clone());
    let marks = marks(Body::from(response), MAX_MEASURE).await.marks;
    tracing::debug!(?marks, "an answer came in pieces");
    // The server sends the head at once, and the first piece a pause later.
    let head_held = marks.first().is_some_and(|(at, _)| *at < PAUSE / 2);
    Ok(Down { flush: flush::judge(&pieces(), &marks), head_held, headers, asked, came })
}

/// Requests in pieces, until it is clear what becomes of these.
pub(super) async fn pieces_up(tunnel: &Tunnel) -> Option<Up> {
    let (mut seen, mut last) = (Vec::new(), None);
    let measured = async {
        while seen.len() < TRIES && flush::settled(&seen).is_none() {
            let body = Body::wrap(Paced::new(pieces()));
            let Ok(arrival) = send_up(tunnel, Manner::Trial, body).await else { return };
            tracing::debug!(?arrival, "a request came in pieces");
            let marks: Vec<_> =
                arrival.marks.iter().map(|mark| (Duration::from_millis(mark.at_ms), mark.bytes)).collect();
            let Some(flush) = flush::judge(&pieces(), &marks) else { return };
            seen.push(flush);
            last = Some(Up { flush, arrival });
        }
    };
    // What was seen before the time was up counts.
    let _ = timeout(PIECES_DEADLINE, measured).await;
    last
}

/// How long a complete answer takes beyond the time that the server was asked to wait.
pub(super) async fn batch_down(tunnel: &Tunnel) -> Option<Duration> {
    let begin = Instant::now();
    let polled = async {
        let response = ask_down(tunnel, Manner::Batch, &[(POLL, 12)]).await.ok()?;
        let seen = marks(Body::from(response), MAX_MEASURE).await;
        seen.whole.then(|| begin.elapsed().saturating_sub(POLL))
    };
    timeout(EXCHANGE_DEADLINE, polled).await.ok().flatten()
}

/// How long a complete request takes to be answered.
pub(super) async fn batch_up(tunnel: &Tunnel) -> Option<Duration> {
    let begin = Instant::now();
    let sent = send_up(tunnel, Manner::Batch, Body::from(vec![0; 12]));
    timeout(EXCHANGE_DEADLINE, sent).await.ok()?.ok().map(|_| begin.elapsed())
}

/// The largest body that passes, by doubling and halving.
pub(super) async fn largest(tunnel: &Tunnel, manner: Manner) -> Option<Largest> {
    let begin = Instant::now();
    let (mut passed, mut refused, mut next) = (0, u64::MAX, FIRST_BODY);
    while next < refused && next > passed && (LEAST_BODY..=MAX_MEASURE).contains(&next) {
        let left = BODIES_DEADLINE.saturating_sub(begin.elapsed());
        match timeout(left, send_up(tunnel, manner, body(manner, next))).await {
            Ok(Ok(arrival)) if arrival.marks.last().is_some_and(|mark| mark.bytes == next) => {
                (passed, next) = (next, next * 2);
            }
            Ok(_) => (refused, next) = (next, next / 2),
            Err(_) => break,
        }
    }
    let largest = Largest { bytes: passed, limited: refused != u64::MAX };
    (passed > 0 || largest.limited).then_some(largest)
}

fn body(manner: Manner, bytes: u64) -> Body {
    const CHUNK: usize = 16 * 1024;
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    match manner {
        Manner::Batch => Body::from(vec![0; bytes]),
        Manner::Stream | Manner::Renewal | Manner::Trial => {
            Body::wrap(Paced::new(vec![(Duration::ZERO, CHUNK); bytes / CHUNK]))
        }
    }
}

/// How old an answer becomes, if it is let live for so long.
pub(super) async fn life_down(tunnel: &Tunnel, longest: Duration) -> Option<Life> {
    let begin = Instant::now();
    let lived = async {
        let response = ask_down(tunnel, Manner::Trial, &signs(longest)).await.ok()?;
        Some(marks(Body::from(response), MAX_MEASURE).await.whole)
    };
    let whole = timeout(longest + TAIL, lived).await.ok().flatten()?;
    Some(life(whole, begin.elapsed(), longest))
}

/// How old a request becomes, if it is let live for so long.
pub(super) async fn life_up(tunnel: &Tunnel, longest: Duration) -> Option<Life> {
    let begin = Instant::now();
    let sent = send_up(tunnel, Manner::Trial, Body::wrap(Paced::new(signs(longest))));
    let whole = timeout(longest + TAIL, sent).await.ok()?.is_ok();
    Some(life(whole, begin.elapsed(), longest))
}

fn life(whole: bool, lived: Duration, longest: Duration) -> Life {
    let lived = if whole { longest } else { lived.min(longest) };
    Life { ms: u64::try_from(lived.as_millis()).unwrap_or(u64::MAX), cut: !whole }
}

/// A stream that has nothing to say for so long.
fn signs(longest: Duration) -> Vec<(Duration, usize)> {
    let (mut pieces, mut left) = (vec![(Duration::ZERO, 12)], longest);
    while !left.is_zero() {
        let after = left.min(SIGN);
        pieces.push((after, 12));
        left -= after;
    }
    pieces
}

async fn ask_down(tunnel: &Tunnel, manner: Manner, pieces: &[(Duration, usize)]) -> Result<Response, Trouble> {
    let piece = |(after, bytes): &(Duration, usize)| Piece {
        after_ms: u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
        bytes: *bytes,
    };
    let plan = Plan { pieces: pieces.iter().map(piece).collect() };
    let body = Body::from(serde_json::to_string(&plan).unwrap_or_default());
    tunnel.post(MEASURE_DOWN, tunnel.carrier(tunnel.next_epoch(), 0, manner), Some(body)).await
}

async fn send_up(tunnel: &Tunnel, manner: Manner, body: Body) -> Result<Arrival, Trouble> {
    let carrier = tunnel.carrier(tunnel.next_epoch(), 0, manner);
    let mut response = tunnel.post(MEASURE_UP, carrier, Some(body)).await?;
    let arrival = serde_json::from_slice(&whole(&mut response).await);
    arrival.map_err(|_| Trouble::Cut("a measure was answered with something else".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_with_nothing_to_say_speaks_every_five_seconds() {
        let after = |longest: u64| {
            let signs = signs(Duration::from_secs(longest));
            signs.iter().map(|(after, _)| after.as_secs()).collect::<Vec<_>>()
        };
        assert_eq!(after(1), [0, 1]);
        assert_eq!(after(10), [0, 5, 5]);
        assert_eq!(after(12), [0, 5, 5, 2]);
        let longest = signs(Duration::from_secs(600));
        assert!(longest.len() <= crate::wire::v2::measure::MAX_PIECES);
    }
}
