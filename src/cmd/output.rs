//! What is printed: results on standard output, everything else on standard error. Knows no text of its own.

use std::borrow::Cow;
use std::fmt::{Display, Write as _};
use std::io::{self, Write as _};
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;

use super::clock;
use super::exit::Failure;
use super::sink::Sink;
use crate::wire::stamp;

/// How long what is still to be printed may take at the end, where nobody reads.
const FAREWELL: Duration = Duration::from_secs(5);

/// What a line on standard error looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// A JSON object.
    Json,
}

static FORMAT: OnceLock<Format> = OnceLock::new();

/// What the log and all that is said beside it go through, once there is one. None where no thread can be had; the lines
/// then wait for their reader.
static STDERR: LazyLock<Option<Sink>> = LazyLock::new(|| {
    // However little is logged, this is.
    let tell = |lines| tracing::error!(lines, "a part of the log was dropped, for nobody took it");
    Sink::start(io::stderr(), tell).ok()
});

/// Has every line from now on look so. Only the first call counts.
pub(crate) fn format(format: Format) {
    let _ = FORMAT.set(format);
}

/// Prints a result, whole and at once, so that a reader at the other end of a pipe sees it. A reader that has gone, as `head`
/// does, wants no more and no word of it.
pub(crate) fn answer(line: impl Display) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(cause) if cause.kind() == io::ErrorKind::BrokenPipe => Err(Failure::unheard()),
        printed => Ok(printed.context("cannot write to standard output")?),
    }
}

/// Prints a JSON object as a result. Of strangers' words in it JSON itself lets much through that does something to a
/// terminal.
pub(crate) fn object(value: &impl Serialize) -> Result<(), Failure> {
    let object = serde_json::to_string_pretty(value).unwrap_or_default();
    let lines: Vec<_> = object.lines().map(|line| harmless(line, false)).collect();
    answer(lines.join("\n"))
}

/// Tells the person something. Where nobody listens any more, the command's work goes on.
pub(crate) fn say(line: impl Display) {
    tell("INFO", "", line);
}

/// Tells the person something, and a script what it is: in JSON the members of `event` stand beside the sentence.
pub(crate) fn event(level: &str, line: impl Display, event: &impl Serialize) {
    told(level, "", line, event);
}

/// Prints a line for a terminal, with colours of our own. What strangers have put into it has to be harmless already:
/// of what they could say, escape sequences alone would pass.
pub(crate) fn coloured(line: impl Display) {
    put(harmless(&line.to_string(), true).as_bytes());
}

/// Tells the person of something that may not be meant.
pub(crate) fn warn(line: impl Display) {
    tell("WARN", "warning: ", line);
}

/// Tells the person why the command ends, and a script with which code.
pub(crate) fn fail(failure: &Failure) {
    let event = Failed { event: "error", exit: failure.exit.code() };
    told("ERROR", "error: ", failure, &event);
}

/// Waits until all of it is printed, for 5 s where nobody reads. Nothing is from then on: what is cut by the end of the
/// process would have its say behind the reason for it.
pub(crate) fn close() {
    if let Some(sink) = sink() {
        sink.close(FAREWELL);
    }
}

/// None before there is a log: what is said until then is short, and a command that ends with it needs no thread.
fn sink() -> Option<&'static Sink> {
    FORMAT.get().and_then(|_| STDERR.as_ref())
}

/// Prints a line of the log, without its end.
pub(crate) fn line(line: &[u8]) {
    // Nearly always, and then it need not be made text first.
    if is_plain(line) {
        return put(line);
    }
    put(harmless(&String::from_utf8_lossy(line), false).as_bytes());
}

/// A line of the log, in colours, as it is written to it, its end included.
pub(crate) struct Coloured;

impl io::Write for Coloured {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        put(harmless(text.strip_suffix('\n').unwrap_or(&text), true).as_bytes());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Serialize)]
struct Told<'a, E> {
    timestamp: &'a str,
    level: &'a str,
    message: &'a str,
    #[serde(flatten)]
    event: &'a E,
}

#[derive(Serialize)]
struct Failed {
    event: &'static str,
    exit: u8,
}

/// What only has a sentence.
#[derive(Serialize)]
struct Nothing {}

fn tell(level: &str, mark: &str, line: impl Display) {
    told(level, mark, line, &Nothing {});
}

fn told(level: &str, mark: &str, line: impl Display, event: &impl Serialize) {
    let line = line.to_string();
    match FORMAT.get().copied().unwrap_or_default() {
        Format::Text => put(harmless(&format!("{mark}{line}"), false).as_bytes()),
        Format::Json => {
            let timestamp = stamp(clock::since_1970());
            let told = Told { timestamp: &String::from_utf8_lossy(&timestamp), level, message: &line, event };
            put(harmless(&serde_json::to_string(&told).unwrap_or_default(), false).as_bytes());
        }
    }
}

fn put(line: &[u8]) {
    match sink() {
        Some(sink) => sink.put(line),
        None => drop(io::stderr().lock().write_all(&[line, b"\n"].concat())),
    }
}

/// Whether it is of spaces and visible ASCII characters. Without a way out among them they are looked at many at a time.
fn is_plain(line: &[u8]) -> bool {
    line.iter().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'))
}

/// `text` as one line that does nothing to a terminal: of much that is told a stranger has chosen the words. What is
/// escaped is so in JSON's manner, so that an object stays one.
pub(super) fn harmless(text: &str, coloured: bool) -> Cow<'_, str> {
    // Nearly every line is so.
    if is_plain(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let harmful = |c: char| match c {
        '\u{1b}' => !coloured,
        // They turn the direction of what follows.
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        c => c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'),
    };
    if !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    let (mut line, mut rest) = (String::new(), text);
    while let Some((at, c)) = rest.char_indices().find(|(_, c)| harmful(*c)) {
        // Writing to a string cannot fail.
        let _ = write!(line, "{}\\u{:04x}", &rest[..at], u32::from(c));
        rest = &rest[at + c.len_utf8()..];
    }
    Cow::Owned(line + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, coloured: bool, expected: &str) {
        assert_eq!(harmless(text, coloured), expected);
    }

    #[test]
    fn no_line_does_anything_to_a_terminal() {
        check("plain, `ä`, 漢字, \\", false, "plain, `ä`, 漢字, \\");
        check("\u{1b}[31mred\u{1b}[0m\r\n\0", false, "\\u001b[31mred\\u001b[0m\\u000d\\u000a\\u0000");
        check("\u{1b}[31mred\u{7}", true, "\u{1b}[31mred\\u0007");
        check("a\u{7f}b\u{9b}c\u{202e}d\u{2028}", true, "a\\u007fb\\u009bc\\u202ed\\u2028");
    }

    #[test]
    fn what_is_escaped_in_an_object_means_the_same() {
        let text = "\u{9b}31m \u{202e} \u{7f}";
        let object = serde_json::to_string(text).unwrap();
        let line = harmless(&object, false);
        assert!(line.is_ascii());
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
    }
}
