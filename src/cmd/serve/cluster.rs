//! The flags of `sendit serve` that make a server one of several: where they keep what each holds, where the others reach this
//! one, and what shows that they belong together.

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use futures_util::FutureExt as _;
use tokio::net::{TcpListener, lookup_host};
use tokio_util::task::TaskTracker;
use url::Url;

use crate::cluster::directory::{Ask, Engine, InvalidEngine, Settings};
use crate::cluster::peers::Peers;
use crate::cluster::{Directory, Keeper, Node, NodeId, Secret};
use crate::cmd::exit::Failure;
use crate::cmd::listen::Address;
use crate::cmd::sources::Sources;
use crate::cmd::{clock, output, secret};
use crate::server::{self, Server};

/// What was typed of it.
#[derive(Default)]
pub(super) struct Typed {
    pub(super) engine: Option<String>,
    pub(super) advertise: Option<String>,
    pub(super) secret_file: Option<String>,
    pub(super) addr: Option<String>,
    pub(super) node_url: Option<String>,
}

/// What a server has to know that is one of several.
pub(super) struct Cluster {
    /// Where all of them keep what each holds. A password may stand in it.
    engine: Engine,
    secret: Secret,
    /// Where clients reach this server and no other.
    node_url: Option<Url>,
    advertised: Advertised,
    listen: Option<Address>,
}

/// Where the others reach this server.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Advertised {
    text: String,
    host: String,
    /// 0 is the one that is found where the server listens.
    port: u16,
}

/// A server that is one of several, and what keeps it one.
pub(super) struct Joined {
    pub(super) cluster: server::Cluster,
    keeper: Keeper,
    /// For the other servers, and where they reach it.
    listener: TcpListener,
    address: SocketAddr,
}

impl Cluster {
    /// What flags, environment and file say, where that is anything.
    pub(super) fn settle(typed: Typed, from: &Sources<'_>) -> Result<Option<Self>, Failure> {
        let Typed { engine, advertise, secret_file, addr, node_url } = typed;
        let engine = from.one(engine, "--cluster");
        let advertised = from.one(advertise, "--advertise");
        let secret = from.one(secret_file, "--cluster-secret-file");
        let listen = from.one(addr, "--cluster-addr");
        let node_url = from.one(node_url, "--node-url");
        let Some(given) = engine else {
            let needless = [advertised, secret, listen, node_url].into_iter().flatten().next();
            return needless.map_or(Ok(None), |needless| Err(needless.useless_without("--cluster")));
        };
        let missing = |flag, why: &str| {
            let (subject, flag) = (given.subject(), given.spelled(flag));
            Failure::usage(format!("{subject} takes {flag} as well: {why}"))
        };
        let engine = given.read(engine_at)?;
        let advertised = advertised.ok_or_else(|| {
            missing("--advertise", "where the other servers reach this one, like `http://10.0.0.5:5052`")
        })?;
        let secret = secret.ok_or_else(|| missing("--cluster-secret-file", "the servers know each other by it"))?;
        let (advertised, secret) = (advertised.read(self::advertised)?, secret::cluster_secret(&secret.path()?)?);
        let listen = listen.map(|given| given.read(Address::parse)).transpose()?;
        let node_url = node_url.map(|given| given.read(node)).transpose()?;
        Ok(Some(Self { engine, secret, node_url, advertised, listen }))
    }

    /// Looks up the hosts that it names, and no more.
    pub(super) async fn look(self, from: &Sources<'_>) -> Result<(), Failure> {
        let listening = if self.listen.is_some() { "--cluster-addr" } else { "--advertise" };
        self.advertised.resolve().await.map_err(|failure| from.blame("--advertise", failure))?;
        let address = self.advertised.or(self.listen)?;
        address.resolve().await.map(drop).map_err(|failure| from.blame(listening, failure))
    }

    /// Listens for the others, at the address that they are told unless another was given, and is one of them from then on. So
    /// many visitors may wait for a server that does not answer. Nothing is asked of the engine yet: a server that starts before it
    /// is there waits for it.
    pub(super) async fn join(self, held: usize) -> Result<Joined, Failure> {
        let (listener, address) = listen(&self.advertised, self.listen).await?;
        let id = NodeId::from_random(getrandom::u64().context("no randomness")?.to_be_bytes());
        let peers = Peers::new(id, self.secret.clone(), TaskTracker::new());
        let ask: Ask = {
            let peers = peers.clone();
            Arc::new(move |node| {
                let peers = peers.clone();
                async move { peers.lives(&node).await }.boxed()
            })
        };
        let me = Node { id, address, url: self.node_url.clone(), sessions: 0, draining: false };
        let (directory, keeper) = Directory::join(Settings { engine: self.engine, me, clock: clock::unix_now, ask });
        let cluster = server::Cluster::new(directory, peers, self.secret, self.node_url, held);
        Ok(Joined { cluster, keeper, listener, address })
    }
}

impl Joined {
    /// Says where the others reach it.
    pub(super) fn tell(&self) {
        output::say(format_args!("Cluster: {}", self.address));
    }
}

