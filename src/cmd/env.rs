//! The environment: the one table of variables, and the only place that reads them. Knows names and text, not what
//! the values mean, nor what goes before them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::exit::Failure;

/// A row of [`TABLE`].
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// The variable's name.
    pub name: &'static str,
    /// The flag whose place it takes where the flag is not given.
    pub flag: &'static str,
    /// What it says, as help and manual print it.
    pub meaning: &'static str,
    /// The subcommands that heed it.
    pub commands: &'static [&'static str],
}

/// The variable for `--config`.
pub(crate) const CONFIG: &str = "SENDIT_CONFIG";
/// The variable for `--server`.
const SERVER: &str = "SENDIT_SERVER";
/// The variable for `--prefix`.
const PREFIX: &str = "SENDIT_PREFIX";
/// The variable for `serve --addr`.
pub(crate) const ADDR: &str = "SENDIT_ADDR";
/// The variable for `--secret`.
pub(crate) const SECRET: &str = "SENDIT_SECRET";
/// The variable for `--secret-file`.
pub(crate) const SECRET_FILE: &str = "SENDIT_SECRET_FILE";
/// The variable for `serve --http-prefix`.
pub(crate) const HTTP_PREFIX: &str = "SENDIT_HTTP_PREFIX";
/// The variable for `serve --https-redir`.
pub(crate) const HTTPS_REDIR: &str = "SENDIT_HTTPS_REDIR";
/// The variable for `serve --public-url`.
pub(crate) const PUBLIC_URL: &str = "SENDIT_PUBLIC_URL";
/// The variable for `serve --tls-cert`.
pub(crate) const TLS_CERT: &str = "SENDIT_TLS_CERT";
/// The variable for `serve --tls-key`.
pub(crate) const TLS_KEY: &str = "SENDIT_TLS_KEY";
/// The variable for `serve --acme`.
const ACME: &str = "SENDIT_ACME";
/// The variable for `serve --acme-cache`.
const ACME_CACHE: &str = "SENDIT_ACME_CACHE";
/// The variables of what makes a server one of several.
const CLUSTER: &str = "SENDIT_CLUSTER";
const ADVERTISE: &str = "SENDIT_ADVERTISE";
const CLUSTER_SECRET_FILE: &str = "SENDIT_CLUSTER_SECRET_FILE";
const CLUSTER_ADDR: &str = "SENDIT_CLUSTER_ADDR";
const NODE_URL: &str = "SENDIT_NODE_URL";
/// The variable for `serve --redirect-addr`.
const REDIRECT_ADDR: &str = "SENDIT_REDIRECT_ADDR";
/// The variable for `serve --domain`.
pub(crate) const DOMAIN: &str = "SENDIT_DOMAIN";
/// The variable for `--ca-file`.
pub(crate) const CA_FILE: &str = "SENDIT_CA_FILE";
/// The variable for `--client-cert`.
const CLIENT_CERT: &str = "SENDIT_CLIENT_CERT";
/// The variable for `--client-key`.
const CLIENT_KEY: &str = "SENDIT_CLIENT_KEY";
/// The variable for `connect --token`.
pub(crate) const TOKEN: &str = "SENDIT_TOKEN";
/// The variable for `connect --token-file`.
pub(crate) const TOKEN_FILE: &str = "SENDIT_TOKEN_FILE";
/// The variable for `connect --wire`.
pub(crate) const WIRE: &str = "SENDIT_WIRE";
/// The variable for `connect --basic-auth`.
pub(crate) const BASIC_AUTH: &str = "SENDIT_BASIC_AUTH";
/// The variable for `connect --basic-auth-file`.
pub(crate) const BASIC_AUTH_FILE: &str = "SENDIT_BASIC_AUTH_FILE";
/// The variable for `--inspect`.
pub(crate) const INSPECT: &str = "SENDIT_INSPECT";
/// The variable for `--webhook-secret github=…`.
pub(crate) const WEBHOOK_SECRET_GITHUB: &str = "SENDIT_WEBHOOK_SECRET_GITHUB";
/// The variable for `--webhook-secret stripe=…`.
pub(crate) const WEBHOOK_SECRET_STRIPE: &str = "SENDIT_WEBHOOK_SECRET_STRIPE";
/// The variable for `--webhook-secret slack=…`.
pub(crate) const WEBHOOK_SECRET_SLACK: &str = "SENDIT_WEBHOOK_SECRET_SLACK";
/// The variable for `--webhook-secret twilio=…`.
pub(crate) const WEBHOOK_SECRET_TWILIO: &str = "SENDIT_WEBHOOK_SECRET_TWILIO";
/// The variable for `--webhook-secret standard=…`.
pub(crate) const WEBHOOK_SECRET_STANDARD: &str = "SENDIT_WEBHOOK_SECRET_STANDARD";
/// The variable for `--admin`.
pub(crate) const ADMIN: &str = "SENDIT_ADMIN";
/// The variable for `--admin-token-file`.
pub(crate) const ADMIN_TOKEN_FILE: &str = "SENDIT_ADMIN_TOKEN_FILE";
/// The variable for `--log`.
pub(crate) const LOG: &str = "SENDIT_LOG";

