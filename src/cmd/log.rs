//! The log on standard error: how much of it there is, and its start. Knows no subject that is logged.

use std::io::{self, IsTerminal as _};

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::env::{self, Env};
use super::exit::Failure;

/// How much is logged: what the flag says, else the variable, else `default`.
pub(crate) fn level(flag: Option<String>, env: &Env, default: Level) -> Result<Level, Failure> {
    match env.unless_flag(flag, env::LOG).as_deref() {
        None => Ok(default),
        Some("error") => Ok(Level::ERROR),
        Some("warn") => Ok(Level::WARN),
        Some("info") => Ok(Level::INFO),
        Some("debug") => Ok(Level::DEBUG),
        Some("trace") => Ok(Level::TRACE),
        Some(other) => Err(Failure::usage(format!(
            "`{other}` is no log level; choose `error`, `warn`, `info`, `debug` or `trace`"
        ))),
    }
}

/// Starts the log. To be called once, after what has to be the first line.
///
/// Of the dependencies nothing finer than warnings is shown: their details hold URLs, and those of carriers hold
/// tokens.
pub(crate) fn start(level: Level) {
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    // Left alone the layer heeds `NO_COLOR`.
    let lines = if io::stderr().is_terminal() { lines } else { lines.with_ansi(false) };
    let shown = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level).with_default(level.min(Level::WARN));
    // It can only fail where an embedding program has a log already, which then is the one to use.
    let _ = tracing_subscriber::registry().with(lines).with(shown).try_init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(flag: Option<&str>, env: &[(&str, &str); 1], expected: Option<Level>) {
        assert_eq!(level(flag.map(ToOwned::to_owned), &Env::from(*env), Level::WARN).ok(), expected);
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
