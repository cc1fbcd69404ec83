//! What was told already, and so what is news: a pure value, but for the clock's readings that it is given.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::client::Event;
use crate::inspect::api::Sort;
use crate::inspect::{Exchange, Id, Message, State};

/// How many lines of exchanges people are shown in a second. Of those beyond, the number is told.
const MAX_LINES: u32 = 100;

#[derive(Default)]
pub(super) struct Told {
    /// Where visitors find the tunnel, if that is a host of its own.
    pub(super) hosted: Option<String>,
    /// Whether the tunnel has stood.
    pub(super) head: bool,
    /// What was under way when the link was lost.
    pub(super) under_way: Vec<Id>,
    /// How many exchanges went wrong.
    pub(super) errors: u64,
    /// Whether some went by unseen.
    pub(super) missed: bool,
    /// The last trouble, without what of it changes from time to time.
    trouble: String,
    /// Exchanges that were told of as they began, and go on.
    open: BTreeSet<Id>,
    /// When the second began whose lines are counted, and how many it has had.
    second: Option<(Instant, u32)>,
}

/// Where a change is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Nowhere,
    /// To people, and so to scripts.
    Line,
    /// To scripts only.
    Event,
}

impl Told {
    /// The tunnel stands; whether for the first time.
    pub(super) fn is_first(&mut self) -> bool {
        self.trouble.clear();
        !std::mem::replace(&mut self.head, true)
    }

    /// Whether a trouble is another than the last one.
    pub(super) fn is_news(&mut self, event: &Event) -> bool {
        let trouble = match event {
            Event::Retrying { cause, .. } | Event::Target { cause, .. } => cause,
            Event::Back { .. } => {
                self.trouble.clear();
                return true;
            }
            _ => return true,
        };
        let is_news = *trouble != self.trouble;
        self.trouble.clone_from(trouble);
        is_news
    }

    /// An answer has begun, or is not understood. What has no end that is soon, or is seen, is told of now.
    pub(super) fn answered(&mut self, exchange: &Exchange) -> Place {
        let ends = Sort::of(exchange) == Sort::Http && !matches!(exchange.state, State::Opaque(_));
        if ends || !self.open.insert(exchange.id) { Place::Nowhere } else { Place::Line }
    }

    /// It is over.
    pub(super) fn ended(&mut self, exchange: &Exchange) -> Place {
        self.errors += u64::from(is_error(exchange));
        if self.open.remove(&exchange.id) { Place::Event } else { Place::Line }
    }

    /// Whether there may be another line for people in this second, and how many the one before had too many.
    pub(super) fn may_say(&mut self, now: Instant) -> (bool, Option<u32>) {
        let (mut begun, mut count, mut more) = match self.second {
            Some((begun, count)) => (begun, count, None),
            None => (now, 0, None),
        };
        if now.duration_since(begun) >= Duration::from_secs(1) {
            more = count.checked_sub(MAX_LINES).filter(|more| *more > 0);
            (begun, count) = (now, 0);
        }
        self.second = Some((begun, count.saturating_add(1)));
        (count < MAX_LINES, more)
    }
}

/// Whether something went wrong that is not the visitor's doing.
fn is_error(exchange: &Exchange) -> bool {
    let status = exchange.response.as_ref().and_then(Message::status);
    matches!(exchange.state, State::Cut | State::Unanswered(_) | State::GivenUp(_) | State::Unreachable(_))
        || status.is_some_and(|status| status >= 500)
}

/// What was told, held for a moment.
pub(super) fn locked(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that is done, and had this answer.
    fn exchange(id: Id, answer: &str) -> Exchange {
        Exchange {
            id,
            response: Some(Message { head: format!("HTTP/1.1 {answer}\r\n\r\n").into(), ..Message::default() }),
            ..Exchange::of(Message::default())
        }
    }

    #[test]
    fn each_exchange_has_one_line() {
        let mut told = Told::default();
        let (http, socket) = (exchange(1, "200"), exchange(2, "101\r\nUpgrade: websocket"));
        assert_eq!((told.answered(&http), told.ended(&http)), (Place::Nowhere, Place::Line));
        assert_eq!((told.answered(&socket), told.answered(&socket)), (Place::Line, Place::Nowhere));
        assert_eq!((told.ended(&socket), told.errors), (Place::Event, 0));
        let opaque = Exchange { state: State::Opaque("no HTTP"), ..exchange(6, "200") };
        assert_eq!((told.answered(&opaque), told.ended(&opaque)), (Place::Line, Place::Event));
        let cut = Exchange { state: State::Cut, ..exchange(3, "200") };
        told.ended(&cut);
        told.ended(&exchange(4, "500"));
        told.ended(&exchange(5, "404"));
        assert_eq!(told.errors, 2);
    }

    #[test]
    fn a_trouble_is_told_once() {
        let retrying = |cause: &str| Event::Retrying { cause: cause.to_owned(), after: Duration::ZERO };
        let mut told = Told::default();
        let seen = ["a", "a", "b", "a"].map(|cause| told.is_news(&retrying(cause)));
        assert_eq!(seen, [true, false, true, true]);
        assert!(told.is_first() && told.is_news(&retrying("a")) && !told.is_first());
        assert!(told.is_news(&Event::Back { after: Duration::ZERO, held: 0, lost: 0 }) && told.is_news(&retrying("a")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_is_counted() {
        let (mut told, now) = (Told::default(), Instant::now());
        let said = (0..250).filter(|_| told.may_say(now).0).count();
        assert_eq!(said, 100);
        let later = now + Duration::from_secs(1);
        assert_eq!(told.may_say(later), (true, Some(150)));
        assert_eq!(told.may_say(later), (true, None));
    }
}
