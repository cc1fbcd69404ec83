//! `sendit serve`: from what was typed to a listening server.

mod admin;
mod limits;
mod revoked;
mod systemd;

use anyhow::Context as _;
use argh::{ArgsInfo, FromArgs};
use tracing::Level;
use url::Url;

use super::env::{self, Env};
use super::exit::Failure;
use super::listen::{Address, Resolved};
use super::output::Format;
use super::secret::{Secret, Strength, WEAK};
use super::signals::Signals;
use super::{clock, descriptors, flags, log, networks, output, secret};
use crate::server::{self, AccessLog, Limits, PlainHttp, Server};
use admin::Admin;
use revoked::RevokedFile;
use systemd::Handed;

/// Runs the public end, to which clients connect and which visitors call.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "serve",
    help_triggers("-h", "--help"),
    example = "A server behind a reverse proxy on the same machine, its secret in a file:
  openssl rand -hex 32 > secret
  {command_name} --secret-file secret --public-url https://example.com",
    example = "On every interface, without TLS:
  {command_name} --addr :5050 --secret-file secret",
    example = "Changing the secret without a stop: the new one signs, both are accepted:
  {command_name} --secret-file new --secret-file old",
    note = "The first line on standard error is `Listening: ADDRESS`, with the port that
was found where port 0 was asked for. `GET /` answers an empty 200.",
    note = "
Without a secret anybody who reaches the server can open a tunnel. So it then
listens on loopback addresses only, unless --insecure is given.",
    note = "
Secrets are taken from --secret, then --secret-file; where neither is given,
from the environment. One newline at the end of a file is dropped.",
    note = "
A list of revoked tokens has one in a line: `jti:ID`, as `token --id` has set it;
`sub:SUBJECT`, for all tokens of a subject; or `sha256:HEX`, the digest of the token
itself. Lines with a `#` before them are comments. What is added counts after 3 s at
most, for tunnels that stand too. A list that is missing, empty or not understood
changes nothing: the one before stays in force, and a warning says so.",
    note = "
A client whose link is lost comes back to its session within --grace, and until
then its visitors wait, for 10 s at most. That takes a client on wire v2; the
session of a client on wire v1 ends with its link.",
    note = "
What X-Forwarded-For and its kin say is believed if it comes from a proxy in
--trusted-proxy, and dropped if it comes from anybody else. Such a proxy has to
set X-Forwarded-For itself, or visitors can choose the address that
`connect --allow-ip` sees, and the log has.",
    note = "
Whatever is beyond a limit is answered with 429 or 503 and `Retry-After`; nobody
else is harmed, and clients try again by themselves. A token that is accepted is
never told to wait for the wrong ones that its address has sent.",
    note = "
At --admin, a listener of its own, `/healthz` says that the server lives, `/readyz` that it
takes visitors, which it does not while it stops, and `/metrics` has what it counts, for
Prometheus. With --admin-token-file whoever asks for more than health has to show the token, as
`Authorization: Bearer`, and `sendit sessions` lists sessions and ends them. On an address
that other machines can reach the token is a must.",
    note = "
Under systemd it takes the socket that is handed over in the place of --addr, and one named
`admin` in that of --admin; it tells when it listens, stops, and lives.",
    note = "
Each exchange has a line in the log when it is over, refused ones included: address
of the visitor, method and path, status, bytes of visitor and service, milliseconds,
prefix and session, the code of `Sendit-Error`, and `cut` where it did not come to its
end. With --log-format json each line on standard error is an object, from `Listening`
on; what keeps the server from starting is said as text.
Nobody who reads slowly holds the server up: lines are dropped then, and counted.",
    note = "
SIGINT or SIGTERM: no new sessions, exchanges in flight have 30 s to end. A
second signal ends at once."
)]
pub(crate) struct Serve {
    /// address to listen on, `:PORT` for every interface (default: 127.0.0.1:5050)
    #[argh(option, arg_name = "HOST:PORT")]
    addr: Option<String>,

    /// secret that clients' tokens are signed with; can be repeated: the first signs, all verify
    #[argh(option, arg_name = "SECRET")]
    secret: Vec<Secret>,

    /// file that holds such a secret; can be repeated
    #[argh(option, arg_name = "FILE")]
    secret_file: Vec<String>,

    /// list of tokens that are good no more; read again when it changes
    #[argh(option, arg_name = "FILE")]
    revoked_file: Option<String>,

    /// path below which the server lives, where a reverse proxy gives it only a part of a site
    #[argh(option, arg_name = "PATH")]
    http_prefix: Option<String>,

    /// send visitors who came over plain HTTP, as X-Forwarded-Proto says, to https
    #[argh(switch)]
    https_redir: bool,

