//! From what was said, by flags, environment and file, to what a server has to know.

use std::num::NonZero;

use tracing::Level;
use url::Url;

use super::Serve;
use super::acme::{self, Acme};
use super::admin::Admin;
use super::certificate::Certificate;
use super::clients::ClientsFile;
use super::cluster::{Cluster, Typed};
use super::files::Files;
use super::revoked::RevokedFile;
use super::secrets::SecretSource;
use crate::auth::Keys;
use crate::cmd::connect::said;
use crate::cmd::exit::Failure;
use crate::cmd::listen::{Address, Resolved};
use crate::cmd::output::Format;
use crate::cmd::secret::{Strength, WEAK};
use crate::cmd::sources::Sources;
use crate::cmd::{clock, log, networks, secret};
use crate::server::{self, AccessLog, BasePath, Domain, PlainHttp};

const DEFAULT_ADDR: &str = "127.0.0.1:5050";

/// The most threads that sessions are spread over.
const MAX_THREADS: NonZero<usize> = NonZero::new(256).expect("it is not zero");

/// What flags, files and environment come to.
pub(super) struct Settings {
    pub(super) address: Address,
    pub(super) config: server::Config,
    pub(super) auth: Auth,
    pub(super) files: Files,
    pub(super) acme: Option<Acme>,
    /// Where visitors are sent to `https`.
    pub(super) redirects: Option<Address>,
    pub(super) admin: Admin,
    /// What makes it one of several.
    pub(super) cluster: Option<Cluster>,
    /// How many threads sessions are spread over, where that is said.
    pub(super) threads: Option<NonZero<usize>>,
    pub(super) level: Level,
    pub(super) format: Format,
}

/// Who may open a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Auth {
    /// Who has a token.
    Token(Strength),
    /// Everybody who is on this machine.
    Local,
    /// Everybody, and the person said so.
    Anybody,
}

impl Serve {
    /// The configuration file that is named.
    pub(crate) fn config(&self) -> Option<&str> {
        self.config.as_deref()
    }

    pub(super) fn settle(mut self, from: &Sources<'_>) -> Result<Settings, Failure> {
        let mut config = server::Config::new(None, clock::unix_now);
        self.set_limits(&mut config, from)?;
        let insecure = from.switch(said(self.insecure, self.no_insecure), "--insecure")?;
        let Secured { acme, certificate, clients, redirects } = self.secured(from)?;
        let source = SecretSource::open(self.secret, self.secret_file, from)?;
        let (keys, auth) = authority(&source.secrets, insecure)?;
        let revoked = from.one(self.revoked_file, "--revoked-file");
        if let Some(slip) = revoked.as_ref().filter(|_| keys.is_none()) {
            let subject = slip.subject();
            return Err(Failure::usage(format!(
                "{subject} is of no use without a secret: nobody is asked for a token"
            )));
        }
        let revoked = revoked.map(|given| RevokedFile::open(&given.path()?)).transpose()?;
        let files = Files { revoked, clients, secrets: keys.is_some().then_some(source), certificate, renewal: None };
        config.keys = keys;
        if let Some(base) = from.read(self.http_prefix, "--http-prefix", base)? {
            config.base = base;
        }
        if let Some(given) = from.one(self.domain, "--domain") {
            let domain = given.read(domain)?;
            acme.as_ref().map_or(Ok(()), |acme| acme.check_hosts(&domain, &given))?;
            config.domain = Some(domain);
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
        let cluster = Cluster::settle(
            Typed {
                engine: self.cluster,
                advertise: self.advertise,
                secret_file: self.cluster_secret_file,
                addr: self.cluster_addr,
                node_url: self.node_url,
            },
            from,
        )?;
        let admin = Admin::settle(self.admin, self.admin_token_file, from)?;
        let threads = from.read(self.threads, "--threads", threads)?;
        let (level, format) = (log::level(self.log, from, Level::INFO)?, log::format(self.log_format, from)?);
        Ok(Settings { address, config, auth, files, acme, redirects, admin, cluster, threads, level, format })
    }

    /// What is said of TLS. The server's one certificate is that which it gets itself, or that which lies in files.
    fn secured(&mut self, from: &Sources<'_>) -> Result<Secured, Failure> {
        let cert = from.one(self.tls_cert.clone(), "--tls-cert");
        let names = from.each(self.acme.clone(), "--acme");
        if let (Some(name), Some(cert)) = (names.first(), &cert) {
            let (name, cert) = (name.subject(), cert.subject());
            return Err(Failure::usage(format!("{name} gets a certificate, and {cert} names one; leave one away")));
        }
        let acme = Acme::settle(
            acme::Typed {
                names: std::mem::take(&mut self.acme),
                directory: self.acme_directory.take(),
                cache: self.acme_cache.take(),
                contact: self.acme_contact.take(),
                ca_file: self.acme_ca_file.take(),
            },
            from,
        )?;
        let certificate = Certificate::open(self.tls_cert.take(), self.tls_key.take(), from)?;
        let redirects = from.one(self.redirect_addr.take(), "--redirect-addr");
        let clients = from.one(self.client_ca_file.take(), "--client-ca-file");
        for (given, why) in
            [(&redirects, "there is no https to send to"), (&clients, "certificates are shown by TLS alone")]
        {
            if let Some(slip) = given.as_ref().filter(|_| acme.is_none() && certificate.is_none()) {
                let [subject, cert, acme] = [slip.subject(), slip.spelled("--tls-cert"), slip.spelled("--acme")];
                return Err(Failure::usage(format!("{subject} is of no use without {cert} or {acme}: {why}")));
            }
        }
        let redirects = redirects.map(|given| given.read(Address::parse)).transpose()?;
        let clients = clients.map(|given| ClientsFile::open(&given)).transpose()?;
        Ok(Secured { acme, certificate, clients, redirects })
    }
}

/// What a server is told of TLS.
struct Secured {
    acme: Option<Acme>,
    certificate: Option<Certificate>,
    clients: Option<ClientsFile>,
    /// Where visitors are sent to `https`.
    redirects: Option<Address>,
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

pub(in crate::cmd) fn access_log(text: &str) -> Result<AccessLog, String> {
    match text {
        "path" => Ok(AccessLog::Path),
        "query" => Ok(AccessLog::PathAndQuery),
        "off" => Ok(AccessLog::Off),
        other => Err(format!("`{other}` is no way to log exchanges; choose `path`, `query` or `off`")),
    }
}

fn threads(text: &str) -> Result<NonZero<usize>, String> {
    let number = text.parse().ok().filter(|number| *number <= MAX_THREADS);
    number.ok_or_else(|| format!("`{text}` is no number from 1 to {MAX_THREADS}"))
}

fn base(text: &str) -> Result<BasePath, String> {
    text.parse().map_err(|error| format!("`{text}` is no path prefix: {error}"))
}

fn domain(text: &str) -> Result<Domain, String> {
    text.parse().map_err(|error| format!("`{text}` is none: {error}"))
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
    pub(super) fn warning(self, at: &Resolved) -> Result<Option<String>, Failure> {
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
pub(super) mod tests;
