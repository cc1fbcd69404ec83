//! From what was said, by flags, environment and file, to what a client has to know of one tunnel, and a process of all.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::Level;

use super::Flags;
use crate::client::{Config, InvalidUrl, Source, SourcePath, Target, TargetTls, Wire};
use crate::cmd::authorities::{self, Vouched};
use crate::cmd::config::Section;
use crate::cmd::config::keys::TARGET;
use crate::cmd::exit::Failure;
use crate::cmd::inspect::Place;
use crate::cmd::output::Format;
use crate::cmd::qr::Ink;
use crate::cmd::sources::{Given, Sources};
use crate::cmd::terminal::{Look, Manner, Paint, Stream, Voice};
use crate::cmd::{duration, inspect, log, networks, secret, url_file};
use crate::inspect::webhook::Secrets;
use crate::wire::Prefix;

/// One tunnel, and its two ends as they are told to people.
pub(crate) struct Tunnel {
    /// What it is called, where there are several.
    pub(crate) name: Option<Arc<str>>,
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) config: Config,
    /// What is to be said first of a file that merely lies in the working folder: that it may say where the tunnel leads, and
    /// what of it does not count.
    pub(crate) notices: Vec<String>,
}

/// What a process has once.
pub(crate) struct Process {
    pub(crate) place: Place,
    pub(crate) secrets: Secrets,
    pub(crate) manner: Manner,
    pub(crate) level: Level,
    /// What holds the public URL.
    pub(crate) url_file: Option<PathBuf>,
}

impl Process {
    /// Takes out of the flags what is the process's.
    pub(crate) fn settle(flags: &mut Flags, from: &Sources<'_>) -> Result<Self, Failure> {
        let url_file = flags.url_file.take();
        if let Some(file) = &url_file {
            url_file::clear(file)?;
        }
        let place = inspect::Place::read(flags.inspect.take(), from)?;
        let secrets = secret::webhooks(std::mem::take(&mut flags.webhook_secret), from)?;
        let manner = manner(flags, from)?;
        let level = log::level(flags.log.take(), from, Level::WARN)?;
        Ok(Self { place, secrets, manner, level, url_file })
    }
}

/// How the person or script is told.
fn manner(flags: &mut Flags, from: &Sources<'_>) -> Result<Manner, Failure> {
    let format = log::format(flags.log_format.take(), from)?;
    if flags.qr && format == Format::Json {
        return Err(Failure::usage("`--qr` is for people, and `--log-format json` for scripts; leave one away"));
    }
    let look = Look::at(Stream::Stderr, from.env());
    let ink = if look.paint() == Paint::Coloured { Ink::Coloured } else { Ink::Plain };
    let voice = if from.switch(flags.quiet, "--quiet")? { Voice::Quiet } else { Voice::Full };
    Ok(Manner { voice, format, look, qr: flags.qr.then_some(ink) })
}

impl Tunnel {
    /// One between two URLs as they were typed.
    pub(super) fn between(source: String, target: &str, mut flags: Flags, from: &Sources<'_>) -> Result<Self, Failure> {
        if flags.server.is_some() || flags.prefix.is_some() {
            return Err(Failure::usage(
                "SOURCE says where the tunnel begins, and so do `--server` and `--prefix`; leave one away",
            ));
        }
        let url = |error: InvalidUrl| Failure::usage(error.to_string());
        let mut config = Config::new(source.parse().map_err(url)?, self::target(target).map_err(url)?);
        let Vouched { authorities, notice } = Vouched::read(flags.ca_file.take(), None, from)?;
        config.authorities = authorities;
        let config = settle(config, flags, from)?;
        let target = config.target.to_string();
        Ok(Self { name: None, source, target, config, notices: notice.into_iter().collect() })
    }

    /// One from a prefix of the server that is said, `usual` where none is, to this target.
    pub(crate) fn to(
        target: &Target,
        mut flags: Flags,
        from: &Sources<'_>,
        usual: impl FnOnce() -> Result<String, Failure>,
    ) -> Result<Self, Failure> {
        let server = from.one(flags.server.take(), "--server").ok_or_else(|| {
            let file = from.file().display();
            Failure::usage(format!("no server is given; write `--server URL`, or `server = \"URL\"` into `{file}`"))
        })?;
        keep(&server, &flags, from)?;
        let prefix = match from.one(flags.prefix.take(), "--prefix") {
            Some(given) => given.read(str::parse::<Prefix>)?.to_string(),
            None => usual()?,
        };
        let source = format!("{}/{prefix}", server.text.trim_end_matches('/'));
        let parsed = source.parse().map_err(|error| server.wrong(error))?;
        let Vouched { authorities, notice } = Vouched::read(flags.ca_file.take(), server.origin(), from)?;
        let mut config = Config::new(parsed, target.clone());
        config.authorities = authorities;
        let config = settle(config, flags, from)?;
        let obeyed = from
            .here()
            .map(|file| format!("settings are those of `{}`; the server is `{}`", file.path().display(), server.text));
        let notices = obeyed.into_iter().chain(notice).collect();
        Ok(Self { name: None, source, target: target.to_string(), config, notices })
    }

