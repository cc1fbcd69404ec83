//! What `connect` tells while it runs: a head once the tunnel stands, a line for each exchange, each change of the link once, and
//! the totals at the end. Lines come from what the inspector keeps, never from the way that bytes take. Knows no flag.

mod happening;
mod line;
mod look;
mod paint;
mod told;

use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{Instant, sleep};

pub(crate) use happening::sentence;
pub(crate) use look::{Look, Stream};
pub(crate) use paint::{Colour, Paint, clean};

use self::happening::{Happening, Outage, State, happening};
use self::told::{Place, Told};
use super::output::{self, Format};
use super::qr::{self, Ink};
use super::units::{size, took};
use crate::client::Event;
use crate::inspect::api::{Summary, Webhooks};
use crate::inspect::{self, Change, Id, Inspector};

/// How long lines rest after some, so that of many exchanges each does not cost a turn of its own.
const REST: Duration = Duration::from_millis(10);

/// What is said at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Voice {
    /// Everything.
    Full,
    /// How the link is, and what fails.
    Quiet,
}

/// What is told of.
pub(crate) struct Subject {
    /// The public URL, as it was typed.
    pub(crate) source: String,
    /// The target's.
    pub(crate) target: String,
    /// Where the inspector's page is.
    pub(crate) inspect: Option<String>,
    /// Whose exchanges have lines.
    pub(crate) inspector: Option<Inspector>,
    /// What their signatures are judged by.
    pub(crate) webhooks: Webhooks,
}

/// How it is told.
pub(crate) struct Manner {
    pub(crate) voice: Voice,
    pub(crate) format: Format,
    pub(crate) look: Look,
    /// In what the head shows the URL as a QR code.
    pub(crate) qr: Option<Ink>,
}

/// Tells of a client.
pub(crate) struct Terminal {
    subject: Subject,
    manner: Manner,
    ready: Notify,
    // Held for a moment, never across an await.
    told: Mutex<Told>,
    started: Instant,
}

/// What happens to exchanges, for who tells of it.
pub(crate) struct Changes(Option<Receiver<Change>>);

impl Terminal {
    pub(crate) fn new(subject: Subject, manner: Manner, now: Instant) -> Self {
        Self { subject, manner, ready: Notify::new(), told: Mutex::default(), started: now }
    }

    /// Waits until the tunnel stands; without end where it never does.
    pub(crate) async fn ready(&self) {
        self.ready.notified().await;
    }

    /// What happens from now on.
    pub(crate) fn changes(&self) -> Changes {
        let inspector = self.subject.inspector.as_ref().filter(|_| self.manner.voice == Voice::Full);
        Changes(inspector.map(|inspector| inspector.store().follow()))
    }

    /// Tells of an event of the client's. Never waits for a reader.
    pub(crate) fn event(&self, event: &Event) {
        match event {
            Event::Ready => self.stands(),
            Event::Lost { .. } => self.told().under_way = self.under_way(),
            _ => {}
        }
        let outage = match event {
            Event::Back { .. } => self.outage(),
            _ => None,
        };
        let (Some(sentence), Some(happening)) = (sentence(event, outage), happening(event, outage)) else { return };
        if self.is_person() && !self.told().is_news(event) {
            return;
        }
        match event {
            Event::Link { text } if self.is_person() => self.labelled("link", text, Colour::Dim),
            _ => output::event("INFO", sentence, &happening),
        }
    }

    /// Tells of exchanges as they end, a moment later. Cancelled, it leaves the rest to [`Self::rest`].
    pub(crate) async fn follow(&self, changes: &mut Changes) -> Infallible {
        let Some(changes) = &mut changes.0 else { return std::future::pending().await };
        loop {
            match changes.recv().await {
                Ok(change) => self.change(change),
                Err(RecvError::Lagged(changes)) => self.missed(changes),
                // The inspector lives as long as this does.
                Err(RecvError::Closed) => return std::future::pending().await,
            }
            self.take(changes);
            sleep(REST).await;
        }
    }

    /// Tells of what has happened and was not told yet, and says good-bye.
    pub(crate) fn rest(&self, changes: &mut Changes) {
        if let Some(changes) = &mut changes.0 {
            self.take(changes);
            self.farewell();
        }
    }

