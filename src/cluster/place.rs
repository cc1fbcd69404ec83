//! Where a session is to live, as a pure function. Knows not what a session is.

use std::num::NonZero;

use super::{Node, NodeId};

/// How many sessions fewer another node has to have at least: what is known of it is some seconds old, and it is no gain to be passed on
/// for a few.
const CLEARLY: u64 = 8;

/// The node that a session should be opened on, if that is another than `me`: the lesser loaded of two that are taken at `random`,
/// where it has clearly fewer sessions than this one, by an eighth at least. Not the least loaded of all: until the next renewal all
/// others would give theirs to it as well. One that stops gives away all that it can.
#[must_use]
pub fn place(me: &Node, nodes: &[Node], random: u64) -> Option<NodeId> {
    let ready: Vec<&Node> = nodes.iter().filter(|node| node.id != me.id && !node.draining).collect();
    let lesser = two(&ready, random).into_iter().flatten().min_by_key(|node| (node.sessions, node.id))?;
    let clearly = CLEARLY.max(me.sessions / 8);
    (me.draining || lesser.sessions.saturating_add(clearly) <= me.sessions).then_some(lesser.id)
}

/// Two of them, or all that there are.
fn two<'a>(ready: &[&'a Node], random: u64) -> [Option<&'a Node>; 2] {
    let Some(count) = NonZero::new(ready.len() as u64) else { return [None; 2] };
    // The second is as many places on from the first, and never all round.
    let (first, rest) = (random % count, random / count);
    let second = NonZero::new(count.get() - 1).map(|others| (first + 1 + rest % others) % count);
    [Some(first), second].map(|at| ready.get(usize::try_from(at?).ok()?).copied())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn node(id: u8, sessions: u64, draining: bool) -> Node {
        let id = NodeId::from_random([id; 8]);
        Node { id, address: "127.0.0.1:1".parse().unwrap(), url: None, sessions, draining }
    }

    /// Whom it gives one to, by all numbers that lead to different ones.
    #[track_caller]
    fn check(mine: u64, others: &[u64], chosen: &[u8]) {
        let nodes: Vec<Node> = (1_u8..).zip(others).map(|(id, sessions)| node(id, *sessions, false)).collect();
        let seen: BTreeSet<_> = (0..100).filter_map(|random| place(&node(0, mine, false), &nodes, random)).collect();
        assert_eq!(seen, chosen.iter().map(|id| NodeId::from_random([*id; 8])).collect());
    }

    #[test]
    fn where_a_session_goes() {
        check(0, &[], &[]);
        check(7, &[0], &[]);
        check(8, &[0], &[1]);
        check(8, &[1, 0], &[2]);
        check(100, &[89], &[]);
        check(100, &[95, 88], &[2]);
        check(100, &[3, 3], &[1]);
        check(100, &[3, 2, 1], &[2, 3]);
        check(100, &[95, 95, 0], &[3]);
    }

    #[test]
    fn who_stops_keeps_nothing_and_gets_nothing() {
        let others = [node(1, 500, false), node(2, 0, true)];
        assert_eq!(place(&node(0, 3, true), &others, 0), Some(others[0].id));
        assert_eq!(place(&node(0, 600, false), &others[1..], 0), None);
    }

    proptest! {
        #[test]
        fn nobody_gives_to_who_would_give_back(
            mine in 0_u64..5000,
            others in vec(0_u64..5000, 0..6),
            random in any::<[u64; 2]>(),
        ) {
            let nodes: Vec<Node> = (1_u8..).zip(&others).map(|(id, sessions)| node(id, *sessions, false)).collect();
            let me = node(0, mine, false);
            if let Some(chosen) = place(&me, &nodes, random[0]) {
                let mut there = nodes.iter().find(|node| node.id == chosen).unwrap().clone();
                there.sessions += 1;
                prop_assert_eq!(place(&there, &[me], random[1]), None);
            }
        }

        /// Of three servers each knows of both others; of more each two are taken as often as any other.
        #[test]
        fn two_are_taken_and_each_as_often(count in 2_u8..9, round in 0_u64..1000) {
            let nodes: Vec<Node> = (0..count).map(|id| node(id, 0, false)).collect();
            let ready: Vec<&Node> = nodes.iter().collect();
            let pairs = u64::from(count) * u64::from(count - 1);
            let taken = (0..pairs).map(|random| two(&ready, round * pairs + random).map(|node| node.map(|node| node.id)));
            let taken: BTreeSet<_> = taken.collect();
            prop_assert_eq!(taken.len() as u64, pairs);
            prop_assert!(taken.iter().all(|[first, second]| first != second && second.is_some()));
        }
    }
}
