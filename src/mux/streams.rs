//! The streams of one connection: what frames make of them, and which frame goes out next. A pure value.

use std::collections::{BTreeMap, VecDeque};
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::credit::Tuning;
use super::decoder::Part;
use super::flow::{Flow, Side, Wakes};
use super::frame::{Header, Kind, Malformed, flag};

/// How many streams a peer may open. Far beyond need, and fewer where memory could not hold their windows anyway.
const MAX_STREAMS: usize = if usize::BITS < 64 { 4_096 } else { 65_536 };

/// What a peer did that ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Violation {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("stream {0} cannot be opened: it is there, or not the peer's to open")]
    Opened(u32),
    #[error("more than {MAX_STREAMS} streams")]
    Streams,
    #[error("stream {0} has brought more than its window")]
    Flood(u32),
    #[error("stream {0} is to take more than there can be")]
    Window(u32),
    #[error("the peer has ended the connection with the code {0}")]
    GoneAway(u32),
}

/// What a part of a frame has changed.
#[derive(Debug, Default)]
pub(super) struct Received {
    /// The peer has opened this stream.
    pub(super) opened: Option<u32>,
    pub(super) wakes: Wakes,
}

pub(super) struct Streams {
    /// Whether this is the end that opens them.
    opens: bool,
    /// The number of the next one, until all have been used.
    next: Option<u32>,
    // A peer cannot make it slow by the numbers that it chooses.
    flows: BTreeMap<u32, Flow>,
    /// Those that have something to say, in turn.
    listed: VecDeque<u32>,
    tuning: Tuning,
    /// Nothing is opened or written any more.
    is_over: bool,
    /// One more was to be opened than there are numbers.
    is_spent: bool,
}

impl Streams {
    /// Those of the end that opens them, or of the other.
    pub(super) fn new(opens: bool) -> Self {
        Self {
            opens,
            next: opens.then_some(2),
            flows: BTreeMap::new(),
            listed: VecDeque::new(),
            tuning: Tuning::new(),
            is_over: false,
            is_spent: false,
        }
    }

    /// Has something done with a stream, if it is there, which then says what it has to in its turn.
    pub(super) fn with<R>(&mut self, stream: u32, act: impl FnOnce(&mut Flow, &mut Tuning) -> R) -> Option<R> {
        let flow = self.flows.get_mut(&stream)?;
        let result = act(flow, &mut self.tuning);
        list(flow, stream, &mut self.listed);
        Some(result)
    }

    /// Whether nothing is written any more.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Opens a stream, if the connection lives and has a number left.
    pub(super) fn open(&mut self, unseen: OwnedSemaphorePermit, now: Duration) -> Option<u32> {
        self.is_spent |= self.next.is_none();
        let stream = self.next.filter(|_| !self.is_over)?;
        self.next = stream.checked_add(2);
        self.flows.insert(stream, Flow::ours(unseen, now));
        Some(stream)
    }

    /// Takes in a part of a frame that speaks of a stream. One that nobody knows any more is passed over.
    pub(super) fn receive(&mut self, part: Part, now: impl FnOnce() -> Duration) -> Result<Received, Violation> {
        let Part { header, is_first, is_last, body } = part;
        let stream = header.stream;
        let opened = is_first && header.says(flag::SYN);
        if opened {
            self.begin(stream, now())?;
        }
        let Some(flow) = self.flows.get_mut(&stream) else { return Ok(Received::default()) };
        let mut wakes = Wakes::default();
        if is_first {
            wakes.unseen = if header.says(flag::ACK) { flow.seen() } else { None };
            announced(flow, header)?;
            wakes.writer = if header.kind == Kind::Window { flow.writer.take() } else { None };
        }
        if flow.theirs == Side::Open && !flow.is_dropped && !body.is_empty() {
            flow.inbox.push(body);
            wakes.reader = flow.reader.take();
        }
        if is_last && header.says(flag::RST) {
            wakes.add(flow.cut());
        } else if is_last && header.says(flag::FIN) {
            flow.ended();
            wakes.reader = wakes.reader.or_else(|| flow.reader.take());
        }
        let opened = (opened && !flow.is_dropped).then_some(stream);
        if flow.is_done() {
            self.forget(stream);
        }
        Ok(Received { opened, wakes })
    }

