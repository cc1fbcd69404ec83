//! Tells what is dead from what is slow: a few small requests beside what is not answered show how quick the path is, and
//! so how long the answer may take.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::tunnel::{Trouble, Tunnel};
use super::up;

/// What is sent to see how long it takes.
const PAD: u16 = 8 * 1024;

/// How much longer than the path needs the answer may take.
const LENIENCE: u128 = 2;

/// How long a probe may take. Those that come later may find a path that is there again.
const DEADLINE: Duration = Duration::from_secs(15);

/// What became of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The path is there, and has had the time that it needs: what is not answered is dead.
    Dead,
    /// The path is there, and may just be slow.
    Slow,
    /// Nothing came.
    Nothing,
}

/// A probe while nothing has been answered for `owing`, on connections of its own.
pub(super) async fn run(tunnel: &Tunnel, owing: Duration) -> Verdict {
    let (begin, on_its_way) = (Instant::now(), tunnel.carriers.on_its_way());
    let measured = async {
        // The first makes the connection.
        up::round_trip(tunnel).await?;
        let round_trip = up::round_trip(tunnel).await?;
        Ok(up::padded(tunnel, usize::from(PAD)).await?.saturating_sub(round_trip))
    };
    match timeout(DEADLINE, measured).await {
        Ok(Ok(spent)) if is_dead(owing + begin.elapsed(), on_its_way, spent) => Verdict::Dead,
        Ok(Ok(_)) => Verdict::Slow,
        // What carries has to learn of it.
        Ok(Err(Trouble::Gone(_))) => Verdict::Dead,
        Ok(Err(trouble)) => {
            tunnel.note(&trouble);
            Verdict::Nothing
        }
        Err(_) => Verdict::Nothing,
    }
}

/// Whether what is on its way would have been answered in this time by a path that needs so long for a probe.
fn is_dead(owing: Duration, on_its_way: u64, spent: Duration) -> bool {
    let needed = spent.as_millis() * u128::from(on_its_way) / u128::from(PAD);
    owing.as_millis() >= needed * LENIENCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(owing: u64, on_its_way: u64, spent: u64, expected: bool) {
        let ms = Duration::from_millis;
        assert_eq!(is_dead(ms(owing), on_its_way, ms(spent)), expected, "{owing} {on_its_way} {spent}");
    }

    #[test]
    fn what_a_slow_path_needs_long_for_is_not_dead() {
        // 24 KB a second, half a megabyte.
        check(2_500, 524_288, 340, false);
        check(40_000, 524_288, 340, false);
        check(44_000, 524_288, 340, true);
        // A quick path.
        check(2_500, 524_288, 10, true);
        // Nothing but a question.
        check(2_500, 0, 5_000, true);
    }
}
