//! Where a session is to live, as a pure function. Knows not what a session is.

use super::{Node, NodeId};

/// How many sessions fewer another node has to have at least: what is known of it is some seconds old, and it is no gain to be passed on
/// for a few.
const CLEARLY: u64 = 8;

/// The node that a session should be opened on, if that is another than `me`: the least loaded, where it has clearly fewer sessions
/// than this one, by an eighth at least. One that stops gives away all that it can.
#[must_use]
pub fn place(me: &Node, nodes: &[Node]) -> Option<NodeId> {
    let ready = nodes.iter().filter(|node| node.id != me.id && !node.draining);
    let least = ready.min_by_key(|node| (node.sessions, node.id))?;
    let clearly = CLEARLY.max(me.sessions / 8);
    (me.draining || least.sessions.saturating_add(clearly) <= me.sessions).then_some(least.id)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn node(id: u8, sessions: u64, draining: bool) -> Node {
        let id = NodeId::from_random([id; 8]);
        Node { id, address: "127.0.0.1:1".parse().unwrap(), url: None, sessions, draining }
    }

    #[track_caller]
    fn check(mine: u64, others: &[u64], chosen: Option<u8>) {
        let nodes: Vec<Node> = (1_u8..).zip(others).map(|(id, sessions)| node(id, *sessions, false)).collect();
        assert_eq!(place(&node(0, mine, false), &nodes), chosen.map(|id| NodeId::from_random([id; 8])));
    }

    #[test]
    fn where_a_session_goes() {
        check(0, &[], None);
        check(7, &[0], None);
        check(8, &[1, 0], Some(2));
        check(100, &[89], None);
        check(100, &[95, 88], Some(2));
        check(100, &[3, 3], Some(1));
    }

    #[test]
    fn who_stops_keeps_nothing_and_gets_nothing() {
        let others = [node(1, 500, false), node(2, 0, true)];
        assert_eq!(place(&node(0, 3, true), &others), Some(others[0].id));
        assert_eq!(place(&node(0, 600, false), &others[1..]), None);
    }

    proptest! {
        #[test]
        fn nobody_gives_to_who_would_give_back(mine in 0_u64..5000, others in vec(0_u64..5000, 0..6)) {
            let nodes: Vec<Node> = (1_u8..).zip(&others).map(|(id, sessions)| node(id, *sessions, false)).collect();
            let me = node(0, mine, false);
            if let Some(chosen) = place(&me, &nodes) {
                let mut there = nodes.iter().find(|node| node.id == chosen).unwrap().clone();
                there.sessions += 1;
                prop_assert_eq!(place(&there, &[me]), None);
            }
        }
    }
}
