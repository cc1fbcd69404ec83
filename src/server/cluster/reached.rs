//! Whether the other servers reach this one, and know it: it looks itself.

use std::convert::Infallible;
use std::mem::discriminant;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::sleep;

use super::Cluster;
use super::keeping::LOOKS;
use crate::cluster::peers::Greeted;

/// How often it is found out until they do.
const FIRST_LOOKS: Duration = Duration::from_secs(1);

/// What keeps a server from being one of several, or did: none has to be found before it is sent anything.
pub(super) struct Reached(Mutex<Seen>);

struct Seen {
    trouble: Option<Trouble>,
    /// It has been reached once, by all that there were.
    once: bool,
}

/// What keeps it from that.
#[derive(Clone, Debug, thiserror::Error)]
enum Trouble {
    #[error("it is not known yet whether the other servers reach this one")]
    Unknown,
    #[error("another server answers at `{0}`, which this one advertises: give each an address of its own")]
    Taken(SocketAddr),
    #[error("at `{0}`, which this server advertises, it is not reached: {1}")]
    Unreached(SocketAddr, String),
    /// Of this one and another one has a wrong secret.
    #[error("{0}")]
    Secret(String),
    /// What the directory has found, and tells itself.
    #[error("{0}")]
    Directory(String),
}

impl Default for Reached {
    fn default() -> Self {
        Self(Mutex::new(Seen { trouble: Some(Trouble::Unknown), once: false }))
    }
}

impl Reached {
    /// Why it is not to be sent anything. What comes later is only told: to be without any server would be worse.
    pub(super) fn trouble(&self) -> Option<String> {
        let seen = self.seen();
        seen.trouble.as_ref().filter(|_| !seen.once).map(ToString::to_string)
    }

    /// This is how it is now. Whether that is news: the same in other words is none.
    fn note(&self, trouble: Option<Trouble>) -> bool {
        let mut seen = self.seen();
        seen.once |= trouble.is_none();
        let before = std::mem::replace(&mut seen.trouble, trouble);
        before.as_ref().map(discriminant) != seen.trouble.as_ref().map(discriminant)
    }

    // Held for a look, never across an await.
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Finds out again and again whether the others reach this server at `address`, as long as it runs.
pub(super) async fn look(cluster: &Cluster, address: SocketAddr) -> Infallible {
    // Before that it knows of no other.
    cluster.directory.confirmed().await;
    loop {
        let own = trouble(cluster, address).await;
        let trouble = own.or_else(|| cluster.directory.trouble().map(Trouble::Directory));
        let pause = if trouble.is_some() { FIRST_LOOKS } else { LOOKS };
        let was_kept = cluster.reached.trouble().is_some();
        if cluster.reached.note(trouble.clone()) {
            match trouble {
                Some(Trouble::Directory(_)) => {}
                Some(trouble) => tracing::warn!("{trouble}"),
                None if was_kept => {
                    let servers = cluster.directory.nodes().len();
                    tracing::info!(server = %cluster.me(), %address, servers, "this server is one of several");
                }
                None => {}
            }
        }
        sleep(pause).await;
    }
}

/// Why the others do not reach this server, or do not know it.
async fn trouble(cluster: &Cluster, address: SocketAddr) -> Option<Trouble> {
    match cluster.peers.who(address).await {
        Ok(id) if id == cluster.me() => {}
        Ok(_) | Err(Greeted::Other(_)) => return Some(Trouble::Taken(address)),
        Err(cause) => return Some(Trouble::Unreached(address, cause.to_string())),
    }
    for node in cluster.directory.nodes().iter().filter(|node| node.id != cluster.me()) {
        if let Err(cause @ Greeted::WrongSecret) = cluster.peers.who(node.address).await {
            return Some(Trouble::Secret(cause.sentence(node.address)));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_in_other_words_is_no_news() {
        let reached = Reached::default();
        let unreached = |cause: &str| Some(Trouble::Unreached(([127, 0, 0, 1], 1).into(), cause.to_owned()));
        for (trouble, is_news, keeps) in [
            (unreached("early eof"), true, true),
            (unreached("Connection reset by peer"), false, true),
            (Some(Trouble::Taken(([127, 0, 0, 1], 1).into())), true, true),
            (None, true, false),
            (None, false, false),
            (unreached("early eof"), true, false),
            (unreached("timed out"), false, false),
        ] {
            assert_eq!(reached.note(trouble.clone()), is_news, "{trouble:?}");
            assert_eq!(reached.trouble().is_some(), keeps, "{trouble:?}");
        }
    }
}
