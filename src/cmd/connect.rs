//! `sendit connect`: from what was typed to a tunnel that stands.

use std::path::PathBuf;
use std::sync::Arc;

use argh::{ArgsInfo, FromArgs};
use tokio::time::Instant;
use tracing::Level;

use super::env::{self, Env};
use super::exit::{Exit, Failure};
use super::inspect::Inspection;
use super::output::Format;
use super::qr::Ink;
use super::secret::Secret;
use super::signals::Signals;
use super::terminal::{Look, Manner, Paint, Stream, Subject, Terminal, Voice};
use super::url_file::UrlFile;
use super::{clock, descriptors, duration, inspect, lapse, log, networks, secret, url_file};
use crate::client::{self, Config, InvalidUrl, SourcePath, TargetTls, Wire};
use crate::inspect::api::Webhooks;
use crate::inspect::{Inspector, Settings};

/// How much is kept of exchanges where only lines are made of them.
const LINES: usize = 8 * 1024 * 1024;

/// Makes a local service reachable at a public URL, as long as it runs.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "connect",
    help_triggers("-h", "--help"),
    example = "A local service on port 3000, at a server that wants a token:
  {command_name} --token-file token https://example.com/my-app http://localhost:3000",
    example = "The same with the token in the environment:
  SENDIT_TOKEN=... {command_name} https://example.com/my-app http://localhost:3000",
    example = "Only for an office, and for a service that wants to live at `/`:
  {command_name} --token-file token --allow-ip 192.0.2.0/24 --strip-prefix https://example.com/my-app http://localhost:3000",
    example = "gRPC, from a service that speaks HTTP/2 without TLS:
  {command_name} --token-file token --strip-prefix https://example.com/my-app h2c://localhost:50051",
    note = "The last segment of SOURCE is the prefix, 3 to 64 of `a-z`, `0-9` and `-`. What
stands before it is the server's own URL. Paths are forwarded whole, unless
--strip-prefix is given: a visitor's `/my-app/x` is `/my-app/x` to the local service.",
    note = "
Once the tunnel stands, a line with `Ready; Forwarding SOURCE -> DESTINATION` goes
to standard error, or what says the same to a terminal. Where it is lost the client
tries again, after 0.2 s at first and 10 s at most, for as long as that can help.",
    note = "
Each exchange has a line on standard error when it is over, a WebSocket or a stream of
events when it begins: at most 100 in a second, and how many more there were. A
terminal that is no `dumb` one has them in colours, unless NO_COLOR is set. With
--log-format json each line is an event; docs/events.md describes them.",
    note = "
The wire is v2 where the server knows it, and v1 with a server that does not, as
Go servers do not. On v2 a second line says how each direction is carried, `streams`
or `batches`, whichever the way to the server allows, and again when that changes.
Where the way to the server is lost, the session and what is under way in it wait: a
line says so, and another when it is back.",
    note = "
What --host-header, --strip-prefix, --basic-auth, --allow-ip and an `h2c://`
DESTINATION ask for the server does, before anything reaches this end. It takes
wire v2: with a server that cannot do it the client ends, and shares nothing.",
    note = "
User and password are taken from --basic-auth, then --basic-auth-file, then the
environment. They are kept from the service and from every log.",
    note = "
The inspector is a page, at the URL that is said at the start, with each exchange that
passes: for this machine alone, as nothing is sent anywhere. It keeps the newest, 64 MiB
in all and 1 MiB of a body, until the client ends. docs/inspector.md says more.",
    note = "
Webhooks are known by their headers: those of `github`, `stripe`, `slack`, `twilio`, and
`standard` for Standard Webhooks. Their secrets stay on this machine, and stand in no
log; `@FILE` keeps them off the command line as well.",
    note = "
HTTP_PROXY, HTTPS_PROXY and NO_PROXY are heeded on the way to the server, never
on the way to the local service.",
    note = "
SIGINT or SIGTERM: exchanges in flight have 30 s to end. A second signal ends
at once."
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch that a person types")]
pub(crate) struct Connect {
    /// token that the server asks for, as `sendit token` prints it
    #[argh(option, arg_name = "TOKEN")]
    token: Option<Secret>,

    /// file that holds the token
    #[argh(option, arg_name = "FILE")]
    token_file: Option<String>,

    /// longest life of a request to the server before it is renewed, such as 15s or 1m30s; less than what proxies on
    /// the way allow (default: 10s)
    #[argh(option, arg_name = "DURATION")]
    max_ttl: Option<String>,

