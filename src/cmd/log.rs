//! The log on standard error: how much of it there is, what it looks like, and its start. Knows no subject that is
//! logged.

use std::io::{self, IsTerminal as _};

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use super::clock;
use super::exit::Failure;
use super::lines::Lines;
use super::output::{self, Coloured, Format};
use super::sources::Sources;

/// How much is logged, unless nobody says so.
pub(crate) fn level(typed: Option<String>, from: &Sources<'_>, default: Level) -> Result<Level, Failure> {
    let read = |text: &str| match text {
        "error" => Ok(Level::ERROR),
        "warn" => Ok(Level::WARN),
        "info" => Ok(Level::INFO),
        "debug" => Ok(Level::DEBUG),
        "trace" => Ok(Level::TRACE),
        other => Err(format!("`{other}` is no log level; choose `error`, `warn`, `info`, `debug` or `trace`")),
    };
    Ok(from.read(typed, "--log", read)?.unwrap_or(default))
}

/// What it looks like; as people read it, unless somebody says otherwise.
pub(crate) fn format(typed: Option<String>, from: &Sources<'_>) -> Result<Format, Failure> {
    let read = |text: &str| match text {
        "text" => Ok(Format::Text),
        "json" => Ok(Format::Json),
        other => Err(format!("`{other}` is no log format; choose `text` or `json`")),
    };
    Ok(from.read(typed, "--log-format", read)?.unwrap_or(Format::Text))
}

/// Starts the log. To be called once. Whatever else is said on standard error looks like it from then on.
///
/// Of the dependencies nothing finer than warnings is shown: their details hold URLs, and those of carriers hold
/// tokens.
pub(crate) fn start(level: Level, format: Format) {
    output::format(format);
    let coloured = format == Format::Text && io::stderr().is_terminal();
    let lines = if coloured {
        // It heeds `NO_COLOR`.
        fmt::layer().with_target(false).with_writer(|| Coloured).boxed()
    } else {
        Lines { format, now: clock::since_1970, put: output::line }.boxed()
    };
    let shown = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level).with_default(level.min(Level::WARN));
    // It can only fail where an embedding program has a log already, which then is the one to use.
    let _ = tracing_subscriber::registry().with(lines).with(shown).try_init();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::env::{self, Env};

    #[track_caller]
    fn check(flag: Option<&str>, env: &[(&str, &str); 1], expected: Option<Level>) {
        let env = Env::from(*env);
        let from = Sources::new("connect", &env, []);
        assert_eq!(level(flag.map(ToOwned::to_owned), &from, Level::WARN).ok(), expected);
    }

    #[test]
    fn formats() {
        let check = |flag: Option<&str>, env: &[(&str, &str); 1], expected| {
            let env = Env::from(*env);
            let from = Sources::new("connect", &env, []);
            assert_eq!(format(flag.map(ToOwned::to_owned), &from).ok(), expected, "{flag:?}");
        };
        check(None, &[("", "")], Some(Format::Text));
        check(None, &[(env::LOG_FORMAT, "json")], Some(Format::Json));
        check(Some("text"), &[(env::LOG_FORMAT, "json")], Some(Format::Text));
        check(None, &[(env::LOG_FORMAT, "xml")], None);
        check(Some("JSON"), &[("", "")], None);
    }

    #[test]
    fn levels() {
        check(None, &[("", "")], Some(Level::WARN));
        check(None, &[(env::LOG, "info")], Some(Level::INFO));
        check(Some("trace"), &[(env::LOG, "info")], Some(Level::TRACE));
        check(Some("error"), &[(env::LOG, "nonsense")], Some(Level::ERROR));
        check(None, &[(env::LOG, "nonsense")], None);
        check(Some("INFO"), &[("", "")], None);
        check(Some(""), &[("", "")], None);
    }
}
