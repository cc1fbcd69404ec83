//! The visitor's direction: requests, one behind the other.

use super::super::exchange::{Exchange, Message, State, Timing};
use super::super::http1::{Asked, Body, Framing, Request, Why};
use super::super::store::Change;
use super::connection::{Connection, Desk, Waiting};
use super::direction::Stage;

/// How many requests may wait for their answers.
const MAX_WAITING: usize = 64;

impl Connection {
    /// Takes in what there is of the next request's head.
    pub(super) fn request_head(&mut self, desk: &mut Desk<'_>, bytes: &mut &[u8]) -> Result<(), Why> {
        if self.down.head.bytes().is_empty() {
            skip_empty_lines(bytes);
            if bytes.is_empty() {
                return Ok(());
            }
            if self.waiting.len() == MAX_WAITING {
                return Err("too many requests wait for their answers");
            }
        }
        let Some((head, request)) = self.down.head.whole(bytes, Request::parse)? else { return Ok(()) };
        self.begin(desk, head, &request);
        let body = Body::new(request.framing);
        if !body.is_over() {
            self.down.stage = Stage::Body(body, None);
        }
        Ok(())
    }

    /// The request is whole.
    pub(super) fn request_ended(&mut self, desk: &mut Desk<'_>) {
        self.down.stage = Stage::Head;
        let Some(waiting) = self.waiting.back_mut() else { return };
        waiting.whole = true;
        let asked = desk.now - waiting.began;
        desk.records.edit(waiting.id, |exchange| exchange.timing.asked = Some(asked));
        self.pop_if_over(desk);
    }

    /// The visitor says no more.
    pub(super) fn down_ended(&mut self, desk: &mut Desk<'_>) {
        self.down.ended = true;
        if self.down.head.bytes().is_empty() {
            return;
        }
        let read = Request::parse(self.down.head.bytes());
        self.begin_unread(desk);
        if let Err(why) = read {
            self.opaque(desk, why);
        }
    }

    /// Adds an exchange whose head is not whole, or none, to those that are not over; more of it is only counted.
    pub(super) fn begin_unread(&mut self, desk: &mut Desk<'_>) {
        let head = self.down.head.take();
        self.begin(desk, head, &Request { asked: Asked::Other, framing: Framing::UntilClose, expects: false });
        self.down.stage = Stage::Opaque;
    }

    fn begin(&mut self, desk: &mut Desk<'_>, head: Vec<u8>, request: &Request) {
        let Request { asked, expects, framing } = *request;
        let (began, started) = self.down.began(desk);
        // The visitor had come before there was a connection to show it on.
        let waited = std::mem::take(&mut self.held);
        let (began, started) = (began.checked_sub(waited).unwrap_or(began), started.saturating_sub(waited));
        let whole = framing == Framing::Length(0);
        let timing = Timing { held: waited, asked: whole.then(|| desk.now - began), ..Timing::default() };
        let id = desk.records.begin(Exchange {
            id: 0,
            tunnel: desk.tunnel.clone(),
            started,
            request: Message { head, ..Message::default() },
            response: None,
            said: Vec::new(),
            unkept: 0,
            state: State::Asked,
            timing,
            resumed: false,
            replay_of: self.replay_of,
        });
        self.newest = Some(id);
        self.waiting.push_back(Waiting { id, began, asked, expects, whole, answered: false });
        desk.store.tell(Change::Began(id));
    }
}

/// Some stand between messages without belonging to one. (RFC 9112, section 2.2)
pub(super) fn skip_empty_lines(bytes: &mut &[u8]) {
    let begin = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n'));
    *bytes = &bytes[begin.unwrap_or(bytes.len())..];
}
