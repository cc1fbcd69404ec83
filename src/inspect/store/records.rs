//! Exchanges by their number and what they take, a pure value: never more than there is room for, and the oldest make room.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Totals;
use crate::inspect::exchange::{Exchange, Id, Message, Said, Side};

/// What an exchange takes beside its bytes: what it is made of, and its places in what holds it.
const EXCHANGE: usize = 1024;

/// The same for a message.
const MESSAGE: usize = 256;

/// How many messages of an exchange are kept.
const MAX_SAID: usize = 1_000;

/// What part of the room the messages of one exchange may take.
const SAID_SHARE: usize = 16;

/// All exchanges that are kept. Their numbers follow each other.
#[derive(Debug)]
pub(crate) struct Records {
    kept: VecDeque<Record>,
    /// The number of the oldest, or of the next where there is none.
    first: Id,
    room: usize,
    /// What all of them take, and what is held beside them.
    used: usize,
    evicted: u64,
    down: u64,
    up: u64,
}

#[derive(Debug)]
struct Record {
    exchange: Arc<Exchange>,
    /// What its messages take.
    said: usize,
    /// What it takes, these included.
    cost: usize,
    /// It waits for the link to come back.
    waits: bool,
}

/// What of an exchange grows by pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Body(Side),
    Trailers(Side),
}

impl Records {
    pub(super) fn new(room: usize) -> Self {
        Self { kept: VecDeque::new(), first: 1, room, used: 0, evicted: 0, down: 0, up: 0 }
    }

    pub(super) fn get(&self, id: Id) -> Option<&Arc<Exchange>> {
        self.at(id).map(|at| &self.kept[at].exchange)
    }

    /// So many that are older than `before`, the newest first.
    pub(super) fn newest(&self, count: usize, before: Id) -> Vec<Arc<Exchange>> {
        let older = usize::try_from(before.saturating_sub(self.first)).unwrap_or(usize::MAX).min(self.kept.len());
        self.kept.range(..older).rev().take(count).map(|record| Arc::clone(&record.exchange)).collect()
    }

    /// The link of a tunnel is lost: notes what is under way on it.
    pub(crate) fn link_lost(&mut self, tunnel: Option<&str>) {
        for record in self.kept.iter_mut().filter(|record| record.exchange.tunnel.as_deref() == tunnel) {
            let exchange = &record.exchange;
            record.waits = exchange.timing.ended.is_none() && exchange.replay_of.is_none();
        }
    }

