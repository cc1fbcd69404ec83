//! `sendit serve`: from what was typed to a listening server.

mod admin;
mod flags;
mod hang_up;
mod limits;
mod revoked;
mod secrets;
mod steady;
mod systemd;

use std::convert::Infallible;

use anyhow::Context as _;
use argh::FromArgs as _;
use tokio::sync::watch;
use tracing::Level;
use url::Url;

use super::config::File;
use super::connect::said;
use super::env::Env;
use super::exit::Failure;
use super::listen::{Address, Resolved};
use super::output::Format;
use super::secret::{Strength, WEAK};
use super::signals::Signals;
use super::sources::Sources;
use super::{clock, descriptors, log, networks, output, secret};
use crate::auth::Keys;
use crate::server::{self, AccessLog, BasePath, Limits, PlainHttp, Server};
use admin::Admin;
pub(crate) use flags::Serve;
use hang_up::HangUp;
use revoked::RevokedFile;
use secrets::SecretSource;
use systemd::Handed;

const DEFAULT_ADDR: &str = "127.0.0.1:5050";

/// What flags, files and environment come to.
struct Settings {
    address: Address,
    config: server::Config,
    auth: Auth,
    revoked: Option<RevokedFile>,
    /// Where the secrets come from, where there are some.
    secrets: Option<SecretSource>,
    admin: Admin,
    level: Level,
    format: Format,
}

/// Who may open a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Auth {
    /// Who has a token.
    Token(Strength),
    /// Everybody who is on this machine.
    Local,
    /// Everybody, and the person said so.
    Anybody,
}

/// Serves until a signal comes.
pub(crate) async fn run(args: Serve, env: &Env, file: Option<&File>) -> Result<(), Failure> {
    let from = Sources::new("serve", env, file.map(|file| &file.serve));
    let Settings { address, mut config, auth, revoked, mut secrets, admin, level, format } = args.settle(&from)?;
    if let Some(secrets) = &mut secrets {
        secrets.file = file.cloned();
    }
    let mut handed = Handed::take(env)?;
    let resolved = handed.public_or(address).await?;
    let warning = auth.warning(&resolved)?;
    let (signals, hang_up) = (Signals::catch()?, HangUp::catch()?);
    let listener = resolved.bind("--addr")?;
    let admin = admin.listen(handed.admin).await?;
    let addr = listener.local_addr().context("no address to tell")?;
    // Nothing is logged between the two, so this is the first line.
    log::start(level, format);
    output::say(format_args!("Listening: {addr}"));
    if let Some(admin) = &admin {
        output::say(format_args!("Admin: {}", admin.addr()));
    }
    for warning in warning.into_iter().chain(file.and_then(File::warning)) {
        output::warn(warning);
    }
    fit(&mut config.limits, descriptors::connections());
    let shutdown = signals.shutdown();
    let server = Server::new(config);
    if let Some(file) = &revoked {
        server.revoke(file.list.clone());
    }
    let (again, asked) = watch::channel(());
    let serving = async {
        tokio::select! {
            biased;
            // First, or a server that has nothing to wait for would be over before it has said that it stops.
            () = systemd::keep(shutdown.clone()) => Ok(()),
            () = server::serve(listener, server.clone(), shutdown.clone()) => Ok(()),
            () = admin::serve(admin, server.clone()) => Ok(()),
            never = reread(&server, revoked, secrets, asked) => match never {},
            never = hang_up.relay(again, shutdown.clone()) => match never {},
        }
    };
    signals.guard("exchanges in flight have 30 s to end", serving).await
}

/// Has the server obey what lies in files and may change, for as long as it is not cancelled.
async fn reread(
    server: &Server,
    revoked: Option<RevokedFile>,
    secrets: Option<SecretSource>,
    asked: watch::Receiver<()>,
) -> Infallible {
    let list = async {
        if let Some(file) = revoked {
            file.watch(server, asked.clone()).await;
        }
    };
    let secrets = async {
        if let Some(source) = secrets {
            source.watch(server, asked.clone()).await;
        }
    };
    tokio::join!(list, secrets);
    std::future::pending().await
}

/// Has no more connections than there are descriptors.
fn fit(limits: &mut Limits, descriptors: Option<usize>) {
    let Some(most) = descriptors.filter(|most| *most < limits.connections) else { return };
    let wanted = std::mem::replace(&mut limits.connections, most);
    tracing::warn!(most, wanted, "the system gives descriptors for fewer connections than there may be");
}

