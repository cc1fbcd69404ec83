//! What lines look like where they go: how wide, in which colours, by which clock.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use terminal_size::{Width, terminal_size_of};

use super::line;
use super::paint::Paint;
use crate::cmd::env::{self, Env};
use crate::inspect::api::Summary;
use crate::wire::stamp;

/// How wide a terminal counts as that does not say.
const USUAL: usize = 80;

/// Where lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// What lines look like there.
#[derive(Clone, Debug)]
pub(crate) enum Look {
    /// To a person, now.
    Terminal { stream: Stream, paint: Paint, zone: TimeZone },
    /// To a file or a program.
    File,
}

impl Look {
    /// As what is there can show, and the environment wishes.
    pub(crate) fn at(stream: Stream, env: &Env) -> Self {
        let terminal = match stream {
            Stream::Stdout => io::stdout().is_terminal(),
            Stream::Stderr => io::stderr().is_terminal(),
        };
        if !terminal {
            return Self::File;
        }
        // As https://no-color.org has it; and terminals that know no colours are called so.
        let plain = env.value(env::NO_COLOR).is_some() || env.value(env::TERM) == Some("dumb");
        Self::Terminal { stream, paint: if plain { Paint::Plain } else { Paint::Coloured }, zone: TimeZone::system() }
    }

    /// The colours that there are.
    pub(crate) fn paint(&self) -> Paint {
        match self {
            Self::Terminal { paint, .. } => *paint,
            Self::File => Paint::Plain,
        }
    }

    /// The line of an exchange.
    pub(crate) fn line(&self, row: &Summary) -> String {
        match self {
            Self::Terminal { stream, paint, zone } => {
                line::columns(row, &local(row.started, zone), stream.width(), *paint)
            }
            Self::File => {
                let stamp = stamp(Duration::from_millis(row.started));
                line::words(row, &String::from_utf8_lossy(&stamp))
            }
        }
    }
}

impl Stream {
    fn width(self) -> usize {
        let size = match self {
            Self::Stdout => terminal_size_of(io::stdout()),
            Self::Stderr => terminal_size_of(io::stderr()),
        };
        // A terminal that nobody has told its size says 0.
        size.map(|(Width(width), _)| usize::from(width)).filter(|width| *width > 0).unwrap_or(USUAL)
    }
}

/// The time of day where the person is.
fn local(started_ms: u64, zone: &TimeZone) -> String {
    let time = i64::try_from(started_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    let time = zone.to_datetime(time).time();
    format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_the_persons_own() {
        let zone = TimeZone::fixed(jiff::tz::offset(-5));
        assert_eq!(local(1_764_104_258_938, &TimeZone::UTC), "20:57:38");
        assert_eq!(local(1_764_104_258_938, &zone), "15:57:38");
        assert_eq!(local(u64::MAX, &zone), "19:00:00");
    }
}
