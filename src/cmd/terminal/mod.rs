//! What `connect` tells while it runs: a head once the tunnel stands, a line for each exchange, each change of the link once, and
//! the totals at the end. Lines come from what the inspector keeps, never from the way that bytes take. Knows no flag.

mod ends;
mod follow;
mod happening;
mod line;
mod look;
mod paint;
mod told;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub(crate) use ends::Ends;
pub(crate) use follow::Changes;
pub(crate) use happening::sentence;
pub(crate) use look::{Look, Stream};
pub(crate) use paint::{Colour, Paint, clean};

use self::happening::{Happening, Of, Outage, State, happening};
use self::told::{Told, locked};
use super::output::{self, Format};
use super::qr::{self, Ink};
use super::units::{size, took};
use crate::client::Event;
use crate::inspect::api::Webhooks;
use crate::inspect::{self, Id, Inspector};

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
    pub(crate) webhooks: Arc<Webhooks>,
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

impl Terminal {
    pub(crate) fn new(subject: Subject, manner: Manner, now: Instant) -> Self {
        let links = subject.tunnels.iter().map(|_| Mutex::default()).collect();
        Self { subject, manner, ready: CancellationToken::new(), told: Mutex::default(), links, started: now }
    }

    /// What is cancelled once all tunnels have stood.
    pub(crate) fn ready(&self) -> CancellationToken {
        self.ready.clone()
    }

    /// The URL of the tunnel of this number at a host of its own, where it has one by what is known so far.
    pub(crate) fn hosted(&self, tunnel: usize) -> Option<String> {
        locked(self.links.get(tunnel)?).hosted.clone()
    }

    /// Where visitors find the tunnel of this number, by what is known of it so far.
    pub(crate) fn public(&self, tunnel: usize) -> String {
        let known = self.subject.tunnels.get(tunnel).zip(self.links.get(tunnel));
        known.map(|(ends, link)| public(ends, link)).unwrap_or_default()
    }

    /// What happens from now on.
    pub(crate) fn changes(&self) -> Changes {
        let inspector = self.subject.inspector.as_ref().filter(|_| self.manner.voice == Voice::Full);
        Changes::of(inspector.map(|inspector| inspector.store().follow()))
    }

    /// Tells of an event of a client's, which has the tunnel of this number. Never waits for a reader.
    pub(crate) fn event(&self, tunnel: usize, event: &Event) {
        let (Some(ends), Some(link)) = (self.subject.tunnels.get(tunnel), self.links.get(tunnel)) else { return };
        match event {
            Event::Ready => self.stands(ends, link),
            Event::Hosted { url } => locked(link).hosted = Some(url.clone()),
            Event::Lost { .. } => locked(link).under_way = self.under_way(ends),
            // Its own line says so.
            Event::Target { seen: true, .. } if self.has_lines() => return,
            _ => {}
        }
        let outage = match event {
            Event::Back { held, lost, .. } => self.outage(link, Outage { held: *held, lost: *lost }),
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

    /// The tunnel stands.
    fn stands(&self, ends: &Ends, link: &Mutex<Told>) {
        let Ends { name, target, .. } = ends;
        let public = public(ends, link);
        let (is_first, is_first_of_all) = (locked(link).is_first(), self.told().is_first());
        if self.is_person() && self.manner.voice == Voice::Full {
            if is_first {
                self.head(&public, target, is_first_of_all);
            } else {
                output::say(ends.of("the tunnel stands again"));
            }
        } else {
            let inspect = self.subject.inspect.as_deref();
            let happening = Happening::Ready { url: &public, target, inspect };
            let ready = format!("Ready; Forwarding {public} -> {target}");
            output::event("INFO", ready, &Of { tunnel: name.as_deref(), happening });
            if let Some(inspect) = inspect.filter(|_| is_first_of_all && self.manner.format == Format::Text) {
                output::say(format_args!("Inspector: {inspect}"));
            }
            if is_first {
                self.code(&public);
            }
        }
        if self.links.iter().all(|link| locked(link).head) {
            self.ready.cancel();
        }
    }

    fn head(&self, public: &str, target: &str, is_first: bool) {
        self.labelled("public", public, Colour::Bold);
        self.labelled("target", target, Colour::Plain);
        if let Some(inspect) = self.subject.inspect.as_ref().filter(|_| is_first) {
            self.labelled("inspector", inspect, Colour::Plain);
        }
        self.code(public);
    }

    fn code(&self, public: &str) {
        let Some(ink) = self.manner.qr else { return };
        match qr::lines(public, ink) {
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

    /// Whether each exchange has a line.
    fn has_lines(&self) -> bool {
        self.manner.format == Format::Text && self.manner.voice == Voice::Full && self.subject.inspector.is_some()
    }

    /// Whether a person sits there.
    fn is_person(&self) -> bool {
        self.manner.format == Format::Text && matches!(self.manner.look, Look::Terminal { .. })
    }

    fn under_way(&self, ends: &Ends) -> Vec<Id> {
        let Some(inspector) = &self.subject.inspector else { return Vec::new() };
        let is_under_way = |exchange: &inspect::Exchange| {
            // A replay does not go over the link.
            let waits = exchange.timing.ended.is_none() && exchange.replay_of.is_none();
            (waits && exchange.tunnel == ends.name).then_some(exchange.id)
        };
        inspector.store().newest(usize::MAX, None, is_under_way)
    }

    /// What became of those that were under way when the link was lost, and of those that came meanwhile, which `waited` at the
    /// server.
    fn outage(&self, link: &Mutex<Told>, waited: Outage) -> Option<Outage> {
        let store = self.subject.inspector.as_ref()?.store();
        let under_way = std::mem::take(&mut locked(link).under_way);
        let states = under_way.into_iter().filter_map(|id| store.get(id));
        let (lost, held): (Vec<_>, Vec<_>) =
            states.partition(|exchange| matches!(exchange.state, inspect::State::Cut | inspect::State::Unanswered(_)));
        let count = |exchanges: Vec<_>| exchanges.len() as u64;
        Some(Outage { held: waited.held + count(held), lost: waited.lost + count(lost) })
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        locked(&self.told)
    }
}

/// The URL for visitors: that of the tunnel's own host, where it has one.
fn public(ends: &Ends, link: &Mutex<Told>) -> String {
    locked(link).hosted.clone().unwrap_or_else(|| ends.source.clone())
}
