//! What goes on at one of several servers for as long as it runs: its lease is kept, the others are answered, and it is found out
//! whether they reach it.

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::super::Server;
use super::{Cluster, answer_peers};
use crate::auth::Revoked;
use crate::cluster::Keeper;
use crate::cluster::peers::Greeted;

/// How often the directory is told how many sessions there are.
const LOADS: Duration = Duration::from_secs(1);

/// How often it is found out whether the others reach this server, until they do, and from then on.
const FIRST_LOOKS: Duration = Duration::from_secs(1);
const LOOKS: Duration = Duration::from_secs(10);

/// What keeps a server from being one of several, or did: none has to be found before it is sent anything.
pub(super) struct Reached(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    trouble: Option<String>,
    /// It has been reached once, by all that there were.
    once: bool,
}

impl Default for Reached {
    fn default() -> Self {
        let trouble = Some("it is not known yet whether the other servers reach this one".to_owned());
        Self(Mutex::new(Seen { trouble, once: false }))
    }
}

impl Reached {
    /// Why it is not to be sent anything. What comes later is only told: to be without any server would be worse.
    pub(super) fn trouble(&self) -> Option<String> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.trouble.clone().filter(|_| !seen.once)
    }

    fn is_news(&self, trouble: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).trouble.as_deref() != Some(trouble)
    }

    fn note(&self, trouble: Option<String>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.once |= trouble.is_none();
        seen.trouble = trouble;
    }
}

/// Keeps a server one of several, which answers the others at `listener` where they reach it at `address`, until it is dropped.
pub async fn keep(server: Server, keeper: Keeper, listener: TcpListener, address: SocketAddr) -> Infallible {
    let Some(cluster) = server.0.config.cluster.clone() else { return pending().await };
    let answering = answer_peers(listener, server.clone(), CancellationToken::new());
    tokio::select! {
        never = keeper.run() => never,
        never = tell_loads(&server, &cluster) => never,
        never = look(&cluster, address) => never,
        never = revocations(&server, &cluster) => never,
        () = answering => pending().await,
    }
}

async fn tell_loads(server: &Server, cluster: &Cluster) -> Infallible {
    loop {
        cluster.directory.set_load(server.0.registry.count() as u64);
        cluster.peers.keep(&cluster.directory.nodes());
        sleep(LOADS).await;
    }
}

async fn look(cluster: &Cluster, address: SocketAddr) -> Infallible {
    // Before that it knows of no other.
    cluster.directory.confirmed().await;
    loop {
        let own = trouble(cluster, address).await;
        if let Some(own) = own.as_ref().filter(|own| cluster.reached.is_news(own)) {
            tracing::warn!("{own}");
        }
        // What the directory finds it tells itself.
        let trouble = own.or_else(|| cluster.directory.trouble());
        let pause = if trouble.is_some() { FIRST_LOOKS } else { LOOKS };
        if trouble.is_none() && cluster.reached.trouble().is_some() {
            let servers = cluster.directory.nodes().len();
            tracing::info!(node = %cluster.me(), %address, servers, "this server is one of several");
        }
        cluster.reached.note(trouble);
        sleep(pause).await;
    }
}

/// Why the others do not reach this server, or do not know it.
async fn trouble(cluster: &Cluster, address: SocketAddr) -> Option<String> {
    match cluster.peers.who(address).await {
        Ok(id) if id == cluster.me() => {}
        Ok(_) | Err(Greeted::Other(_)) => {
            return Some(format!(
                "another server answers at `{address}`, which this one advertises: give each an address of its own"
            ));
        }
        Err(cause) => {
            return Some(format!("at `{address}`, which this server advertises, it is not reached: {cause}"));
        }
    }
    for node in cluster.directory.nodes().iter().filter(|node| node.id != cluster.me()) {
        if let Err(cause @ Greeted::WrongSecret) = cluster.peers.who(node.address).await {
            return Some(cause.sentence(node.address));
        }
    }
    None
}

/// Obeys what any server wants revoked.
async fn revocations(server: &Server, cluster: &Cluster) -> Infallible {
    let mut all = cluster.directory.revoked();
    while all.changed().await.is_ok() {
        all.borrow_and_update();
        server.obey(cluster.all_revoked());
    }
    pending().await
}

impl Cluster {
    /// Has all servers revoke what is on this server's list, in place of what was on it before. Gives all that is revoked.
    pub(in crate::server) fn revoke(&self, list: Revoked) -> Revoked {
        self.directory.revoke(list.lines().collect());
        *self.revoked() = list;
        self.all_revoked()
    }

    fn all_revoked(&self) -> Revoked {
        let (own, others) = (self.revoked().clone(), Arc::clone(&self.directory.revoked().borrow()));
        own.with(others.iter().map(String::as_str))
    }

    // Held for a look, never across an await.
    fn revoked(&self) -> MutexGuard<'_, Revoked> {
        self.revoked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