    /// the opposite of --https-redir, whatever the environment says
    #[argh(switch, hidden_help)]
    no_https_redir: bool,

    /// address of health, metrics and sessions, for whoever runs the server (default: none)
    #[argh(option, arg_name = "HOST:PORT")]
    admin: Option<String>,

    /// file that holds the token which whoever asks for metrics and sessions there has to show
    #[argh(option, arg_name = "FILE")]
    admin_token_file: Option<String>,

    /// do without a secret on any address
    #[argh(switch)]
    insecure: bool,

    /// address that visitors use; redirects then never leave it
    #[argh(option, arg_name = "URL")]
    public_url: Option<String>,

    /// how long a prefix is kept for a client that is gone, such as 30s or 5m (default: 60s)
    #[argh(option, arg_name = "DURATION")]
    grace: Option<String>,

    /// longest that a client may have its visitors wait for it (default: 60s)
    #[argh(option, arg_name = "DURATION")]
    max_hold: Option<String>,

    /// addresses of proxies whose X-Forwarded headers are believed, or none; can be repeated (default: loopback)
    #[argh(option, arg_name = "CIDR")]
    trusted_proxy: Vec<String>,

    /// how long the client of a new session may take to bring its first carrier (default: 15s)
    #[argh(option, arg_name = "DURATION")]
    ready_within: Option<String>,

    /// how many connections there may be at a time (default: 16384, or what the system's descriptors allow)
    #[argh(option, arg_name = "NUMBER")]
    max_connections: Option<String>,

    /// how many of them from one address, unless it is a trusted proxy's (default: 1024)
    #[argh(option, arg_name = "NUMBER")]
    max_connections_per_address: Option<String>,

    /// how many sessions there may be at a time (default: 1000)
    #[argh(option, arg_name = "NUMBER")]
    max_sessions: Option<String>,

    /// how many of them with one token, or with all tokens of one subject (default: 16)
    #[argh(option, arg_name = "NUMBER")]
    max_sessions_per_token: Option<String>,

    /// how many exchanges there may be at a time, visitors that wait included (default: 10000)
    #[argh(option, arg_name = "NUMBER")]
    max_exchanges: Option<String>,

    /// how many of them in one session (default: 256)
    #[argh(option, arg_name = "NUMBER")]
    max_exchanges_per_session: Option<String>,

    /// how many of them with one token, or with all tokens of one subject (default: 2500)
    #[argh(option, arg_name = "NUMBER")]
    max_exchanges_per_token: Option<String>,

    /// how many visitors may wait for one session (default: 64)
    #[argh(option, arg_name = "NUMBER")]
    max_held_per_session: Option<String>,

    /// how many wrong tokens an address may send in a minute before it is told to wait (default: 10)
    #[argh(option, arg_name = "NUMBER")]
    max_failed_opens: Option<String>,

    /// how many MiB may be kept for all clients together until they acknowledge them (default: 256)
    #[argh(option, arg_name = "NUMBER")]
    max_replay: Option<String>,
    /// how long a target may take to answer, such as 30s or 5m (default: as long as it likes)
    #[argh(option, arg_name = "DURATION")]
    target_timeout: Option<String>,

    /// how much is logged: error, warn, info, debug or trace (default: info)
    #[argh(option, arg_name = "LEVEL")]
    log: Option<String>,

    /// what the log looks like: text for people, or json (default: text)
    #[argh(option, arg_name = "FORMAT")]
    log_format: Option<String>,

    /// how each exchange is logged: with its path, with its query too, which may hold secrets, or off (default: path)
    #[argh(option, arg_name = "HOW")]
    access_log: Option<String>,
}

const DEFAULT_ADDR: &str = "127.0.0.1:5050";

