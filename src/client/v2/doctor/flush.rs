//! What a path does to small pieces of a stream, told from when they were due and when they came. Pure.

use std::time::Duration;

use serde::Serialize;

/// What comes so much later than the most punctual piece was held on the way.
const LATE: Duration = Duration::from_millis(100);

/// What a path does to the pieces of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Holding {
    /// They pass as they come.
    Nothing,
    /// Small ones are held for a while, to be sent with what may follow.
    Small {
        /// For how long, in milliseconds.
        for_ms: u64,
    },
    /// Nothing passes before so much has come; after that it does.
    Beginning {
        /// How many bytes.
        bytes: u64,
    },
    /// Small ones pass, but the end of what is larger than a buffer waits for more.
    Ends,
    /// Nothing passes before a buffer is full, or the end has come.
    All,
}

/// How a paced body came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flush {
    pub(super) holding: Holding,
    /// The smallest piece that passed at once, in bytes.
    pub(super) smallest: Option<usize>,
}

/// What follows from pieces, each so long after the one before, of which so many bytes had come by then. `None` where not all of
/// them came.
pub(super) fn judge(pieces: &[(Duration, usize)], marks: &[(Duration, u64)]) -> Option<Flush> {
    let (mut due, mut sum, mut delays) = (Duration::ZERO, 0, Vec::new());
    for (after, bytes) in pieces {
        (due, sum) = (due + *after, sum + *bytes as u64);
        let (came, _) = marks.iter().find(|(_, bytes)| *bytes >= sum)?;
        delays.push(came.as_secs_f64() - due.as_secs_f64());
    }
    // The clocks of the two ends begin at different moments, and the way takes its time.
    let base = delays.iter().copied().reduce(f64::min)?;
    let delays: Vec<Duration> = delays.into_iter().map(|delay| Duration::from_secs_f64(delay - base)).collect();
    let late = |delay: &Duration| *delay > LATE;
    let pause = pieces.iter().skip(1).map(|(after, _)| *after).min().unwrap_or_default();
    let worst = delays.iter().copied().max().unwrap_or_default();
    let first_punctual = delays.iter().position(|delay| !late(delay)).unwrap_or_default();
    let holding = if worst <= LATE {
        Holding::Nothing
    } else if first_punctual == 0 {
        Holding::Ends
    } else if worst <= pause {
        Holding::Small { for_ms: u64::try_from(worst.as_millis()).unwrap_or(u64::MAX) }
    } else if first_punctual + 1 < delays.len() && !delays[first_punctual..].iter().any(late) {
        Holding::Beginning { bytes: pieces[..=first_punctual].iter().map(|(_, bytes)| *bytes as u64).sum() }
    } else {
        Holding::All
    };
    let judged =
        pieces.iter().zip(&delays).skip(if matches!(holding, Holding::Beginning { .. }) { first_punctual } else { 0 });
    let held = judged.clone().filter(|(_, delay)| late(delay)).map(|((_, bytes), _)| *bytes).max().unwrap_or_default();
    // What is no larger than a piece that was held passed because others were there to push it on.
    let smallest = judged.map(|((_, bytes), _)| *bytes).filter(|bytes| *bytes > held).min();
    Some(Flush { holding, smallest: smallest.filter(|_| holding != Holding::All) })
}

/// What several measures of one path agree on, the moment that it is known: something that is busy elsewhere holds
/// pieces once, a path that holds them does so again.
pub(super) fn settled(seen: &[Flush]) -> Option<Flush> {
    let (last, before) = seen.split_last()?;
    let alike = |other: &Flush| std::mem::discriminant(&other.holding) == std::mem::discriminant(&last.holding);
    (last.holding == Holding::Nothing || before.iter().any(alike)).then_some(*last)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: [usize; 6] = [12, 128, 1_024, 4_096, 16_384, 12];

    /// Each piece comes so late, in milliseconds; negative as the other end's clock begins later.
    #[track_caller]
    fn check(delays: [i64; 6], expected: Option<(Holding, Option<usize>)>) {
        let pieces = SIZES.map(|bytes| (Duration::from_millis(250), bytes));
        let (mut sum, mut marks) = (0, Vec::new());
        for (number, (size, delay)) in SIZES.iter().zip(delays).enumerate() {
            sum += *size as u64;
            let due = 250 * (i64::try_from(number).unwrap() + 1);
            marks.push((Duration::from_millis(u64::try_from(due + delay).unwrap()), sum));
        }
        let seen = judge(&pieces, &marks).map(|flush| (flush.holding, flush.smallest));
        assert_eq!(seen, expected, "{delays:?}");
    }

    #[test]
    fn verdicts() {
        check([0; 6], Some((Holding::Nothing, Some(12))));
        check([40, 3, 9, 0, 80, 7], Some((Holding::Nothing, Some(12))));
        check([500; 6], Some((Holding::Nothing, Some(12))));
        check([-200; 6], Some((Holding::Nothing, Some(12))));
        check([207, 205, 201, 207, 0, 30], Some((Holding::Small { for_ms: 207 }, Some(16_384))));
        check([207, 205, 201, 207, 204, 0], Some((Holding::Small { for_ms: 207 }, None)));
        check([1_000, 750, 500, 250, 0, 0], Some((Holding::Beginning { bytes: 21_644 }, Some(12))));
        check([1_250, 1_000, 750, 500, 250, 0], Some((Holding::All, None)));
        check([0, 0, 0, 250, 249, 0], Some((Holding::Ends, None)));
    }

    #[test]
    fn what_never_came_is_not_judged() {
        assert_eq!(judge(&[(Duration::ZERO, 12), (Duration::ZERO, 12)], &[(Duration::ZERO, 12)]), None);
        assert_eq!(judge(&[], &[]), None);
    }

    #[track_caller]
    fn settles(seen: &[Holding], expected: Option<Holding>) {
        let seen: Vec<Flush> = seen.iter().map(|&holding| Flush { holding, smallest: None }).collect();
        assert_eq!(settled(&seen).map(|flush| flush.holding), expected, "{seen:?}");
    }

    #[test]
    fn a_verdict_takes_two_measures_or_a_good_one() {
        let small = |for_ms| Holding::Small { for_ms };
        settles(&[], None);
        settles(&[Holding::Nothing], Some(Holding::Nothing));
        settles(&[small(207)], None);
        settles(&[small(207), small(205)], Some(small(205)));
        settles(&[small(120), Holding::Nothing], Some(Holding::Nothing));
        settles(&[Holding::All, Holding::Ends], None);
        settles(&[Holding::All, Holding::Ends, Holding::All], Some(Holding::All));
    }
}