    /// wire to speak with the server: auto, v1 or v2 (default: auto)
    #[argh(option, arg_name = "WIRE")]
    wire: Option<String>,

    /// take any certificate that an https DESTINATION shows
    #[argh(switch)]
    target_insecure: bool,

    /// host that the service is told: keep for the visitor's word, target for DESTINATION's, or another (default: keep)
    #[argh(option, arg_name = "HOST")]
    host_header: Option<String>,

    /// take the path of SOURCE off before the service sees it, and put it back into redirects and cookies
    #[argh(switch)]
    strip_prefix: bool,

    /// how long visitors wait for a client that is gone, or a service that refuses (default: 10s and 5s)
    #[argh(option, arg_name = "DURATION")]
    hold: Option<String>,

    /// user and password that visitors have to give
    #[argh(option, arg_name = "USER:PASS")]
    basic_auth: Option<Secret>,

    /// file that holds user and password
    #[argh(option, arg_name = "FILE")]
    basic_auth_file: Option<String>,

    /// addresses that visitors have to come from, such as 192.0.2.0/24; can be repeated (default: anywhere)
    #[argh(option, arg_name = "CIDR")]
    allow_ip: Vec<String>,

    /// where the page is that shows what passes: an address of this machine, or off (default: 127.0.0.1:4040, or the next
    /// port up to 4059 that is free)
    #[argh(option, arg_name = "ADDR|off")]
    inspect: Option<String>,

    /// secret that a sender of webhooks signs with, such as github=SECRET or github=@FILE: the page then says whether
    /// signatures hold, and replays of those that do are signed afresh; can be repeated
    #[argh(option, arg_name = "PROVIDER=SECRET")]
    webhook_secret: Vec<Secret>,

    /// say nothing of exchanges, only how the link is and what fails
    #[argh(switch)]
    quiet: bool,

    /// show the public URL as a QR code as well
    #[argh(switch)]
    qr: bool,

    /// file that holds the public URL for as long as the tunnel is there
    #[argh(option, arg_name = "FILE")]
    url_file: Option<PathBuf>,

    /// how much is logged: error, warn, info, debug or trace (default: warn)
    #[argh(option, arg_name = "LEVEL")]
    log: Option<String>,

    /// what the log, and all else on standard error, looks like: text for people, or json for scripts, each line an
    /// event (default: text)
    #[argh(option, arg_name = "FORMAT")]
    log_format: Option<String>,

    /// public URL, such as `https://example.com/my-app`
    #[argh(positional, arg_name = "SOURCE")]
    source: String,

    /// local service, such as `http://localhost:3000`
    #[argh(positional, arg_name = "DESTINATION")]
    destination: String,
}

/// Keeps a tunnel standing until a signal comes.
pub(crate) async fn run(args: Connect, env: &Env) -> Result<(), Failure> {
    let (source, target, kept) = (args.source.clone(), args.destination.clone(), args.url_file.clone());
    if let Some(file) = &kept {
        url_file::check(file)?;
    }
    let place = inspect::Place::read(args.inspect.clone(), env)?;
    let secrets = secret::webhooks(args.webhook_secret.clone(), env)?;
    let manner = args.manner(env)?;
    let (mut config, level) = args.settle(env)?;
    log::start(level, manner.format);
    let webhooks = Webhooks::new(secrets.clone(), &config.source.to_string());
    let inspection = Inspection::start(place, &mut config, secrets).await?;
    if config.inspector.is_none() && manner.voice == Voice::Full {
        config.inspector = Some(Inspector::new(Settings { room: LINES, body: 0, now: clock::since_1970 }));
    }
    let ends = config.token.as_ref().and_then(|token| lapse::end(token.as_str()));
    // Each stream takes one; where there are too few, the target counts as one that refuses.
    let _ = descriptors::connections();
    let signals = Signals::catch()?;
    let shutdown = signals.shutdown();
    let inspect = inspection.as_ref().map(Inspection::url);
    let subject = Subject { source: source.clone(), target, inspect, inspector: config.inspector.clone(), webhooks };
    let terminal = Arc::new(Terminal::new(subject, manner, Instant::now()));
    let mut changes = terminal.changes();
    let connected = async {
        let teller = Arc::clone(&terminal);
        let told = move |event| {
            if let Some(inspection) = &inspection {
                inspection.note(&event);
            }
            teller.event(&event);
        };
        tokio::select! {
            ended = client::run(config, told, shutdown) => ended.map_err(|error| failure(&lapse::told(error, ends, clock::since_1970()))),
            failure = keep_url(kept, &source, &terminal) => Err(failure),
            never = terminal.follow(&mut changes) => match never {},
        }
    };
    let ended = signals.guard("exchanges in flight have 30 s to end", Box::pin(connected)).await;
    terminal.rest(&mut changes);
    ended
}

