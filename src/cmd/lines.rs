//! What a line of the log looks like where it has no colours: as `tracing-subscriber` writes it, at a fifth of the cost, for
//! each exchange has one. Knows no subject that is logged, and not where lines go.

use std::fmt::{self, Debug, Write as _};
use std::time::Duration;

use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::output::Format;
use crate::wire::stamp;

/// Room for what a usual line has.
const USUAL: usize = 384;

/// Makes a line of each event.
pub(crate) struct Lines {
    pub(crate) format: Format,
    /// The time since 1970.
    pub(crate) now: fn() -> Duration,
    /// Takes a line, without its end.
    pub(crate) put: fn(&[u8]),
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let stamp = stamp((self.now)());
        match self.format {
            Format::Text => (self.put)(&text(&stamp, event)),
            Format::Json => (self.put)(&object(&stamp, event)),
        }
    }
}

fn text(stamp: &[u8], event: &Event<'_>) -> Vec<u8> {
    let (mut line, meta) = (Vec::with_capacity(USUAL), event.metadata());
    line.extend_from_slice(stamp);
    let level = meta.level().as_str();
    line.extend_from_slice(&b"      "[level.len()..]);
    line.extend_from_slice(level.as_bytes());
    // Where in the code a line comes from is nothing to people; programs may sort by it.
    event.record(&mut Text(&mut line));
    line
}

fn object(stamp: &[u8], event: &Event<'_>) -> Vec<u8> {
    let (mut line, meta) = (Vec::with_capacity(USUAL), event.metadata());
    line.extend_from_slice(b"{\"timestamp\":\"");
    line.extend_from_slice(stamp);
    line.extend_from_slice(b"\",\"level\":\"");
    line.extend_from_slice(meta.level().as_str().as_bytes());
    line.push(b'"');
    event.record(&mut Object(&mut line));
    line.extend_from_slice(b",\"target\":\"");
    line.extend_from_slice(meta.target().as_bytes());
    line.extend_from_slice(b"\"}");
    line
}

/// ` name=value` for each field.
struct Text<'a>(&'a mut Vec<u8>);

impl Text<'_> {
    fn name(&mut self, field: &Field) {
        self.0.push(b' ');
        if field.name() != "message" {
            self.0.extend_from_slice(field.name().as_bytes());
            self.0.push(b'=');
        }
    }
}

impl Visit for Text<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.name(field);
        json(self.0, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.name(field);
        json(self.0, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.name(field);
        let _ = write!(self, "{value:?}");
    }
}

/// Which cannot fail. The standard library's own for bytes has to remember why it did.
impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// `,"name":value` for each field.
struct Object<'a>(&'a mut Vec<u8>);

impl Object<'_> {
    fn member(&mut self, field: &Field, value: impl Serialize) {
        // A field's name is an identifier.
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(field.name().as_bytes());
        self.0.extend_from_slice(b"\":");
        json(self.0, value);
    }
}

impl Visit for Object<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.member(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.member(field, format_args!("{value:?}"));
    }
}

fn json(line: &mut Vec<u8>, value: impl Serialize) {
    // Neither numbers nor text can fail to be written, nor memory to be written to.
    let _ = serde_json::to_writer(line, &value);
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io;

    use tracing::field::display;
    use tracing_subscriber::fmt::format::Writer;
    use tracing_subscriber::fmt::time::FormatTime;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    const NOW: Duration = Duration::new(1_764_104_258, 938_203_000);

    thread_local! {
        static SEEN: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }

    struct Then;

    impl FormatTime for Then {
        fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
            writer.write_str("2025-11-25T20:57:38.938203Z")
        }
    }

    struct Seen;

    impl io::Write for Seen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            SEEN.with_borrow_mut(|seen| seen.extend_from_slice(bytes));
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn put(line: &[u8]) {
        SEEN.with_borrow_mut(|seen| {
            seen.extend_from_slice(line);
            seen.push(b'\n');
        });
    }

    /// What is logged below `layer`.
    fn logged(layer: impl Layer<tracing_subscriber::Registry> + Send + Sync) -> String {
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let none: Option<u64> = None;
            let (path, cause) = (display("/a\\b\"c"), io::Error::other("broken: \"x\"\ty"));
            tracing::info!(target: "t::access", method = display("GET"), path, status = 200, up = 0_u64, none, ms = 1.8, "exchange");
            tracing::info!(ms = 0.0, more = 12.0, big = 86_400_000.1, cut = Some(true));
            tracing::warn!(%cause, lines = 3_usize, "a part of {} was lost", "it");
            tracing::error!(?none, words = "a \"word\"", list = ?["x", "y"], less = -7, error = &cause as &dyn std::error::Error);
            tracing::debug!("ä 漢字");
            tracing::trace!(character = ?'\n', "");
        });
        String::from_utf8(SEEN.take()).expect("text")
    }

    #[test]
    fn lines_are_those_of_the_library() {
        for format in [Format::Text, Format::Json] {
            let theirs = tracing_subscriber::fmt::layer().with_timer(Then).with_ansi(false).with_writer(|| Seen);
            let theirs = theirs.with_target(format == Format::Json);
            let theirs = match format {
                Format::Text => theirs.boxed(),
                Format::Json => {
                    theirs.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
                }
            };
            let (theirs, ours) = (logged(theirs), logged(Lines { format, now: || NOW, put }));
            assert_eq!(theirs.lines().count(), 6, "{theirs}");
            assert_eq!(ours, theirs);
        }
    }
}
