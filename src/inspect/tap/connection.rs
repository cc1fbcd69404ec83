//! What is known of one connection: where each direction is, and which exchanges are not over. What takes room is the
//! store's.

use std::collections::VecDeque;
use std::sync::MutexGuard;
use std::time::Duration;

use tokio::time::Instant;

use super::super::Settings;
use super::super::exchange::{Exchange, Id, Message, Side, State, Timing};
use super::super::http1::{Asked, Body, Framing, Partial, Request, Why};
use super::super::store::{Change, Part, Records, Store};

/// How many requests may wait for their answers.
pub(super) const MAX_WAITING: usize = 64;

/// The most that is kept of what stands behind the last chunk.
pub(super) const MAX_TRAILERS: usize = 16 * 1024;

/// What a step is made with.
pub(super) struct Desk<'a> {
    pub(super) store: &'a Store,
    pub(super) records: MutexGuard<'a, Records>,
    pub(super) settings: Settings,
    pub(super) now: Instant,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    /// How long its visitor waited for it; nothing once that is told.
    held: Duration,
    replay_of: Option<Id>,
    /// The newest of its exchanges.
    pub(super) newest: Option<Id>,
    /// The exchanges that are not over, the oldest first: all but the last have a whole request.
    pub(super) waiting: VecDeque<Waiting>,
    pub(super) down: Direction,
    pub(super) up: Direction,
}

/// One direction.
#[derive(Debug)]
pub(super) struct Direction {
    pub(super) stage: Stage,
    /// The head that is under way.
    pub(super) head: Partial,
    /// The room that it has in the store.
    reserved: usize,
    /// When it began, on both clocks.
    since: Option<(Instant, Duration)>,
    pub(super) ended: bool,
}

/// What comes next in a direction.
#[derive(Debug)]
pub(super) enum Stage {
    Head,
    Body(Body),
    /// What is only counted.
    Opaque,
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
    /// Its answer is.
    pub(super) answered: bool,
}

impl Connection {
    pub(super) fn new(held: Duration, replay_of: Option<Id>) -> Self {
        let (down, up) = (Direction::new(), Direction::new());
        Self { held, replay_of, newest: None, waiting: VecDeque::new(), down, up }
    }

    /// Takes note of a direction's end.
    pub(super) fn ended(&mut self, desk: &mut Desk<'_>, side: Side) {
        match side {
            Side::Visitor => self.down_ended(desk),
            Side::Target => self.up_ended(desk),
        }
        if self.down.ended && self.up.ended {
            self.cut(desk);
        }
    }

    /// Nothing more comes from either side.
    pub(super) fn cut(&mut self, desk: &mut Desk<'_>) {
        self.down_ended(desk);
        if let Some(first) = self.waiting.front() {
            self.up.give_head(desk, first.id);
        }
        while let Some(waiting) = self.waiting.pop_front() {
            desk.over(&waiting, if waiting.is_over() { State::Done } else { State::Cut });
        }
    }

    /// The target could not be reached: whatever was asked, nothing comes of it.
    pub(super) fn unreachable(&mut self, desk: &mut Desk<'_>, cause: String) {
        self.down_ended(desk);
        if self.waiting.is_empty() {
            self.begin_unread(desk);
        }
        for waiting in self.waiting.drain(..) {
            desk.over(&waiting, State::Unreachable(cause.clone()));
        }
    }

    /// Whether nothing more is to be seen.
    pub(super) fn is_over(&self) -> bool {
        let nothing_waits = self.waiting.is_empty() && self.newest.is_some();
        nothing_waits || !matches!(self.up.stage, Stage::Head | Stage::Body(_))
    }

    /// Adds an exchange with this head to those that are not over.
    pub(super) fn begin(&mut self, desk: &mut Desk<'_>, head: Vec<u8>, request: &Request) {
        let (began, started) = self.down.since.take().unwrap_or_else(|| desk.both_clocks());
        let whole = request.framing == Framing::Length(0);
        let asked = whole.then(|| desk.now - began);
        let id = desk.records.begin(Exchange {
            id: 0,
            started,
            request: Message { head, ..Message::default() },
            response: None,
            said: Vec::new(),
            unkept: 0,
            state: State::Asked,
            timing: Timing { held: std::mem::take(&mut self.held), asked, ..Timing::default() },
            resumed: false,
            replay_of: self.replay_of,
        });
        self.newest = Some(id);
        let Request { asked, expects, .. } = *request;
        self.waiting.push_back(Waiting { id, began, asked, expects, whole, answered: false });
        desk.store.tell(Change::Began(id));
    }

    /// The same for a head that is not whole, or none.
    pub(super) fn begin_unread(&mut self, desk: &mut Desk<'_>) {
        let head = self.down.take_head(desk);
        self.begin(desk, head, &Request { asked: Asked::Other, framing: Framing::UntilClose, expects: false });
        self.down.stage = Stage::Opaque;
    }

    /// From here on bytes are only counted.
    pub(super) fn give_up(&mut self, desk: &mut Desk<'_>, why: Why) {
        if let Some(first) = self.waiting.front() {
            self.up.give_head(desk, first.id);
        }
        for waiting in &self.waiting {
            desk.records.edit(waiting.id, |exchange| exchange.state = State::Opaque(why));
            desk.store.tell(Change::Answered(waiting.id));
        }
        (self.down.stage, self.up.stage) = (Stage::Opaque, Stage::Opaque);
    }

    /// Counts bytes that are not looked at.
    pub(super) fn count(&self, desk: &mut Desk<'_>, part: Part, bytes: &[u8]) {
        if let Some(first) = self.waiting.front() {
            desk.records.append(first.id, part, bytes, 0);
        }
    }
}

impl Direction {
    fn new() -> Self {
        Self { stage: Stage::Head, head: Partial::default(), reserved: 0, since: None, ended: false }
    }

    /// Has what has come of a head find room, and notes when it began.
    pub(super) fn reserve_head(&mut self, desk: &mut Desk<'_>) -> Result<(), Why> {
        if self.since.is_none() {
            self.since = Some(desk.both_clocks());
        }
        let more = self.head.capacity() - self.reserved;
        if !desk.records.hold(more) {
            return Err("there is no room for its head");
        }
        self.reserved += more;
        Ok(())
    }

    /// When the head that is now whole began.
    pub(super) fn head_ended(&mut self, desk: &mut Desk<'_>) -> Instant {
        desk.records.release(std::mem::take(&mut self.reserved));
        self.since.take().map_or(desk.now, |(since, _)| since)
    }

    /// What has come of a head.
    fn take_head(&mut self, desk: &mut Desk<'_>) -> Vec<u8> {
        desk.records.release(std::mem::take(&mut self.reserved));
        self.head.take()
    }

    /// Gives it to the exchange that it answers.
    fn give_head(&mut self, desk: &mut Desk<'_>, id: Id) {
        let head = self.take_head(desk);
        if !head.is_empty() {
            desk.records.answer(id, head, |_| ());
        }
    }
}

impl Waiting {
    /// Whether nothing is wanting: who expected to be told to go on, and was not, has said all.
    pub(super) fn is_over(&self) -> bool {
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
            if !matches!(exchange.state, State::Opaque(_)) {
                exchange.state = state;
            }
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