/// Has the file hold the URL from when the tunnel stands until this is dropped; ends only by failing.
async fn keep_url(file: Option<PathBuf>, url: &str, terminal: &Terminal) -> Failure {
    let Some(path) = file else { return std::future::pending().await };
    terminal.ready().await;
    match UrlFile::write(path, url) {
        Ok(_kept) => std::future::pending().await,
        Err(failure) => failure,
    }
}

impl Connect {
    /// How the person or script is told.
    fn manner(&self, env: &Env) -> Result<Manner, Failure> {
        let format = log::format(self.log_format.clone(), env)?;
        if self.qr && format == Format::Json {
            return Err(Failure::usage("`--qr` is for people, and `--log-format json` for scripts; leave one away"));
        }
        let look = Look::at(Stream::Stderr, env);
        let ink = if look.paint() == Paint::Coloured { Ink::Coloured } else { Ink::Plain };
        let voice = if self.quiet { Voice::Quiet } else { Voice::Full };
        Ok(Manner { voice, format, look, qr: self.qr.then_some(ink) })
    }

    fn settle(self, env: &Env) -> Result<(Config, Level), Failure> {
        let url = |error: InvalidUrl| Failure::usage(error.to_string());
        let source = self.source.parse().map_err(url)?;
        let target = self.destination.parse().map_err(url)?;
        let mut config = Config::new(source, target);
        if let Some(text) = self.max_ttl {
            config.max_ttl =
                duration::parse(&text).map_err(|error| Failure::usage(format!("wrong `--max-ttl`: {error}")))?;
        }
        if let Some(wire) = env.read(self.wire, env::WIRE, wire)? {
            config.wire = wire;
        }
        if self.target_insecure {
            config.target_tls = TargetTls::Insecure;
        }
        if let Some(text) = self.host_header {
            config.host_header =
                text.parse().map_err(|error| Failure::usage(format!("wrong `--host-header`: {error}")))?;
        }
        if self.strip_prefix {
            config.path = SourcePath::Stripped;
        }
        if let Some(text) = self.hold {
            let hold = duration::parse(&text).map_err(|error| Failure::usage(format!("wrong `--hold`: {error}")))?;
            (config.hold, config.target_hold) = (hold, hold);
        }
        config.basic_auth = secret::credentials(self.basic_auth, self.basic_auth_file, env)?;
        config.allow_ip = networks::parse("--allow-ip", &self.allow_ip)?;
        config.token = secret::token(self.token, self.token_file, env)?;
        if let Some(contradiction) = config.contradiction() {
            return Err(Failure::usage(contradiction));
        }
        Ok((config, log::level(self.log, env, Level::WARN)?))
    }
}

pub(super) fn wire(text: &str) -> Result<Wire, String> {
    match text {
        "auto" => Ok(Wire::Auto),
        "v1" => Ok(Wire::V1),
        "v2" => Ok(Wire::V2),
        _ => Err(format!("`{text}` is no wire; choose `auto`, `v1` or `v2`")),
    }
}

