//! `sendit doctor`: from what was typed to what was found on the way to a server.

mod table;

use std::time::Duration;

use argh::{ArgsInfo, FromArgs};
use tracing::Level;

use super::connect::failure;
use super::env::Env;
use super::exit::Failure;
use super::output::Format;
use super::secret::Secret;
use super::sources::Sources;
use super::{authorities, clock, duration, lapse, log, output, secret};
use crate::client::InvalidUrl;
use crate::client::doctor::{Config, examine, refusal};

/// The longest that a stream is watched.
const MAX_LONGEST: Duration = Duration::from_secs(10 * 60);

/// Measures the way to a server, and says what would make a tunnel faster.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "doctor",
    help_triggers("-h", "--help"),
    example = "The way that a tunnel would take:
  {command_name} --token-file token https://example.com/my-app",
    example = "The server alone, in a hurry, for a program to read:
  {command_name} --token-file token --longest 1s --json https://example.com",
    note = "URL is that of `connect`, or the server's own, without a prefix. No prefix is
reserved, so a tunnel that stands is not disturbed. What is measured is measured
with the tunnel's own requests, which carry nothing; about 32 MiB go up at most.",
    note = "
It takes about 10 s, and 15 s where something holds requests back. A row that says
`not measured` says nothing else.",
    note = "
The exit code is 0 where a tunnel would stand. HTTP_PROXY, HTTPS_PROXY and NO_PROXY
are heeded, as `connect` heeds them."
)]
pub(crate) struct Doctor {
    /// token that the server asks for, as `sendit token` prints it
    #[argh(option, arg_name = "TOKEN")]
    token: Option<Secret>,

    /// file that holds the token
    #[argh(option, arg_name = "FILE")]
    token_file: Option<String>,

    /// authority that vouches for the server, instead of the system's own
    #[argh(option, arg_name = "FILE")]
    ca_file: Option<String>,

    /// certificate to present to a server that asks for one
    #[argh(option, arg_name = "FILE")]
    client_cert: Option<String>,

    /// key of that certificate
    #[argh(option, arg_name = "FILE")]
    client_key: Option<String>,

    /// how long a request is let live to see whether anything cuts it, up to 10m (default: 10s, as long as `connect`
    /// lets one live)
    #[argh(option, arg_name = "DURATION")]
    longest: Option<String>,

    /// print one JSON object instead of a table
    #[argh(switch)]
    json: bool,

    /// how much is logged: error, warn, info, debug or trace (default: warn)
    #[argh(option, arg_name = "LEVEL")]
    log: Option<String>,

    /// public URL, such as `https://example.com/my-app`, or the server's, such as `https://example.com`
    #[argh(positional, arg_name = "URL")]
    url: String,
}

/// Measures, and prints what was found.
pub(crate) async fn run(args: Doctor, env: &Env) -> Result<(), Failure> {
    let as_json = args.json;
    let settled = args.settle(env)?;
    log::start(settled.level, Format::Text);
    let report = examine(settled.config)
        .await
        .map_err(|error| failure(&lapse::told(error, settled.ends, clock::since_1970())))?;
    if as_json {
        output::object(&report)?;
    } else {
        output::answer(table::print(&report).trim_end())?;
    }
    refusal(&report).map_or(Ok(()), |error| Err(failure(&error)))
}

struct Settled {
    config: Config,
    level: Level,
    /// When the token ends by its own words.
    ends: Option<Duration>,
}

impl Doctor {
    fn settle(self, env: &Env) -> Result<Settled, Failure> {
        let place = self.url.parse().map_err(|error: InvalidUrl| Failure::usage(error.to_string()))?;
        let mut config = Config::new(place, clock::since_1970);
        if let Some(text) = &self.longest {
            config.longest =
                duration::parse(text).map_err(|error| Failure::usage(format!("wrong `--longest`: {error}")))?;
            if config.longest > MAX_LONGEST {
                return Err(Failure::usage(format!("wrong `--longest`: `{text}` is more than 10m")));
            }
        }
        let from = Sources::new("doctor", env, []);
        config.authorities = authorities::read(self.ca_file, &from)?;
        config.identity = authorities::identity([self.client_cert, self.client_key], &from)?;
        let text = secret::token_text(self.token, self.token_file, &from)?;
        let ends = text.as_deref().and_then(lapse::end);
        config.token = text.as_deref().map(crate::client::Token::new);
        Ok(Settled { config, level: log::level(self.log, &from, Level::WARN)?, ends })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::exit::Exit;
    use crate::cmd::{env, parsed};

    fn settle(args: &[&str], env: &Env) -> Result<Config, Failure> {
        parsed::<Doctor>("doctor", args).settle(env).map(|settled| settled.config)
    }

    #[track_caller]
    fn check<T: PartialEq + std::fmt::Debug>(args: &[&str], env: &Env, seen: fn(Config) -> T, expected: T) {
        assert_eq!(settle(args, env).map_err(|failure| failure.sentence).map(seen), Ok(expected), "{args:?}");
    }

    #[track_caller]
    fn refused(args: &[&str], sentence: &str) {
        assert_eq!(settle(args, &Env::default()).err(), Some(Failure::new(Exit::Usage, sentence)), "{args:?}");
    }

    #[test]
    fn settings() {
        let (none, url) = (Env::default(), "https://host/foo");
        let prefix = |config: Config| config.place.prefix().map(ToString::to_string);
        check(&[url], &none, prefix, Some("foo".to_owned()));
        check(&["https://host"], &none, prefix, None);
        check(&[url], &none, |config| config.longest, Duration::from_secs(10));
        check(&["-longest=2m", url], &none, |config| config.longest, Duration::from_secs(120));
        check(&[url], &none, |config| config.token.is_some(), false);
        check(&[url], &Env::from([(env::TOKEN, "t")]), |config| config.token.is_some(), true);
        check(&["-token", "t", url], &none, |config| config.token.is_some(), true);
    }

    #[test]
    fn refusals() {
        refused(&["host"], "`host` must start with `https://` or `http://`, like `https://host/prefix`");
        refused(
            &["https://host/Foo"],
            "the source URL `https://host/Foo` ends in no valid prefix: a prefix is 3 to 64 of `a-z`, `0-9` and `-`",
        );
        refused(&["-longest=11m", "https://host"], "wrong `--longest`: `11m` is more than 10m");
        refused(
            &["-longest=0", "https://host"],
            "wrong `--longest`: `0` is no use: the length of time must be more than zero",
        );
    }
}
