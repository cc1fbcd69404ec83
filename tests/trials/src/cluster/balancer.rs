//! `HAProxy`: before several servers, before two engines of which one is followed, and before two servers that share a client's
//! requests.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::time::{Instant, sleep};

use super::{Engine, Node, PATIENCE};
use crate::intermediaries::{self, Intermediary, Running};
use crate::program::{LOOK, Trouble};

/// In turn, whoever asks and whatever for; a server gets nothing from the second failed look on.
const NODES: Intermediary = intermediaries::haproxy(
    "HAProxy before several servers",
    &[(
        "haproxy.cfg",
        "defaults\n  mode http\n  timeout connect 1s\n  timeout client 1h\n  timeout server 1h\n  timeout tunnel 1h\n  \
         option http-no-delay\n  option redispatch 1\n  retries 3\nfrontend public\n  bind LISTEN\n  default_backend \
         nodes\nbackend nodes\n  balance roundrobin\n  option httpchk GET /readyz\n  http-check expect status 200\n  \
         default-server check inter 500ms fall 2 rise 1\nSERVERS",
    )],
);

/// One address for two engines: it leads to the one that says that it is the master.
const ENGINES: Intermediary = intermediaries::haproxy(
    "HAProxy before an engine and its replica",
    &[(
        "haproxy.cfg",
        "defaults\n  mode tcp\n  timeout connect 1s\n  timeout client 1h\n  timeout server 1h\nfrontend engine\n  bind \
         LISTEN\n  default_backend engines\nbackend engines\n  option tcp-check\n  tcp-check send info\\ \
         replication\\r\\n\n  tcp-check expect string role:master\n  default-server check inter 200ms fall 1 rise 1 \
         on-marked-down shutdown-sessions\nSERVERS",
    )],
);

/// One server is where sessions are opened, another is where their carriers go.
const PARTED: Intermediary = intermediaries::haproxy(
    "HAProxy before a server for opens and one for carriers",
    &[(
        "haproxy.cfg",
        "defaults\n  mode http\n  timeout connect 1s\n  timeout client 1h\n  timeout server 1h\n  option \
         http-no-delay\nfrontend public\n  bind LISTEN\n  use_backend opens if { path_end /open }\n  default_backend \
         carriers\nSERVERS",
    )],
);

/// What leads to somebody else.
pub type Leads = Running;

/// Where `HAProxy` is, or would be looked for.
#[must_use]
pub fn haproxy() -> PathBuf {
    NODES.find().unwrap_or_else(|| NODES.program.into())
}

/// Starts a balancer before `nodes`, and waits until it listens.
///
/// # Errors
/// Where `HAProxy` does not start.
pub async fn balance(nodes: &[Node]) -> Result<Leads, Trouble> {
    let servers = nodes.iter().enumerate().fold(String::new(), |mut lines, (index, node)| {
        let _ = writeln!(
            lines,
            "  server node-{index} {} addr {} port {}",
            node.public(),
            node.admin().ip(),
            node.admin().port()
        );
        lines
    });
    NODES.start_as(nodes[0].public(), &[("SERVERS", &servers)]).await
}

/// Starts what leads to whichever of the two is the master, and waits until it has found out who is not.
///
/// # Errors
/// Where `HAProxy` does not start, or finds nothing out.
pub async fn lead(master: &Engine, replica: &Engine) -> Result<Leads, Trouble> {
    let servers = format!("  server master {}\n  server replica {}\n", master.address(), replica.address());
    let leads = ENGINES.start_as(master.address(), &[("SERVERS", &servers)]).await?;
    let deadline = Instant::now() + PATIENCE;
    while !leads.output().contains("engines/replica is DOWN") {
        if Instant::now() > deadline {
            return Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into());
        }
        sleep(LOOK).await;
    }
    Ok(leads)
}

/// Starts what leads a client's opens to one server, and its carriers to another.
///
/// # Errors
/// Where `HAProxy` does not start.
pub async fn part(opens: SocketAddr, carriers: SocketAddr) -> Result<Leads, Trouble> {
    let servers = format!("backend opens\n  server opens {opens}\nbackend carriers\n  server carriers {carriers}\n");
    PARTED.start_as(opens, &[("SERVERS", &servers)]).await
}
