//! Who moves, and that it ends.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Sessions that do so much on each thread.
fn doing(threads: &[&[u64]]) -> Vec<Doing> {
    let on = |(at, works): (usize, &&[u64])| works.iter().map(move |&work| Doing { at, work }).collect::<Vec<_>>();
    threads.iter().enumerate().flat_map(on).collect()
}

fn moved(threads: usize, sessions: &mut [Doing]) -> usize {
    let moves = moves(threads, sessions);
    for Move { which, to } in &moves {
        sessions[*which].at = *to;
    }
    moves.len()
}

#[track_caller]
fn check(before: &[&[u64]], after: &[&[u64]]) {
    let mut sessions = doing(before);
    moved(before.len(), &mut sessions);
    let on = |at| {
        let mut works: Vec<u64> = sessions.iter().filter(|doing| doing.at == at).map(|doing| doing.work).collect();
        works.sort_unstable();
        works
    };
    assert_eq!((0..before.len()).map(on).collect::<Vec<_>>(), after, "{before:?}");
}

#[test]
fn nobody_moves_without_need() {
    for threads in [
        &[&[][..], &[]][..],
        // Nobody does much.
        &[&[1, 1, 10], &[]],
        // Nobody else is there.
        &[&[5_000], &[]],
        // All threads do the same.
        &[&[5_000, 5_000], &[5_000, 5_000]],
        &[&[40, 40, 40], &[39, 41, 42]],
        // It would be little better.
        &[&[100, 1_000], &[300, 300, 300]],
        // There is no better.
        &[&[1_000], &[100, 100, 100]],
        &[&[1_000, 1_000]],
    ] {
        check(threads, threads);
    }
}

#[test]
fn who_does_much_is_apart_from_the_others() {
    check(&[&[10, 1_000], &[]], &[&[10], &[1_000]]);
    // Who does nothing is in nobody's way, and nobody in its.
    check(&[&[0, 10, 1_000], &[0]], &[&[0, 10], &[0, 1_000]]);
    check(&[&[10, 1_000], &[11]], &[&[1_000], &[10, 11]]);
    check(&[&[10, 1_000], &[11, 12]], &[&[1_000], &[10, 11, 12]]);
    check(&[&[10, 1_000, 1_001], &[11]], &[&[10, 1_000], &[11, 1_001]]);
    check(&[&[10, 1_000, 1_001], &[11], &[]], &[&[1_000], &[10, 11], &[1_001]]);
    check(&[&[50, 50, 50, 50], &[]], &[&[50, 50], &[50, 50]]);
}

fn sessions() -> impl Strategy<Value = (usize, Vec<Doing>)> {
    let work = prop_oneof![Just(0), 0..20_u64, 0..2_000_u64, 0..100_000_u64];
    (2..6_usize).prop_flat_map(move |threads| {
        let doing = (0..threads, work.clone()).prop_map(|(at, work)| Doing { at, work });
        (Just(threads), vec(doing, 0..40))
    })
}

fn cost_of(threads: usize, sessions: &[Doing]) -> u64 {
    cost(&on_threads(threads, sessions))
}

proptest! {
    /// Whoever moves makes it a quarter cheaper, so it ends; and there are few looks until then.
    #[test]
    fn under_a_constant_load_it_settles((threads, mut sessions) in sessions()) {
        let mut looks = 0;
        loop {
            let before = cost_of(threads, &sessions);
            if moved(threads, &mut sessions) == 0 {
                break;
            }
            prop_assert!(cost_of(threads, &sessions) * 4 <= before * 3);
            looks += 1;
        }
        prop_assert!(looks <= 2, "{looks}");
    }

    /// One that does more than all others together has a thread for itself in the end.
    #[test]
    fn a_flood_is_apart((threads, mut sessions) in sessions(), which: prop::sample::Index) {
        prop_assume!(!sessions.is_empty());
        let flooded = which.index(sessions.len());
        let others = || sessions.iter().enumerate().filter(|(which, _)| *which != flooded);
        let flood = others().map(|(_, doing)| doing.work).sum::<u64>() * 40 + 1_000;
        sessions[flooded].work = flood;
        while moved(threads, &mut sessions) > 0 {}
        let at = sessions[flooded].at;
        let beside = sessions.iter().filter(|doing| doing.at == at && doing.work > 0).count();
        prop_assert_eq!(beside, 1);
    }

    /// Whatever is counted, if it is a tenth off the truth at most, there is an end of moving: each time it is truly cheaper.
    #[test]
    fn noise_moves_nobody_to_and_fro((threads, mut sessions) in sessions(), noise in vec(vec(90..=110_u64, 40), 30)) {
        for noise in noise {
            let mut seen = sessions.clone();
            for (doing, noise) in seen.iter_mut().zip(noise) {
                doing.work *= noise;
            }
            let before = cost_of(threads, &sessions);
            if moved(threads, &mut seen) > 0 {
                sessions.iter_mut().zip(&seen).for_each(|(doing, seen)| doing.at = seen.at);
                prop_assert!(cost_of(threads, &sessions) < before);
            }
        }
    }
}