    /// Tells of all that has happened.
    fn take(&self, changes: &mut Receiver<Change>) {
        loop {
            match changes.try_recv() {
                Ok(change) => self.change(change),
                Err(TryRecvError::Lagged(changes)) => self.missed(changes),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    fn missed(&self, changes: u64) {
        self.told().missed = true;
        output::warn(format_args!(
            "exchanges pass faster than they can be told of: {changes} changes of them were missed"
        ));
    }

    fn change(&self, change: Change) {
        let (Change::Answered(id) | Change::Ended(id)) = change else { return };
        let Some(exchange) = self.subject.inspector.as_ref().and_then(|inspector| inspector.store().get(id)) else {
            return;
        };
        let is_json = self.manner.format == Format::Json;
        let place = match change {
            Change::Ended(_) => self.told().ended(&exchange),
            _ => self.told().answered(&exchange),
        };
        let is_told = match place {
            Place::Nowhere => false,
            // Scripts wait for it.
            Place::Event => is_json,
            Place::Line => is_json || self.may_say(),
        };
        if !is_told {
            return;
        }
        // Not before: of a crowd few have lines.
        let row = Summary::of(&exchange, &self.subject.webhooks);
        if is_json {
            output::event("INFO", Look::File.line(&row), &Happening::Exchange(&row));
        } else {
            output::coloured(self.manner.look.line(&row));
        }
    }

    /// Whether there may be another line for people. Says how many there were no lines for.
    fn may_say(&self) -> bool {
        let (may, more) = self.told().may_say(Instant::now());
        if let Some(more) = more {
            output::say(format_args!("{more} more exchanges within that second"));
        }
        may
    }

    /// The tunnel stands.
    fn stands(&self) {
        let Subject { source, target, inspect, .. } = &self.subject;
        let is_first = self.told().is_first();
        let ready = format!("Ready; Forwarding {source} -> {target}");
        if self.is_person() && self.manner.voice == Voice::Full {
            if is_first {
                self.head();
            } else {
                output::say("the tunnel stands again");
            }
        } else {
            let inspect = inspect.as_deref();
            output::event("INFO", ready, &Happening::Ready { url: source, target, inspect });
            if let Some(inspect) = inspect.filter(|_| is_first && self.manner.format == Format::Text) {
                output::say(format_args!("Inspector: {inspect}"));
            }
            if is_first {
                self.code();
            }
        }
        self.ready.notify_one();
    }

    fn head(&self) {
        self.labelled("public", &self.subject.source, Colour::Bold);
        self.labelled("target", &self.subject.target, Colour::Plain);
        if let Some(inspect) = &self.subject.inspect {
            self.labelled("inspector", inspect, Colour::Plain);
        }
        self.code();
    }

    fn code(&self) {
        let Some(ink) = self.manner.qr else { return };
        match qr::lines(&self.subject.source, ink) {
            Some(lines) => lines.iter().for_each(output::coloured),
            None => output::warn("the public URL is too long for a QR code"),
        }
    }

    fn labelled(&self, label: &str, text: &str, colour: Colour) {
        let paint = self.manner.look.paint();
        let label = paint.paint(Colour::Dim, format!("{label:<9}"));
        output::coloured(format!("{label}  {}", paint.paint(colour, text)));
    }

    fn farewell(&self) {
        let Some(inspector) = &self.subject.inspector else { return };
        let Told { errors, head: true, missed, .. } = *self.told() else { return };
        let inspect::Totals { seen, down, up, .. } = inspector.store().totals();
        let after = self.started.elapsed();
        let least = if missed { "at least " } else { "" };
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        let sentence = format!(
            "good-bye after {}: {seen} exchange{}, {least}{errors} error{}, {} in, {} out",
            took(after),
            plural(seen),
            plural(errors),
            size(down),
            size(up)
        );
        let state = State::Stopped {
            after_ms: after.as_millis(),
            exchanges: seen,
            errors,
            request_bytes: down,
            response_bytes: up,
        };
        output::event("INFO", sentence, &Happening::State(state));
    }

    /// Whether a person sits there.
    fn is_person(&self) -> bool {
        self.manner.format == Format::Text && matches!(self.manner.look, Look::Terminal { .. })
    }

    fn under_way(&self) -> Vec<Id> {
        let Some(inspector) = &self.subject.inspector else { return Vec::new() };
        let is_under_way = |exchange: &inspect::Exchange| exchange.timing.ended.is_none().then_some(exchange.id);
        inspector.store().newest(usize::MAX, None, is_under_way)
    }

    /// What became of those that were under way when the link was lost.
    fn outage(&self) -> Option<Outage> {
        let store = self.subject.inspector.as_ref()?.store();
        let under_way = std::mem::take(&mut self.told().under_way);
        let states = under_way.into_iter().filter_map(|id| store.get(id));
        let (lost, held): (Vec<_>, Vec<_>) =
            states.partition(|exchange| matches!(exchange.state, inspect::State::Cut | inspect::State::Unanswered(_)));
        Some(Outage { held: held.len(), lost: lost.len() })
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