    /// Whether each setting that several tunnels may share can be meant, whatever else these have.
    pub(crate) fn check(from: &Sources<'_>) -> Result<(), Failure> {
        let some = || "http://localhost/some".parse().and_then(|source| Ok(Config::new(source, target("1")?)));
        read(some().map_err(|error| Failure::usage(error.to_string()))?, Flags::default(), from)?;
        authorities::read(None, from)?;
        if let Some(server) = from.one(None, "--server") {
            let source = format!("{}/some", server.text.trim_end_matches('/'));
            source.parse::<Source>().map_err(|error| server.wrong(error))?;
        }
        Ok(())
    }

    /// Whether the target does not see the path of the source.
    pub(crate) fn strips(&self) -> bool {
        self.config.path == SourcePath::Stripped
    }
}

/// A target as a person writes it: its URL, or its port on this machine.
pub(crate) fn target(text: &str) -> Result<Target, InvalidUrl> {
    match text.parse::<u16>() {
        Ok(port @ 1..) => format!("http://localhost:{port}").parse(),
        _ => text.parse(),
    }
}

/// The target that a tunnel of the file has.
pub(crate) fn target_in_file(tunnel: &Section, from: &Sources<'_>) -> Result<Target, Failure> {
    let none = || {
        let tunnel = tunnel.head();
        Failure::usage(format!("the tunnel {tunnel}, has no target; write `{TARGET} = 3000` into its table"))
    };
    from.one(None, TARGET).ok_or_else(none)?.read(target)
}

/// The prefix that a folder's name makes.
pub(super) fn prefix_of(folder: &Path) -> Option<Prefix> {
    let name = folder.file_name()?.to_str()?.to_ascii_lowercase();
    let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    name.trim_matches('-').parse().ok()
}

/// Keeps what a person says in secret from a server that only a file of the working folder names: a stranger may have put it
/// there.
fn keep(server: &Given, flags: &Flags, from: &Sources<'_>) -> Result<(), Failure> {
    let Some(file) = server.here() else { return Ok(()) };
    let token = secret::first(secret::TOKEN, flags.token.clone(), flags.token_file.clone(), from);
    let visitors = secret::first(secret::BASIC_AUTH, flags.basic_auth.clone(), flags.basic_auth_file.clone(), from);
    let certificate = from.one(flags.client_cert.clone(), "--client-cert");
    let mut given = [token, visitors].into_iter().flatten().map(|(_, given)| given).chain(certificate);
    let Some(typed) = given.find(|given| given.is_typed() && !given.text.is_empty()) else { return Ok(()) };
    let (file, server, typed) = (file.path().display(), &server.text, typed.place());
    Err(Failure::usage(format!(
        "only `{file}` names the server `{server}`, so what {typed} says is not sent there; give `--server`, or say with \
         `--config {file}` that the file is meant"
    )))
}

fn settle(config: Config, flags: Flags, from: &Sources<'_>) -> Result<Config, Failure> {
    let wire = from.one(flags.wire.clone(), "--wire");
    let config = read(config, flags, from)?;
    match config.contradiction().zip(wire) {
        Some((contradiction, wire)) => Err(wire.contradicts(contradiction)),
        None => Ok(config),
    }
}

/// Every setting by itself, but for who vouches for the server.
fn read(mut config: Config, flags: Flags, from: &Sources<'_>) -> Result<Config, Failure> {
    if let Some(max_ttl) = from.read(flags.max_ttl, "--max-ttl", duration::parse)? {
        config.max_ttl = max_ttl;
    }
    if let Some(wire) = from.read(flags.wire, "--wire", wire)? {
        config.wire = wire;
    }
    config.identity = authorities::identity([flags.client_cert, flags.client_key], from)?;
    if from.switch(flags.target_insecure, "--target-insecure")? {
        config.target_tls = TargetTls::Insecure;
    }
    if let Some(host) = from.read(flags.host_header, "--host-header", str::parse)? {
        config.host_header = host;
    }
    if from.switch(flags.strip_prefix, "--strip-prefix")? {
        config.path = SourcePath::Stripped;
    }
    if let Some(hold) = from.read(flags.hold, "--hold", duration::parse)? {
        (config.hold, config.target_hold) = (hold, hold);
    }
    config.basic_auth = secret::credentials(flags.basic_auth, flags.basic_auth_file, from)?;
    config.allow_ip = networks::parse(&from.each(flags.allow_ip, "--allow-ip"))?;
    config.token = secret::token(flags.token, flags.token_file, from)?;
    Ok(config)
}

pub(crate) fn wire(text: &str) -> Result<Wire, String> {
    match text {
        "auto" => Ok(Wire::Auto),
        "v1" => Ok(Wire::V1),
        "v2" => Ok(Wire::V2),
        _ => Err(format!("`{text}` is no wire; choose `auto`, `v1` or `v2`")),
    }
}

#[cfg(test)]
mod tests;