/// The variable for `--log-format`.
pub(crate) const LOG_FORMAT: &str = "SENDIT_LOG_FORMAT";

/// What every program heeds that has colours, and what terminals are called. They take no flag's place.
pub(crate) const NO_COLOR: &str = "NO_COLOR";
pub(crate) const TERM: &str = "TERM";

/// What systemd says of the sockets that it hands over.
pub(crate) const LISTEN_FDNAMES: &str = "LISTEN_FDNAMES";

/// Where systemd has made folders for the service.
pub(crate) const RUNTIME_DIRECTORY: &str = "RUNTIME_DIRECTORY";

/// Below which folders people's programs look for their configuration, as the system has it, and in which place there.
/// (XDG Base Directory Specification)
const FOLDERS: &[(&str, &str)] =
    if cfg!(windows) { &[("APPDATA", "sendit")] } else { &[("XDG_CONFIG_HOME", "sendit"), ("HOME", ".config/sendit")] };

/// Every variable that is heeded.
pub const TABLE: &[Variable] = &[
    Variable {
        name: CONFIG,
        flag: "--config",
        meaning: "configuration file",
        commands: &["serve", "connect", "start", "run", "config"],
    },
    Variable { name: SERVER, flag: "--server", meaning: "URL of the server", commands: CLIENTS },
    Variable { name: PREFIX, flag: "--prefix", meaning: "prefix of the tunnel", commands: &["connect", "run"] },
    Variable { name: ADDR, flag: "--addr", meaning: "address to listen on", commands: &["serve"] },
    Variable { name: SECRET, flag: "--secret", meaning: "one secret", commands: &["serve", "token"] },
    Variable {
        name: SECRET_FILE,
        flag: "--secret-file",
        meaning: "file that holds one secret",
        commands: &["serve", "token"],
    },
    Variable {
        name: HTTP_PREFIX,
        flag: "--http-prefix",
        meaning: "path below which the server lives",
        commands: &["serve"],
    },
    Variable {
        name: HTTPS_REDIR,
        flag: "--https-redir",
        meaning: "`1` sends plain HTTP to https",
        commands: &["serve"],
    },
    Variable { name: PUBLIC_URL, flag: "--public-url", meaning: "address that visitors use", commands: &["serve"] },
    Variable { name: TLS_CERT, flag: "--tls-cert", meaning: "certificate to speak TLS with", commands: &["serve"] },
    Variable { name: TLS_KEY, flag: "--tls-key", meaning: "key of that certificate", commands: &["serve"] },
    Variable { name: ACME, flag: "--acme", meaning: "domain to get a certificate for", commands: &["serve"] },
    Variable {
        name: ACME_CACHE,
        flag: "--acme-cache",
        meaning: "folder that keeps account and certificate",
        commands: &["serve"],
    },
    Variable {
        name: REDIRECT_ADDR,
        flag: "--redirect-addr",
        meaning: "address without TLS whose visitors are sent to https",
        commands: &["serve"],
    },
    Variable {
        name: CLUSTER,
        flag: "--cluster",
        meaning: "Redis where several servers keep what each has",
        commands: &["serve"],
    },
    Variable {
        name: ADVERTISE,
        flag: "--advertise",
        meaning: "where the other servers reach this one",
        commands: &["serve"],
    },
    Variable {
        name: CLUSTER_SECRET_FILE,
        flag: "--cluster-secret-file",
        meaning: "file that holds the cluster's secret",
        commands: &["serve"],
    },
    Variable {
        name: CLUSTER_ADDR,
        flag: "--cluster-addr",
        meaning: "address to listen on for the other servers",
        commands: &["serve"],
    },
    Variable {
        name: NODE_URL,
        flag: "--node-url",
        meaning: "where clients reach this server and no other",
        commands: &["serve"],
    },
    Variable {
        name: DOMAIN,
        flag: "--domain",
        meaning: "domain below which each prefix is a host",
        commands: &["serve"],
    },
    Variable { name: CA_FILE, flag: "--ca-file", meaning: "authority that vouches for the server", commands: OPENING },
    Variable { name: CLIENT_CERT, flag: "--client-cert", meaning: "certificate to present", commands: OPENING },
    Variable { name: CLIENT_KEY, flag: "--client-key", meaning: "key of that certificate", commands: OPENING },
    Variable {
        name: ADMIN,
        flag: "--admin",
        meaning: "address of the server's admin endpoints",
        commands: &["serve", "sessions"],
    },
    Variable {
        name: ADMIN_TOKEN_FILE,
        flag: "--admin-token-file",
        meaning: "file that holds the admin token",
        commands: &["serve", "sessions"],
    },
    Variable { name: TOKEN, flag: "--token", meaning: "token to present", commands: OPENING },
    Variable { name: TOKEN_FILE, flag: "--token-file", meaning: "file that holds the token", commands: OPENING },
    Variable { name: WIRE, flag: "--wire", meaning: "wire to speak: auto, v1 or v2", commands: CLIENTS },
    Variable {
        name: BASIC_AUTH,
        flag: "--basic-auth",
        meaning: "user and password that visitors have to give",
        commands: CLIENTS,
    },
    Variable {
        name: BASIC_AUTH_FILE,
        flag: "--basic-auth-file",
        meaning: "file that holds user and password",
        commands: CLIENTS,
    },
    Variable {
        name: INSPECT,
        flag: "--inspect",
        meaning: "where the inspector is, or `off`",
        commands: &["connect", "start", "run", "demo"],
    },
    Variable {
        name: INSPECT,
        flag: "--inspect",
        meaning: "inspector of the client that is asked",
        commands: &["requests", "replay", "record"],
    },
    Variable {
        name: WEBHOOK_SECRET_GITHUB,
        flag: "--webhook-secret",
        meaning: "secret of GitHub's webhooks, or `@` and a file",
        commands: &["connect", "start", "run", "play"],
    },
    Variable {
        name: WEBHOOK_SECRET_STRIPE,
        flag: "--webhook-secret",
        meaning: "secret of Stripe's webhooks, or `@` and a file",
        commands: &["connect", "start", "run", "play"],
    },
    Variable {
        name: WEBHOOK_SECRET_SLACK,
        flag: "--webhook-secret",
        meaning: "secret of Slack's webhooks, or `@` and a file",
        commands: &["connect", "start", "run", "play"],
    },
    Variable {
        name: WEBHOOK_SECRET_TWILIO,
        flag: "--webhook-secret",
        meaning: "secret of Twilio's webhooks, or `@` and a file",
        commands: &["connect", "start", "run", "play"],
    },
    Variable {
        name: WEBHOOK_SECRET_STANDARD,
        flag: "--webhook-secret",
        meaning: "secret of webhooks that follow Standard Webhooks, or `@` and a file",
        commands: &["connect", "start", "run", "play"],
    },
    Variable {
        name: LOG,
        flag: "--log",
        meaning: "how much is logged",
        commands: &["serve", "connect", "start", "run", "doctor", "demo"],
    },
    Variable {
        name: LOG_FORMAT,
        flag: "--log-format",
        meaning: "what the log looks like: text or json",
        commands: &["serve", "connect", "start", "run"],
    },
];

