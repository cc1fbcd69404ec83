//! What was found out of webhooks, so that nobody has to twice: whose each is, and whether its signature holds, which takes
//! many HMACs of its body. Pure: a number of the newest.

use std::collections::BTreeMap;

use crate::inspect::webhook::{Verdict, Webhook};
use crate::inspect::{Exchange, Id};

/// How many are known at most.
const MAX_KNOWN: usize = 4_096;

/// The newest that anybody has asked for.
#[derive(Default)]
pub(super) struct Known(BTreeMap<Id, (u64, Finding)>);

/// What is known of one as long as no more of its body comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) webhook: Webhook,
    /// Whether its signature holds; none where that could not be told.
    pub(super) signature: Option<Verdict>,
}

impl Known {
    pub(super) fn get(&self, exchange: &Exchange) -> Option<Finding> {
        let (size, finding) = self.0.get(&exchange.id)?;
        (*size == exchange.request.body.size).then(|| finding.clone())
    }

    /// Keeps it, and forgets the oldest for it.
    pub(super) fn put(&mut self, exchange: &Exchange, finding: Finding) {
        self.0.insert(exchange.id, (exchange.request.body.size, finding));
        if self.0.len() > MAX_KNOWN {
            self.0.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::inspect::webhook::Provider;
    use crate::inspect::{Body, Message};

    fn exchange(id: Id, size: u64) -> Exchange {
        Exchange { id, ..Exchange::of(Message { body: Body { kept: Vec::new(), size }, ..Message::default() }) }
    }

    fn finding(event: &str) -> Finding {
        let event = Some(event.to_owned());
        Finding { webhook: Webhook { provider: Provider::GitHub, event, delivery: None }, signature: None }
    }

    #[test]
    fn what_is_known_is_of_the_body_as_it_is_and_of_the_newest() {
        let mut known = Known::default();
        known.put(&exchange(1, 10), finding("a"));
        assert_eq!(known.get(&exchange(1, 10)), Some(finding("a")));
        assert_eq!((known.get(&exchange(1, 11)), known.get(&exchange(2, 10))), (None, None));
        known.put(&exchange(1, 11), finding("b"));
        assert_eq!((known.get(&exchange(1, 10)), known.get(&exchange(1, 11))), (None, Some(finding("b"))));
        for id in 2..=MAX_KNOWN as Id + 1 {
            known.put(&exchange(id, 0), finding("c"));
        }
        assert_eq!((known.0.len(), known.get(&exchange(1, 11))), (MAX_KNOWN, None));
        assert_eq!(known.get(&exchange(2, 0)), Some(finding("c")));
    }
}