    /// The peer opens a stream. One that opens what it should only accept has it reset.
    fn begin(&mut self, stream: u32, now: Duration) -> Result<(), Violation> {
        let is_theirs = stream % 2 == u32::from(self.opens);
        if stream == 0 || !is_theirs || self.flows.contains_key(&stream) {
            return Err(Violation::Opened(stream));
        }
        if self.flows.len() >= MAX_STREAMS {
            return Err(Violation::Streams);
        }
        let mut flow = Flow::theirs(now);
        if self.opens {
            let _ = flow.give_up();
        }
        list(&mut flow, stream, &mut self.listed);
        self.flows.insert(stream, flow);
        Ok(())
    }

    /// Nobody has the stream any more. Whoever would have been told of it is to be dropped once nothing is locked.
    pub(super) fn give_up(&mut self, stream: u32) -> Wakes {
        let given = self.with(stream, |flow, _| (flow.give_up(), flow.is_done()));
        let (wakes, is_done) = given.unwrap_or_default();
        if is_done {
            self.forget(stream);
        }
        wakes
    }

    /// A stream is done.
    fn forget(&mut self, stream: u32) {
        if let Some(mut flow) = self.flows.remove(&stream) {
            if flow.is_listed {
                // Nothing but this would bound the list, where a peer opens and resets streams and takes nothing.
                self.listed.retain(|listed| *listed != stream);
            }
            flow.credit.give_back(&mut self.tuning);
        }
    }

    /// The answer to a ping that measures.
    pub(super) fn ponged(&mut self, number: u32, now: Duration) {
        self.tuning.ponged(number, now);
    }

    /// Whether there is a frame to be sent.
    pub(super) fn has_due(&self) -> bool {
        !self.listed.is_empty() || self.tuning.is_due()
    }

    /// Whether the connection is of no more use: another has to be opened for what was to be opened on it.
    pub(super) fn is_spent(&self) -> bool {
        self.is_spent
    }

    /// The next frame that is to be sent, and who may write on.
    pub(super) fn next_frame(&mut self, now: impl FnOnce() -> Duration) -> Option<(Header, Bytes, Wakes)> {
        if self.tuning.is_due() {
            return self.tuning.next_ping(now()).map(|number| (Header::trip(number), Bytes::new(), Wakes::default()));
        }
        loop {
            let stream = self.listed.pop_front()?;
            let Some(flow) = self.flows.get_mut(&stream) else { continue };
            flow.is_listed = false;
            let frame = flow.next_frame(stream);
            let writer = if flow.room() > 0 { flow.writer.take() } else { None };
            list(flow, stream, &mut self.listed);
            if flow.is_done() {
                self.forget(stream);
            }
            if let Some((header, body)) = frame {
                return Some((header, body, Wakes { writer, ..Wakes::default() }));
            }
        }
    }

    /// The connection ends behind what was written: whoever waits to write more is told.
    pub(super) fn close(&mut self) -> Vec<Waker> {
        self.is_over = true;
        self.flows.values_mut().filter_map(|flow| flow.writer.take()).collect()
    }

    /// The connection is over: whoever waits is told.
    pub(super) fn end(&mut self) -> Vec<Wakes> {
        self.is_over = true;
        self.flows.values_mut().map(Flow::cut).collect()
    }
}

/// Has a stream say what it has to, in its turn.
fn list(flow: &mut Flow, stream: u32, listed: &mut VecDeque<u32>) {
    if flow.has_due() && !flow.is_listed {
        flow.is_listed = true;
        listed.push_back(stream);
    }
}

/// What a frame's header says of its stream.
fn announced(flow: &mut Flow, header: Header) -> Result<(), Violation> {
    let Header { kind, stream, length, .. } = header;
    match kind {
        Kind::Window if flow.widen(length) => Ok(()),
        Kind::Window => Err(Violation::Window(stream)),
        _ if length == 0 => Ok(()),
        _ => match flow.theirs {
            Side::Open if flow.credit.spend(length) => Ok(()),
            Side::Open => Err(Violation::Flood(stream)),
            // Go peers may send an end before what is written beside it.
            Side::Ended | Side::Cut => Ok(()),
        },
    }
}

#[cfg(test)]
mod tests;
