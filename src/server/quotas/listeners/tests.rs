//! Who is told to go, and who is not.

use futures_util::FutureExt as _;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    Listens,
    Leaves,
    Wants,
    GivesUp,
}

proptest! {
    /// The one who has listened for the longest goes, one for each who wants a place, and few always stay.
    #[test]
    fn a_crowd_makes_room_one_for_one(
        few in 1..4_usize,
        steps in proptest::collection::vec((
            proptest::sample::select(vec![Step::Listens, Step::Leaves, Step::Wants, Step::GivesUp]),
            any::<Index>(),
        ), 0..100),
    ) {
        let listeners = Listeners::new(few);
        let (mut listening, mut wanting) = (Vec::new(), Vec::new());
        for (step, which) in steps {
            match step {
                Step::Listens => listening.push(Box::pin(listeners.told_to_go())),
                Step::Wants => wanting.push(Box::pin(listeners.displace())),
                Step::Leaves if !listening.is_empty() => drop(listening.remove(which.index(listening.len()))),
                Step::GivesUp if !wanting.is_empty() => drop(wanting.remove(which.index(wanting.len()))),
                Step::Leaves | Step::GivesUp => {}
            }
            let room = wanting.len().min(listening.len().saturating_sub(few));
            for listener in &mut listening {
                prop_assert!(listener.now_or_never().is_none(), "nobody has told it");
            }
            let wanted = wanting.len();
            wanting.retain_mut(|want| want.now_or_never().is_none());
            prop_assert_eq!(wanted - wanting.len(), room);
            let told: Vec<bool> = listening.iter_mut().map(|listener| listener.now_or_never().is_some()).collect();
            prop_assert!(told.iter().enumerate().all(|(at, told)| *told == (at < room)), "{:?}, {} to go", told, room);
            listening.drain(..room);
        }
    }
}