/// A client's end in terms of the exit codes.
pub(crate) fn failure(error: &client::Error) -> Failure {
    let exit = match error {
        client::Error::Unauthorized(_) => Exit::Unauthorized,
        client::Error::Prefix(_) => Exit::Prefix,
        client::Error::NotSendit(_) => Exit::NotSendit,
        client::Error::NotGranted(_) => Exit::NotGranted,
        client::Error::Dismissed(_) => Exit::Dismissed,
        client::Error::Unreachable(_) => Exit::Unreachable,
        client::Error::Unable(_) => Exit::Unexpected,
    };
    Failure::new(exit, error.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::client::HostHeader;
    use crate::cmd::parsed;

    const URLS: [&str; 2] = ["https://host/foo", "http://localhost:1"];

    fn settle(args: &[&str], env: &Env) -> Result<Config, Failure> {
        parsed::<Connect>("connect", args).settle(env).map(|(config, _)| config)
    }

    #[track_caller]
    fn check<T: PartialEq + std::fmt::Debug>(args: &[&str], env: &Env, seen: fn(Config) -> T, expected: T) {
        let config = settle(&[args, &URLS[..]].concat(), env).map_err(|failure| failure.sentence);
        assert_eq!(config.map(seen), Ok(expected), "{args:?}");
    }

    #[track_caller]
    fn refused(args: &[&str], sentence: &str) {
        assert_eq!(settle(args, &Env::default()).err(), Some(Failure::new(Exit::Usage, sentence)), "{args:?}");
    }

    #[test]
    fn settings() {
        let none = Env::default();
        check(&[], &none, |config| config.source.prefix().to_string(), "foo".to_owned());
        check(&[], &none, |config| config.target.port(), 1);
        check(&[], &none, |config| config.max_ttl, Duration::from_secs(10));
        check(&["-max-ttl=1m30s"], &none, |config| config.max_ttl, Duration::from_secs(90));
        check(&[], &none, |config| config.wire, Wire::Auto);
        check(&["--wire", "auto"], &none, |config| config.wire, Wire::Auto);
        check(&["--wire=v1"], &none, |config| config.wire, Wire::V1);
        check(&["-wire", "v2"], &none, |config| config.wire, Wire::V2);
        check(&[], &Env::from([(env::WIRE, "v1")]), |config| config.wire, Wire::V1);
        check(&["--wire=v2"], &Env::from([(env::WIRE, "v1")]), |config| config.wire, Wire::V2);
        check(&[], &none, |config| config.target_tls, TargetTls::Verified);
        check(&["--target-insecure"], &none, |config| config.target_tls, TargetTls::Insecure);
        check(&[], &none, |config| config.host_header, HostHeader::Keep);
        check(&["--host-header=keep"], &none, |config| config.host_header, HostHeader::Keep);
        check(&["--host-header", "target"], &none, |config| config.host_header, HostHeader::Target);
        check(&["--host-header=b:1"], &none, |config| config.host_header, HostHeader::Fixed("b:1".to_owned()));
        check(&[], &none, |config| config.path, SourcePath::Kept);
        check(&["--strip-prefix"], &none, |config| config.path, SourcePath::Stripped);
        let holds = |config: Config| (config.hold.as_secs(), config.target_hold.as_secs());
        check(&[], &none, holds, (10, 5));
        check(&["--hold=3s"], &none, holds, (3, 3));
        check(&[], &none, |config| config.basic_auth.is_some(), false);
        check(&["--basic-auth", "u:p"], &none, |config| config.basic_auth.is_some(), true);
        check(&[], &Env::from([(env::BASIC_AUTH, "u:p")]), |config| config.basic_auth.is_some(), true);
        let networks = |config: Config| config.allow_ip.iter().map(ToString::to_string).collect::<Vec<_>>();
        check(&[], &none, networks, Vec::new());
        let both = vec!["192.0.2.0/24".to_owned(), "::1/128".to_owned()];
        check(&["--allow-ip=192.0.2.0/24", "--allow-ip", "::1"], &none, networks, both);
        check(&[], &none, |config| config.token.is_some(), false);
        check(&["-token="], &Env::from([(env::TOKEN, "t")]), |config| config.token.is_some(), false);
        check(&["-token", "t"], &none, |config| config.token.is_some(), true);
        check(&[], &Env::from([(env::TOKEN, "t")]), |config| config.token.is_some(), true);
    }

    #[test]
    fn refusals() {
        let [source, destination] = URLS;
        refused(
            &["https://host", destination],
            "the source URL `https://host` needs a path whose last segment is the prefix, like `https://host/prefix`",
        );
        refused(
            &[source, "http://localhost/x"],
            "the destination URL `http://localhost/x` must have no path: paths are forwarded whole, prefix included",
        );
        refused(
            &["-max-ttl=0", source, destination],
            "wrong `--max-ttl`: `0` is no use: the length of time must be more than zero",
        );
        refused(
            &["--host-header=a/b", source, destination],
            "wrong `--host-header`: `a/b` is neither `keep` nor `target` nor a host, with a port or without",
        );
        refused(
            &["--hold=0s", source, destination],
            "wrong `--hold`: `0s` is no use: the length of time must be more than zero",
        );
        refused(
            &["--allow-ip=10/8", source, destination],
            "wrong `--allow-ip`: `10/8` is no range of addresses; write it like `192.0.2.0/24`, `2001:db8::/32` or `192.0.2.7`",
        );
        refused(
            &["--basic-auth=u", source, destination],
            "wrong `--basic-auth`: a user and a password are written `USER:PASS`, neither empty, without control characters",
        );
        refused(&["--wire=v3", source, destination], "`v3` is no wire; choose `auto`, `v1` or `v2`");
        refused(
            &["-log=loud", source, destination],
            "`loud` is no log level; choose `error`, `warn`, `info`, `debug` or `trace`",
        );
    }
}
