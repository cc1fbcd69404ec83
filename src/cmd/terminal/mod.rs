//! What `connect` tells while it runs: a head once the tunnel stands, a line for each exchange, each change of the link once, and
//! the totals at the end. Lines come from what the inspector keeps, never from the way that bytes take. Knows no flag.

mod ends;
mod happening;
mod line;
mod look;
mod paint;
mod told;

use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

pub(crate) use ends::Ends;
pub(crate) use happening::sentence;
pub(crate) use look::{Look, Stream};
pub(crate) use paint::{Colour, Paint, clean};

use self::happening::{Happening, Of, Outage, State, happening};
use self::told::{Place, Told, locked};
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
    /// Each tunnel.
    pub(crate) tunnels: Vec<Ends>,
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
    ready: CancellationToken,
    // Each held for a moment, never across an await.
    told: Mutex<Told>,
    /// The same of each tunnel's link.
    links: Vec<Mutex<Told>>,
    started: Instant,
}

/// What happens to exchanges, for who tells of it.
pub(crate) struct Changes(Option<Receiver<Change>>);

impl Terminal {
    pub(crate) fn new(subject: Subject, manner: Manner, now: Instant) -> Self {
        let links = subject.tunnels.iter().map(|_| Mutex::default()).collect();
        Self { subject, manner, ready: CancellationToken::new(), told: Mutex::default(), links, started: now }
    }

    /// What is cancelled once all tunnels have stood.
    pub(crate) fn ready(&self) -> CancellationToken {
        self.ready.clone()
    }

    /// What happens from now on.
    pub(crate) fn changes(&self) -> Changes {
        let inspector = self.subject.inspector.as_ref().filter(|_| self.manner.voice == Voice::Full);
        Changes(inspector.map(|inspector| inspector.store().follow()))
    }

    /// Tells of an event of a client's, which has the tunnel of this number. Never waits for a reader.
    pub(crate) fn event(&self, tunnel: usize, event: &Event) {
        let (Some(ends), Some(link)) = (self.subject.tunnels.get(tunnel), self.links.get(tunnel)) else { return };
        match event {
            Event::Ready => self.stands(ends, link),
            Event::Lost { .. } => locked(link).under_way = self.under_way(ends),
            _ => {}
        }
        let outage = match event {
            Event::Back { .. } => self.outage(link),
            _ => None,
        };
        let (Some(sentence), Some(happening)) = (sentence(event, outage), happening(event, outage)) else { return };
        if self.is_person() && !locked(link).is_news(event) {
            return;
        }
        match event {
            Event::Link { text } if self.is_person() => self.labelled("link", &ends.of(text), Colour::Dim),
            _ => output::event("INFO", ends.of(&sentence), &Of { tunnel: ends.name.as_deref(), happening }),
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
        let row = Summary::unjudged(&exchange);
        let is_json = self.manner.format == Format::Json;
        let place =
            if matches!(change, Change::Ended(_)) { self.told().ended(&row) } else { self.told().answered(&row) };
        let is_told = match place {
            Place::Nowhere => false,
            // Scripts wait for it.
            Place::Event => is_json,
            Place::Line => is_json || self.may_say(),
        };
        if !is_told {
            return;
        }
        let row = Summary { webhook: self.subject.webhooks.judge(&exchange), ..row };
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
    fn stands(&self, ends: &Ends, link: &Mutex<Told>) {
        let Ends { name, source, target } = ends;
        let (is_first, is_first_of_all) = (locked(link).is_first(), self.told().is_first());
        if self.is_person() && self.manner.voice == Voice::Full {
            if is_first {
                self.head(ends, is_first_of_all);
            } else {
                output::say(ends.of("the tunnel stands again"));
            }
        } else {
            let inspect = self.subject.inspect.as_deref();
            let happening = Happening::Ready { url: source, target, inspect };
            let ready = format!("Ready; Forwarding {source} -> {target}");
            output::event("INFO", ready, &Of { tunnel: name.as_deref(), happening });
            if let Some(inspect) = inspect.filter(|_| is_first_of_all && self.manner.format == Format::Text) {
                output::say(format_args!("Inspector: {inspect}"));
            }
            if is_first {
                self.code(source);
            }
        }
        if self.links.iter().all(|link| locked(link).head) {
            self.ready.cancel();
        }
    }

    fn head(&self, Ends { source, target, .. }: &Ends, is_first: bool) {
        self.labelled("public", source, Colour::Bold);
        self.labelled("target", target, Colour::Plain);
        if let Some(inspect) = self.subject.inspect.as_ref().filter(|_| is_first) {
            self.labelled("inspector", inspect, Colour::Plain);
        }
        self.code(source);
    }

    fn code(&self, source: &str) {
        let Some(ink) = self.manner.qr else { return };
        match qr::lines(source, ink) {
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

    fn under_way(&self, ends: &Ends) -> Vec<Id> {
        let Some(inspector) = &self.subject.inspector else { return Vec::new() };
        let is_under_way = |exchange: &inspect::Exchange| {
            (exchange.timing.ended.is_none() && exchange.tunnel == ends.name).then_some(exchange.id)
        };
        inspector.store().newest(usize::MAX, None, is_under_way)
    }

    /// What became of those that were under way when the link was lost.
    fn outage(&self, link: &Mutex<Told>) -> Option<Outage> {
        let store = self.subject.inspector.as_ref()?.store();
        let under_way = std::mem::take(&mut locked(link).under_way);
        let states = under_way.into_iter().filter_map(|id| store.get(id));
        let (lost, held): (Vec<_>, Vec<_>) =
            states.partition(|exchange| matches!(exchange.state, inspect::State::Cut | inspect::State::Unanswered(_)));
        Some(Outage { held: held.len(), lost: lost.len() })
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        locked(&self.told)
    }
}