/// Keeps `server` one of several where it has joined them, until it is dropped.
pub(super) async fn keep(joined: Option<Joined>, server: Server) -> Infallible {
    match joined {
        Some(Joined { keeper, listener, address, .. }) => server::keep(server, keeper, listener, address).await,
        None => pending().await,
    }
}

impl Advertised {
    /// What is told to the others; its port may not be known yet. Waits for the name service, within its own time-outs.
    async fn resolve(&self) -> Result<SocketAddr, Failure> {
        let Self { text, host, port } = self;
        let name = host.trim_start_matches('[').trim_end_matches(']');
        let found = lookup_host((name, *port)).await.ok().and_then(|mut found| found.next());
        let cause = match found {
            Some(found) if !found.ip().to_canonical().is_unspecified() => return Ok(found),
            Some(_) => "it means all addresses of a machine; name the one where they reach this server",
            None => "there is no host of that name",
        };
        Err(Failure::usage(format!("the others cannot reach `{text}`: {cause}")))
    }

    /// Where to listen: at the address that was given for that, else here.
    fn or(&self, listen: Option<Address>) -> Result<Address, Failure> {
        listen.map_or_else(|| Address::parse(&format!("{}:{}", self.host, self.port)), Ok)
    }
}

async fn listen(advertised: &Advertised, listen: Option<Address>) -> Result<(TcpListener, SocketAddr), Failure> {
    let mut told = advertised.resolve().await?;
    let listener = advertised.or(listen)?.resolve().await?.bind("--cluster-addr")?;
    if told.port() == 0 {
        told.set_port(listener.local_addr().context("no address to tell")?.port());
    }
    Ok((listener, told))
}

/// It may hold a password, so it is not said again where it is wrong.
fn engine_at(text: &str) -> Result<Engine, String> {
    text.parse().map_err(|wrong: InvalidEngine| wrong.to_string())
}

fn advertised(text: &str) -> Result<Advertised, String> {
    let wrong = || {
        format!(
            "`{text}` is no address for other servers; write it like `http://10.0.0.5:5052`, without TLS and a path"
        )
    };
    let rest = text.strip_prefix("http://").ok_or_else(wrong)?;
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = authority.rsplit_once(':').ok_or_else(wrong)?;
    let port = port.parse().map_err(|_| wrong())?;
    let is_host = !host.is_empty() && !host.contains(['/', '@', '?', '#']) && !host.contains(char::is_whitespace);
    let is_bracketed = host.starts_with('[') && host.ends_with(']');
    if !is_host || host.contains(':') != is_bracketed {
        return Err(wrong());
    }
    Ok(Advertised { text: text.to_owned(), host: host.to_owned(), port })
}

fn node(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none() && url.fragment().is_none()
    });
    url.ok_or_else(|| format!("`{text}` is no URL of one server; write it like `https://n1.example.com`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::config::tests::parse;
    use crate::cmd::env::Env;

    #[track_caller]
    fn check(text: &str, expected: Option<(&str, u16)>) {
        let seen = advertised(text).ok();
        assert_eq!(seen.as_ref().map(|seen| (seen.host.as_str(), seen.port)), expected, "{text}");
    }

    #[test]
    fn where_others_reach_a_server() {
        check("http://10.0.0.5:5052", Some(("10.0.0.5", 5052)));
        check("http://node-1.nodes:5052/", Some(("node-1.nodes", 5052)));
        check("http://[fd00::5]:5052", Some(("[fd00::5]", 5052)));
        check("http://127.0.0.1:0", Some(("127.0.0.1", 0)));
        for text in [
            "10.0.0.5:5052",
            "https://10.0.0.5:5052",
            "http://10.0.0.5",
            "http://:5052",
            "http://a:5052/x",
            "http://u@a:1",
            "http://fd00::5:5052",
            "http://a:70000",
            "",
        ] {
            check(text, None);
        }
    }

    #[track_caller]
    fn refused(typed: Typed, file: &str, sentence: &str) {
        let (env, file) = (Env::default(), parse(file).map_err(|failure| failure.sentence).unwrap());
        let settled = Cluster::settle(typed, &Sources::new("serve", &env, [&file.serve]));
        assert_eq!(settled.err().map(|failure| failure.sentence).as_deref(), Some(sentence));
    }

    #[test]
    fn all_of_it_or_none() {
        let said = |text: &str| Some(text.to_owned());
        let nothing = Typed::default;
        refused(
            Typed { advertise: said("http://a:1"), ..nothing() },
            "",
            "`--advertise` is of no use without `--cluster`",
        );
        refused(
            nothing(),
            "[serve]\ncluster_addr = '127.0.0.1:1'",
            "`cluster_addr` in `dir/sendit.toml`, line 2, is of no use without `cluster`",
        );
        refused(
            Typed { engine: said("redis://a"), ..nothing() },
            "",
            "`--cluster` takes `--advertise` as well: where the other servers reach this one, like `http://10.0.0.5:5052`",
        );
        refused(
            Typed { engine: said("redis://a"), advertise: said("http://a:1"), ..nothing() },
            "",
            "`--cluster` takes `--cluster-secret-file` as well: the servers know each other by it",
        );
    }
}