impl Serve {
    /// The configuration file that is named.
    pub(crate) fn config(&self) -> Option<&str> {
        self.config.as_deref()
    }

    /// What a server would be that is told no more than this: the address that it would listen on.
    pub(crate) fn check(from: &Sources<'_>) -> Result<String, Failure> {
        let nothing = Self::from_args(&["serve"], &[]).map_err(|exit| Failure::usage(exit.output))?;
        nothing.settle(from)?;
        Ok(from.one(None, "--addr").map_or_else(|| DEFAULT_ADDR.to_owned(), |given| given.text))
    }

    fn settle(self, from: &Sources<'_>) -> Result<Settings, Failure> {
        let mut config = server::Config::new(None, clock::unix_now);
        self.set_limits(&mut config, from)?;
        let insecure = from.switch(said(self.insecure, self.no_insecure), "--insecure")?;
        let source = SecretSource::open(self.secret, self.secret_file, from)?;
        let (keys, auth) = authority(&source.secrets, insecure)?;
        let revoked = from.one(self.revoked_file, "--revoked-file");
        let revoked = revoked.map(|given| RevokedFile::open(&given.path()?)).transpose()?;
        if revoked.is_some() && keys.is_none() {
            return Err(Failure::usage("`--revoked-file` is of no use without a secret: nobody is asked for a token"));
        }
        let secrets = keys.is_some().then_some(source);
        config.keys = keys;
        if let Some(base) = from.read(self.http_prefix, "--http-prefix", base)? {
            config.base = base;
        }
        config.public_url = from.read(self.public_url, "--public-url", public_url)?;
        if from.switch(said(self.https_redir, self.no_https_redir), "--https-redir")? {
            config.plain_http = PlainHttp::Redirect;
        }
        if let Some(trusted) = networks::trusted(&from.each(self.trusted_proxy, "--trusted-proxy"))? {
            config.trusted = trusted;
        }
        let address = match from.read(self.addr, "--addr", Address::parse)? {
            Some(address) => address,
            None => Address::parse(DEFAULT_ADDR)?,
        };
        if let Some(access_log) = from.read(self.access_log, "--access-log", access_log)? {
            config.access_log = access_log;
        }
        let admin = Admin::settle(self.admin, self.admin_token_file, from)?;
        let (level, format) = (log::level(self.log, from, Level::INFO)?, log::format(self.log_format, from)?);
        Ok(Settings { address, config, auth, revoked, secrets, admin, level, format })
    }
}

/// What tokens are checked against, and so who may open a session.
fn authority(secrets: &[Vec<u8>], insecure: bool) -> Result<(Option<Keys>, Auth), Failure> {
    let given = secrets.iter().filter(|secret| !insecure || !secret.is_empty()).cloned().collect::<Vec<_>>();
    let keys = secret::keys(&given).map_err(|empty| Failure::usage(empty.to_string()))?;
    Ok(match keys {
        Some((keys, strength)) => (Some(keys), Auth::Token(strength)),
        None => (None, if insecure { Auth::Anybody } else { Auth::Local }),
    })
}

pub(super) fn access_log(text: &str) -> Result<AccessLog, String> {
    match text {
        "path" => Ok(AccessLog::Path),
        "query" => Ok(AccessLog::PathAndQuery),
        "off" => Ok(AccessLog::Off),
        other => Err(format!("`{other}` is no way to log exchanges; choose `path`, `query` or `off`")),
    }
}

fn base(text: &str) -> Result<BasePath, String> {
    text.parse().map_err(|error| format!("`{text}` is no path prefix: {error}"))
}

fn public_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    url.ok_or_else(|| format!("`{text}` is no public URL; write scheme and host alone, like `https://example.com`"))
}

impl Auth {
    /// What the person has to know about a server at this address, or why there shall be none.
    fn warning(self, at: &Resolved) -> Result<Option<String>, Failure> {
        let who = if at.is_loopback() { "every program on this machine" } else { "anybody who reaches it" };
        match self {
            Self::Token(Strength::Strong) => Ok(None),
            Self::Token(Strength::Weak) => Ok(Some(WEAK.to_owned())),
            Self::Local if !at.is_loopback() => Err(Failure::usage(format!(
                "`{}` can be reached from other machines, and there is no secret: give `--secret-file`, listen on \
                 `127.0.0.1`, or let anybody open tunnels with `--insecure`",
                at.text()
            ))),
            Self::Local | Self::Anybody => Ok(Some(format!("there is no secret, so {who} can open tunnels"))),
        }
    }
}

#[cfg(test)]
mod tests;