    /// It is back: what was under way then has been resumed.
    pub(crate) fn link_back(&mut self, tunnel: Option<&str>) {
        for record in self.kept.iter_mut().filter(|record| record.exchange.tunnel.as_deref() == tunnel) {
            if std::mem::take(&mut record.waits) {
                Arc::make_mut(&mut record.exchange).resumed = true;
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.used -= self.kept.iter().map(|record| record.cost).sum::<usize>();
        self.first = self.next();
        self.kept = VecDeque::new();
    }

    pub(super) fn totals(&self) -> Totals {
        let (kept, seen) = (self.kept.len(), self.next() - 1);
        Totals { seen, kept, evicted: self.evicted, down: self.down, up: self.up, room: self.room, used: self.used }
    }

    /// Counts what of bodies passed, whether or not its exchange is kept.
    fn count(&mut self, by: Side, bytes: usize) {
        *(match by {
            Side::Visitor => &mut self.down,
            Side::Target => &mut self.up,
        }) += bytes as u64;
    }

    /// Takes in an exchange that has no messages, and numbers it.
    pub(crate) fn begin(&mut self, exchange: Exchange) -> Id {
        let id = self.next();
        let mut record = Record { exchange: Arc::new(Exchange { id, ..exchange }), said: 0, cost: 0, waits: false };
        record.cost = record.takes();
        if self.make_room(record.cost) {
            self.used += record.cost;
            self.kept.push_back(record);
        } else {
            // Not even alone; then all others have gone.
            self.evicted += 1;
            self.first = id + 1;
        }
        id
    }

    /// Changes what takes no room, if it is still there.
    pub(crate) fn edit(&mut self, id: Id, edit: impl FnOnce(&mut Exchange)) {
        self.grow(id, 0, edit);
    }

    /// Gives it the head of its answer, and changes what takes no room.
    pub(crate) fn answer(&mut self, id: Id, head: Vec<u8>, edit: impl FnOnce(&mut Exchange)) {
        self.grow(id, head.capacity(), |exchange| {
            exchange.response.get_or_insert_default().head = head;
            edit(exchange);
        });
    }

    /// Adds bytes to a part of it, of which so many are kept at most.
    pub(crate) fn append(&mut self, id: Id, part: Part, bytes: &[u8], limit: usize) {
        if let Part::Body(by) = part {
            self.count(by, bytes.len());
        }
        let Some(at) = self.at(id) else { return };
        let exchange = Arc::make_mut(&mut self.kept[at].exchange);
        part.count(exchange, bytes.len());
        let kept = part.kept(exchange);
        let bytes = &bytes[..bytes.len().min(limit.saturating_sub(kept.len()))];
        let needed = kept.len() + bytes.len();
        if needed <= kept.capacity() {
            return kept.extend_from_slice(bytes);
        }
        // The first piece may be all; what comes in many has not to be copied for each.
        let capacity = needed.max((2 * kept.capacity()).min(limit));
        let more = capacity - kept.capacity();
        self.grow(id, more, |exchange| {
            let kept = part.kept(exchange);
            kept.reserve_exact(capacity - kept.len());
            kept.extend_from_slice(bytes);
        });
    }

    /// Adds a message, if it is not one too many.
    pub(crate) fn say(&mut self, id: Id, said: Said) {
        let Some(at) = self.at(id) else { return };
        let record = &mut self.kept[at];
        let more = MESSAGE + said.body.kept.capacity();
        if record.exchange.said.len() == MAX_SAID || record.said + more > self.room / SAID_SHARE {
            Arc::make_mut(&mut record.exchange).unkept += 1;
            return;
        }
        record.said += more;
        self.grow(id, more, |exchange| exchange.said.push(said));
    }

    /// Makes room for something beside all exchanges. False where there is none.
    pub(crate) fn hold(&mut self, bytes: usize) -> bool {
        let fits = self.make_room(bytes);
        self.used += if fits { bytes } else { 0 };
        fits
    }

    /// Gives it back.
    pub(crate) fn release(&mut self, bytes: usize) {
        self.used -= bytes;
    }

    /// Changes an exchange after it has found room for so many bytes more.
    fn grow(&mut self, id: Id, more: usize, change: impl FnOnce(&mut Exchange)) {
        if self.at(id).is_none() {
            return;
        }
        self.make_room(more);
        // It may have been the oldest itself.
        let Some(at) = self.at(id) else { return };
        let record = &mut self.kept[at];
        change(Arc::make_mut(&mut record.exchange));
        let takes = record.takes();
        self.used = self.used - record.cost + takes;
        record.cost = takes;
    }

    /// Has the oldest make room. False where nothing is left and it is not enough.
    fn make_room(&mut self, more: usize) -> bool {
        while self.used + more > self.room {
            let Some(oldest) = self.kept.pop_front() else { return false };
            self.used -= oldest.cost;
            self.first += 1;
            self.evicted += 1;
        }
        true
    }

    fn at(&self, id: Id) -> Option<usize> {
        usize::try_from(id.checked_sub(self.first)?).ok().filter(|at| *at < self.kept.len())
    }

    fn next(&self) -> Id {
        self.first + self.kept.len() as Id
    }
}

impl Record {
    fn takes(&self) -> usize {
        let message =
            |message: &Message| message.head.capacity() + message.body.kept.capacity() + message.trailers.capacity();
        let Exchange { request, response, .. } = &*self.exchange;
        EXCHANGE + message(request) + response.as_ref().map_or(0, message) + self.said
    }
}

impl Part {
    fn message(self, exchange: &mut Exchange) -> &mut Message {
        match self {
            Self::Body(Side::Visitor) | Self::Trailers(Side::Visitor) => &mut exchange.request,
            Self::Body(Side::Target) | Self::Trailers(Side::Target) => exchange.response.get_or_insert_default(),
        }
    }

    fn kept(self, exchange: &mut Exchange) -> &mut Vec<u8> {
        let message = self.message(exchange);
        match self {
            Self::Body(_) => &mut message.body.kept,
            Self::Trailers(_) => &mut message.trailers,
        }
    }

    /// Of a body all bytes count, kept or not.
    fn count(self, exchange: &mut Exchange, bytes: usize) {
        if let Self::Body(_) = self {
            self.message(exchange).body.size += bytes as u64;
        }
    }
}