/// The commands that open tunnels, and those that only ask for what that takes.
const CLIENTS: &[&str] = &["connect", "start", "run"];
const OPENING: &[&str] = &["connect", "start", "run", "doctor"];

/// What the environment held when the process started. It has no `Debug`: secrets may stand in it.
#[derive(Clone, Default)]
pub(crate) struct Env(BTreeMap<String, String>);

impl Env {
    /// Reads the variables of [`TABLE`], and those that say what a terminal can show, what systemd hands over and where
    /// configuration is.
    pub(crate) fn from_process() -> Result<Self, Failure> {
        let read = |name: &&str| {
            #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
            let value = std::env::var_os(name)?;
            let text = value
                .into_string()
                .map_err(|_| Failure::usage(format!("the environment variable `{name}` is not valid UTF-8")));
            Some(text.map(|text| ((*name).to_owned(), text)))
        };
        let folders = FOLDERS.iter().map(|(base, _)| *base);
        let names =
            TABLE.iter().map(|row| row.name).chain([NO_COLOR, TERM, LISTEN_FDNAMES, RUNTIME_DIRECTORY]).chain(folders);
        names.collect::<Vec<_>>().iter().filter_map(read).collect::<Result<_, _>>().map(Self)
    }

    /// The value of a variable. An empty one counts as not set, as everywhere in a shell's world.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The folder in which the user's configuration is.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        FOLDERS.iter().find_map(|(base, place)| Some(Path::new(self.value(base)?).join(place)))
    }
}

/// In which folders the system looks for programs, where that is said.
pub(crate) fn programs() -> Option<OsString> {
    #[expect(clippy::disallowed_methods, reason = "folders need not be UTF-8")]
    std::env::var_os("PATH")
}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for Env {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }
}