/// What flags, files and environment come to.
struct Settings {
    address: Address,
    config: server::Config,
    auth: Auth,
    revoked: Option<RevokedFile>,
    admin: Option<Admin>,
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
pub(crate) async fn run(args: Serve, env: &Env) -> Result<(), Failure> {
    let Settings { address, mut config, auth, revoked, admin, level, format } = args.settle(env)?;
    let handed = Handed::take(env)?;
    let resolved = match handed.public {
        Some(handed) => handed,
        None => address.resolve().await?,
    };
    let warning = auth.warning(&resolved)?;
    let signals = Signals::catch()?;
    let listener = resolved.bind("--addr")?;
    let admin = match admin {
        Some(admin) => admin.listen(handed.admin).await?,
        None => None,
    };
    let addr = listener.local_addr().context("no address to tell")?;
    // Nothing is logged between the two, so this is the first line.
    log::start(level, format);
    output::say(format_args!("Listening: {addr}"));
    if let Some(admin) = &admin {
        output::say(format_args!("Admin: {}", admin.addr()));
    }
    if let Some(warning) = warning {
        output::warn(warning);
    }
    fit(&mut config.limits, descriptors::connections());
    let shutdown = signals.shutdown();
    let telling = systemd::keep(shutdown.clone());
    let server = Server::new(config);
    if let Some(file) = &revoked {
        server.revoke(file.list.clone());
    }
    let watching = async {
        match revoked {
            Some(file) => file.watch(&server).await,
            None => std::future::pending().await,
        }
    };
    let administering = async {
        match admin {
            Some(admin) => admin.serve(server.clone()).await,
            None => std::future::pending().await,
        }
    };
    let serving = async {
        tokio::select! {
            () = administering => Ok(()),
            () = telling => Ok(()),
            () = server::serve(listener, server.clone(), shutdown) => Ok(()),
            () = watching => Ok(()),
        }
    };
    signals.guard("exchanges in flight have 30 s to end", serving).await
}

/// Has no more connections than there are descriptors.
fn fit(limits: &mut Limits, descriptors: Option<usize>) {
    let Some(most) = descriptors.filter(|most| *most < limits.connections) else { return };
    let wanted = std::mem::replace(&mut limits.connections, most);
    tracing::warn!(most, wanted, "the system gives descriptors for fewer connections than there may be");
}

impl Serve {
    fn settle(self, env: &Env) -> Result<Settings, Failure> {
        let mut config = server::Config::new(None, clock::unix_now);
        self.set_limits(&mut config)?;
        let mut secrets = secret::secrets(self.secret, &self.secret_file, env)?;
        if self.insecure {
            secrets.retain(|secret| !secret.is_empty());
        }
        let keys = secret::keys(&secrets).map_err(|empty| Failure::usage(empty.to_string()))?;
        let (keys, auth) = match keys {
            Some((keys, strength)) => (Some(keys), Auth::Token(strength)),
            None => (None, if self.insecure { Auth::Anybody } else { Auth::Local }),
        };
        let revoked = self.revoked_file.map(RevokedFile::open).transpose()?;
        if revoked.is_some() && keys.is_none() {
            return Err(Failure::usage("`--revoked-file` is of no use without a secret: nobody is asked for a token"));
        }
        let admin = Admin::settle(self.admin, self.admin_token_file, env)?;
        let typed = if self.no_https_redir { Some(false) } else { self.https_redir.then_some(true) };
        let base = env.unless_flag(self.http_prefix, env::HTTP_PREFIX).unwrap_or_default();
        config.keys = keys;
        config.base = base.parse().map_err(|error| Failure::usage(format!("`{base}` is no path prefix: {error}")))?;
        config.public_url =
            env.unless_flag(self.public_url, env::PUBLIC_URL).map(|text| public_url(&text)).transpose()?;
        config.plain_http = plain_http(typed, env)?;
        if let Some(trusted) = networks::trusted(&self.trusted_proxy)? {
            config.trusted = trusted;
        }
        let addr = env.unless_flag(self.addr, env::ADDR);
        let address = Address::parse(addr.as_deref().unwrap_or(DEFAULT_ADDR))?;
        config.access_log = access_log(self.access_log.as_deref())?;
        let (level, format) = (log::level(self.log, env, Level::INFO)?, log::format(self.log_format, env)?);
        Ok(Settings { address, config, auth, revoked, admin, level, format })
    }
}

pub(super) fn access_log(text: Option<&str>) -> Result<AccessLog, Failure> {
    match text {
        None | Some("path") => Ok(AccessLog::Path),
        Some("query") => Ok(AccessLog::PathAndQuery),
        Some("off") => Ok(AccessLog::Off),
        Some(other) => {
            Err(Failure::usage(format!("`{other}` is no way to log exchanges; choose `path`, `query` or `off`")))
        }
    }
}

fn plain_http(typed: Option<bool>, env: &Env) -> Result<PlainHttp, Failure> {
    let redirect = match (typed, env.value(env::HTTPS_REDIR)) {
        (Some(on), _) => on,
        (None, None) => false,
        (None, Some(text)) => flags::go_bool(text).ok_or_else(|| {
            Failure::usage(format!("the environment variable `{}` is `1` or `0`, not `{text}`", env::HTTPS_REDIR))
        })?,
    };
    Ok(if redirect { PlainHttp::Redirect } else { PlainHttp::Serve })
}

fn public_url(text: &str) -> Result<Url, Failure> {
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    url.ok_or_else(|| {
        Failure::usage(format!("`{text}` is no public URL; write scheme and host alone, like `https://example.com`"))
    })
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
