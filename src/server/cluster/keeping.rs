//! What goes on at one of several servers for as long as it runs: its lease is kept, the others are answered, and it is found out
//! whether they reach it, and were told the same.

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::sleep;

use super::super::Server;
use super::reached::look;
use super::shared::compare;
use super::{Cluster, answer_peers};
use crate::auth::Revoked;
use crate::cluster::Keeper;

/// How often the directory is told how many sessions there are.
const LOADS: Duration = Duration::from_secs(1);

/// How often the others are looked at.
pub(super) const LOOKS: Duration = Duration::from_secs(10);

/// Keeps a server one of several, which answers the others at `listener` where they reach it at `address`, until it is dropped.
pub async fn keep(server: Server, keeper: Keeper, listener: TcpListener, address: SocketAddr) -> Infallible {
    let Some(cluster) = server.0.config.cluster.clone() else { return pending().await };
    let answering = answer_peers(listener, server.clone());
    tokio::select! {
        never = keeper.run() => never,
        never = tell_loads(&server, &cluster) => never,
        never = look(&cluster, address) => never,
        never = compare(&server, &cluster) => never,
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
