//! `sendit play`: requests that were written down, sent to a service, without a server or a client.

mod expect;
mod folder;
mod sign;

use std::path::PathBuf;
use std::time::Duration;

use argh::{ArgsInfo, FromArgs};
use serde::Serialize;

use self::expect::Expectation;
use self::folder::Written;
use super::env::Env;
use super::exit::{Exit, Failure};
use super::secret::Secret;
use super::sources::Sources;
use super::terminal::{Colour, Look, Paint, Stream, clean};
use super::units::took;
use super::{clock, output, secret};
use crate::client::{self, Dialer, InvalidUrl, Target, TargetTls};
use crate::inspect::{self, Inspector, Settings};

/// How much is kept of an answer while it is looked at: its head, and what comes of it.
const ROOM: usize = 1024 * 1024;

/// Sends requests that `sendit record` has written to a service, in their order, and looks at the answers.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "play",
    help_triggers("-h", "--help"),
    example = "In CI, to a service that has just been started:
  {command_name} hooks --to http://localhost:3000",
    example = "Whatever the answers were, now they have to be good:
  {command_name} hooks --to http://localhost:3000 --expect 2xx",
    note = "DIR is a folder of `.http` files, or one of them; they are sent in the order of their
numbers. An answer is as expected if its status is the one that was recorded, or,
with --expect, that one. What was recorded without an answer may be answered by any.
All are sent, whatever is answered, but where the service takes no connection nothing
more is. Redirects are not followed.",
    note = "
A webhook whose sender's secret is given is signed as its sender would sign it now, with
a fresh timestamp, so that a service takes it that refuses old ones. Others are sent as
they were recorded. `@FILE` keeps a secret off the command line.",
    note = "
A target that does not answer for 60 s counts as one that does not answer at all, and so
does one whose answer has no end within 5 min."
)]
pub(crate) struct Play {
    /// service to send to, such as `http://localhost:3000`
    #[argh(option, arg_name = "URL")]
    to: String,

    /// status that is expected, such as 204 or 2xx (default: the recorded one)
    #[argh(option, arg_name = "STATUS")]
    expect: Option<String>,

    /// take any certificate that an https URL shows
    #[argh(switch)]
    target_insecure: bool,

    /// secret that a sender of webhooks signs with, such as github=SECRET or github=@FILE: its webhooks are signed afresh;
    /// can be repeated
    #[argh(option, arg_name = "PROVIDER=SECRET")]
    webhook_secret: Vec<Secret>,

    /// print a JSON object for each request instead of a line
    #[argh(switch)]
    json: bool,

    /// folder of `.http` files, or one of them
    #[argh(positional, arg_name = "DIR")]
    dir: PathBuf,
}

/// What came of one request.
#[derive(Serialize)]
struct Outcome {
    file: String,
    method: String,
    path: String,
    status: Option<u16>,
    duration_ms: Option<f64>,
    expected: Option<Expectation>,
    ok: bool,
    error: Option<String>,
}

/// Sends all of them, and fails where an answer is not as expected.
pub(crate) async fn run(args: Play, env: &Env) -> Result<(), Failure> {
    let target: Target = args.to.parse().map_err(|error: InvalidUrl| Failure::usage(error.to_string()))?;
    if target.is_http2() {
        let sentence = format!("`{}` cannot be played to: what was recorded is HTTP/1.1", args.to);
        return Err(Failure::usage(sentence));
    }
    let expected = args.expect.as_deref().map(str::parse::<Expectation>).transpose().map_err(Failure::usage)?;
    let tls = if args.target_insecure { TargetTls::Insecure } else { TargetTls::Verified };
    let dialer = Dialer::to(target, tls).map_err(|error| Failure::usage(error.to_string()))?;
    let secrets = secret::webhooks(args.webhook_secret, &Sources::new("play", env, []))?;
    let written = folder::read(&args.dir)?;
    let inspector = Inspector::new(Settings { room: ROOM, body: 0, now: clock::since_1970 });
    let look = Look::at(Stream::Stdout, env);
    let (all, mut failed) = (written.len(), 0);
    for mut written in written {
        sign::afresh(&mut written.request, &secrets, clock::since_1970());
        let expected = expected.or(written.status.map(Expectation::Exactly));
        // Nothing else would be heard of the requests that are left.
        let connection = dialer.dial().await.map_err(|error| Failure::new(Exit::Unreachable, error.to_string()))?;
        let outcome = play(written, expected, connection, &inspector).await;
        failed += usize::from(!outcome.ok);
        output::answer(if args.json { line_of_json(&outcome) } else { outcome.line(look.paint()) })?;
    }
    if failed == 0 {
        return Ok(());
    }
    Err(Failure::new(Exit::Answer, format!("{failed} of {all} answers are not as expected")))
}

/// Sends one request on a connection of its own.
async fn play(
    written: Written,
    expected: Option<Expectation>,
    connection: client::Connection,
    inspector: &Inspector,
) -> Outcome {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (method, path) = (text(&written.request.method), text(&written.request.path));
    let mut outcome =
        Outcome { file: written.file, method, path, status: None, duration_ms: None, expected, ok: false, error: None };
    let sent = async {
        let replayed = inspect::replay(connection, inspector, &written.request, 0).await;
        let id = replayed.map_err(|error| error.to_string())?;
        inspector.store().get(id).ok_or_else(|| "its head is larger than 1 MiB".to_owned())
    };
    match sent.await {
        Ok(exchange) => {
            outcome.status = exchange.response.as_ref().and_then(inspect::Message::status);
            outcome.duration_ms = exchange.timing.ended.map(crate::inspect::millis);
            if let inspect::State::Unanswered(cause) | inspect::State::GivenUp(cause) = exchange.state {
                outcome.error = Some(cause.to_owned());
            } else if outcome.status.is_none() {
                outcome.error = Some("what answers is no HTTP".to_owned());
            } else if exchange.state == inspect::State::Cut {
                outcome.error = Some("the answer was cut".to_owned());
            }
        }
        Err(error) => outcome.error = Some(error),
    }
    let as_expected = |status| expected.is_none_or(|expected| expected.holds(status));
    outcome.ok = outcome.error.is_none() && outcome.status.is_some_and(as_expected);
    outcome
}

impl Outcome {
    fn line(&self, paint: Paint) -> String {
        let status = self.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
        let verdict = match (self.ok, &self.error, self.expected) {
            (true, ..) => paint.paint(Colour::Green, "ok"),
            (false, Some(error), _) => paint.paint(Colour::Red, error),
            (false, None, expected) => {
                let expected = expected.map_or_else(|| "an answer".to_owned(), |expected| expected.to_string());
                paint.paint(Colour::Red, format!("not {expected}"))
            }
        };
        let time = self.duration_ms.map_or_else(|| "-".to_owned(), |ms| took(Duration::from_secs_f64(ms / 1_000.0)));
        let asked = format!("{}: {} {}", self.file, self.method, self.path);
        format!("{} {status} {time} {verdict}", clean(&asked))
    }
}

/// Of strangers' words in it JSON itself lets much through that does something to a terminal.
fn line_of_json(outcome: &Outcome) -> String {
    clean(&serde_json::to_string(outcome).unwrap_or_default()).into_owned()
}
