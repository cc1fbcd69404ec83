//! What is known of one connection: which exchanges are not over, and how they end. What takes room is the store's.

use std::collections::VecDeque;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use super::super::Settings;
use super::super::exchange::{Id, Side, State};
use super::super::http1::{Asked, Why};
use super::super::store::{Change, Records, Store};
use super::direction::{Direction, Stage};

const CLOSED: &str = "the target closed the connection before it answered";

/// A server has a connection that it had before closed under its request, and then tries a fresh one.
const AGAIN: &str = "the target closed the connection before it answered; the server may have sent it again";

/// What a step is made with.
pub(super) struct Desk<'a> {
    pub(super) store: &'a Store,
    pub(super) records: MutexGuard<'a, Records>,
    pub(super) settings: Settings,
    pub(super) tunnel: &'a Option<Arc<str>>,
    pub(super) now: Instant,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    /// How long its visitor waited for it, and before that for the client; nothing once that is told.
    pub(super) held: Duration,
    pub(super) replay_of: Option<Id>,
    /// The newest of its exchanges.
    pub(super) newest: Option<Id>,
    /// The exchanges that are not over, the oldest first: all but the last have a whole request.
    pub(super) waiting: VecDeque<Waiting>,
    pub(super) down: Direction,
    pub(super) up: Direction,
    /// The target has closed its side, or both.
    pub(super) deserted: bool,
    /// Why nobody waits for more of it, where that is so.
    pub(super) given_up: Option<&'static str>,
}

/// An exchange that is not over.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) id: Id,
    pub(super) began: Instant,
    /// What of its request decides on its answer.
    pub(super) asked: Asked,
    /// The body of its request may never come.
    pub(super) expects: bool,
    /// Its request is whole.
    pub(super) whole: bool,
    /// Its answer is; of a WebSocket, both have said good-bye.
    pub(super) answered: bool,
}

impl Connection {
    pub(super) fn new(held: Duration, replay_of: Option<Id>) -> Self {
        let (down, up) = (Direction::new(), Direction::new());
        Self { held, replay_of, newest: None, waiting: VecDeque::new(), down, up, deserted: false, given_up: None }
    }

    /// Takes note of a direction's end.
    pub(super) fn ended(&mut self, desk: &mut Desk<'_>, side: Side) {
        match side {
            Side::Visitor => self.down_ended(desk),
            Side::Target => self.up_ended(desk),
        }
        if self.down.ended && self.up.ended {
            if let Stage::Frames(_) = self.up.stage {
                self.waiting.iter_mut().for_each(|waiting| waiting.answered = true);
            }
            self.cut(desk);
        }
    }

    /// Nothing more comes from either side.
    pub(super) fn cut(&mut self, desk: &mut Desk<'_>) {
        self.down_ended(desk);
        self.answer_breaks_off(desk);
        self.give_rest(desk);
        while let Some(waiting) = self.waiting.pop_front() {
            desk.over(&waiting, if waiting.is_over() { State::Done } else { self.cause() });
        }
    }

    /// How an exchange ends that is cut now.
    fn cause(&self) -> State {
        match (self.given_up, self.deserted, self.replay_of) {
            (Some(why), ..) => State::GivenUp(why),
            (None, true, None) => State::Unanswered(AGAIN),
            (None, true, Some(_)) => State::Unanswered(CLOSED),
            (None, false, _) => State::Cut,
        }
    }

    /// The target could not be reached: whatever was asked, nothing comes of it.
    pub(super) fn unreachable(&mut self, desk: &mut Desk<'_>, cause: &str) {
        self.down_ended(desk);
        if self.waiting.is_empty() {
            self.begin_unread(desk);
        }
        for waiting in self.waiting.drain(..) {
            desk.over(&waiting, State::Unreachable(cause.to_owned()));
        }
    }

    /// Whether nothing more is to be seen.
    pub(super) fn is_over(&self) -> bool {
        let nothing_waits = self.waiting.is_empty() && self.newest.is_some();
        nothing_waits || matches!(self.up.stage, Stage::Frames(_) | Stage::Opaque)
    }

    /// A message has ended.
    pub(super) fn message_ended(&mut self, desk: &mut Desk<'_>, by: Side) {
        self.give_rest_of(desk, by);
        match by {
            Side::Visitor => self.request_ended(desk),
            Side::Target => self.answer_ended(desk),
        }
    }

    /// What comes is not understood, by this side's doing.
    pub(super) fn give_up(&mut self, desk: &mut Desk<'_>, by: Side, why: Why) {
        if by == Side::Visitor && !self.down.head.bytes().is_empty() {
            self.begin_unread(desk);
        }
        self.opaque(desk, why);
    }

    /// From here on bytes are only counted.
    pub(super) fn opaque(&mut self, desk: &mut Desk<'_>, why: Why) {
        self.give_rest(desk);
        for waiting in &self.waiting {
            desk.records.edit(waiting.id, |exchange| exchange.state = State::Opaque(why));
            desk.store.tell(Change::Answered(waiting.id));
        }
    }

    /// Leaves to the exchanges what has come for them and is not whole, and looks at nothing more.
    fn give_rest(&mut self, desk: &mut Desk<'_>) {
        self.give_rest_of(desk, Side::Visitor);
        self.give_rest_of(desk, Side::Target);
        let head = self.up.head.take();
        if let Some(first) = self.waiting.front().filter(|_| !head.is_empty()) {
            desk.records.answer(first.id, head, |_| ());
        }
        for direction in [&mut self.down, &mut self.up] {
            direction.stage = Stage::Opaque;
            // What needs no room finds it.
            let _ = direction.settle(desk);
        }
    }

    fn give_rest_of(&mut self, desk: &mut Desk<'_>, by: Side) {
        let (direction, waiting) = self.at(by);
        if let (Some(heard), Some(waiting)) = (direction.stage.rest(), waiting) {
            desk.say(waiting, by, heard);
        }
    }
}

impl Waiting {
    /// Whether nothing is wanting: who expected to be told to go on, and was not, has said all.
    fn is_over(&self) -> bool {
        self.answered && (self.whole || self.expects)
    }
}

impl Desk<'_> {
    pub(super) fn both_clocks(&self) -> (Instant, Duration) {
        (self.now, (self.settings.now)())
    }

    /// Nothing more comes of an exchange.
    pub(super) fn over(&mut self, waiting: &Waiting, state: State) {
        let ended = self.now - waiting.began;
        self.records.edit(waiting.id, |exchange| {
            let is_answered = exchange.response.is_some();
            exchange.state = match (&exchange.state, state) {
                (State::Opaque(why), _) => State::Opaque(why),
                (_, State::Unanswered(_)) if is_answered => State::Cut,
                (_, state) => state,
            };
            exchange.timing.ended = Some(ended);
            // What was had for more than came.
            for message in std::iter::once(&mut exchange.request).chain(&mut exchange.response) {
                message.body.kept.shrink_to_fit();
                message.trailers.shrink_to_fit();
            }
        });
        self.store.tell(Change::Ended(waiting.id));
    }
}
