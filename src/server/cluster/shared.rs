//! What all servers have to share, and each is told by itself: they compare it, so that one that was told otherwise is found before
//! every other client or visitor of its is refused. Nothing follows but a line in the log, for secrets are changed at one
//! after the other.

use std::collections::HashMap;
use std::convert::Infallible;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::super::Server;
use super::Cluster;
use super::keeping::LOOKS;
use crate::cluster::{Node, NodeId};

/// What one server has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shared {
    /// A digest of what tokens are signed with, which says nothing to whoever does not know the cluster's secret.
    secrets: Option<[u8; 32]>,
    domain: Option<String>,
    http_prefix: String,
}

impl Shared {
    pub(super) fn of(server: &Server, cluster: &Cluster) -> Self {
        let config = &server.0.config;
        Self {
            secrets: server.keys().map(|keys| keys.digest(cluster.secret.key_for("comparing token secrets"))),
            domain: config.domain.as_ref().map(|domain| domain.as_str().to_owned()),
            http_prefix: config.base.as_str().to_owned(),
        }
    }

    /// The flags in which another server differs.
    fn differs_in(&self, other: &Self) -> Vec<&'static str> {
        let differ = [
            ("--secret-file", self.secrets != other.secrets),
            ("--domain", self.domain != other.domain),
            ("--http-prefix", self.http_prefix != other.http_prefix),
        ];
        differ.into_iter().filter_map(|(flag, differs)| differs.then_some(flag)).collect()
    }
}

/// In what each of the others differed when it was asked last.
#[derive(Default)]
struct Differences(HashMap<NodeId, Vec<&'static str>>);

impl Differences {
    /// Forgets those that are no more.
    fn keep(&mut self, nodes: &[Node]) {
        self.0.retain(|id, _| nodes.iter().any(|node| node.id == *id));
    }

    /// A server differs in these. Which of them are new, and in which others it differs no longer.
    fn note(&mut self, id: NodeId, flags: &[&'static str]) -> [Vec<&'static str>; 2] {
        let before = self.0.insert(id, flags.to_vec()).unwrap_or_default();
        let without =
            |all: &[&'static str], those: &[&str]| all.iter().copied().filter(|flag| !those.contains(flag)).collect();
        [without(flags, &before), without(&before, flags)]
    }
}

/// Compares what this server has with what the others have, as long as it runs.
pub(super) async fn compare(server: &Server, cluster: &Cluster) -> Infallible {
    // Before that it knows of no other.
    cluster.directory.confirmed().await;
    let mut differences = Differences::default();
    loop {
        let nodes = cluster.directory.nodes();
        differences.keep(&nodes);
        let own = Shared::of(server, cluster);
        let others: Vec<&Node> = nodes.iter().filter(|node| node.id != cluster.me()).collect();
        let all = join_all(others.iter().map(|node| cluster.shared(node))).await;
        for (node, theirs) in others.into_iter().zip(all) {
            // One that does not answer is another's affair, and one of another version may not know how.
            let Some(theirs) = theirs else { continue };
            let [new, over] = differences.note(node.id, &own.differs_in(&theirs));
            for flag in new {
                tracing::warn!(
                    "the server at `{}` has another `{flag}` than this one: give all servers the same",
                    node.address
                );
            }
            for flag in over {
                tracing::info!("the server at `{}` has the same `{flag}` as this one now", node.address);
            }
        }
        sleep(LOOKS).await;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Told, server};
    use super::*;
    use crate::auth::{Key, Keys};

    fn shared(told: Told) -> Shared {
        let server = server(told);
        Shared::of(&server, server.0.config.cluster.as_ref().unwrap())
    }

    fn keys(secrets: &[&str]) -> Option<Keys> {
        let mut keys = secrets.iter().map(|secret| Key::new(secret.as_bytes()).unwrap());
        keys.next().map(|first| Keys::new(first, keys))
    }

    #[test]
    fn what_differs() {
        let one = || Told { keys: keys(&["old", "new"]), domain: Some("a.example"), base: "/a", ..Told::default() };
        for (other, flags) in [
            (one(), &[] as &[&str]),
            // Which one signs is nobody else's business.
            (Told { keys: keys(&["new", "old", "old"]), ..one() }, &[]),
            (Told { keys: keys(&["new"]), ..one() }, &["--secret-file"]),
            (Told { keys: keys(&["old", "other"]), ..one() }, &["--secret-file"]),
            (Told { keys: None, ..one() }, &["--secret-file"]),
            (Told { domain: None, ..one() }, &["--domain"]),
            (Told { base: "", ..one() }, &["--http-prefix"]),
            (Told::default(), &["--secret-file", "--domain", "--http-prefix"]),
        ] {
            assert_eq!(shared(one()).differs_in(&shared(other)), flags);
        }
    }

    #[test]
    fn a_digest_is_the_clusters_own() {
        let told = |cluster_secret| Told { keys: keys(&["a"]), cluster_secret, ..Told::default() };
        assert_eq!(shared(told(7)), shared(told(7)));
        assert_ne!(shared(told(7)).secrets, shared(told(8)).secrets);
    }

    #[test]
    fn each_difference_is_told_once() {
        let (mut differences, id) = (Differences::default(), NodeId::from_random([1; 8]));
        assert_eq!(differences.note(id, &["a", "b"]), [vec!["a", "b"], vec![]]);
        assert_eq!(differences.note(id, &["a", "b"]), [Vec::<&str>::new(), vec![]]);
        assert_eq!(differences.note(id, &["b", "c"]), [vec!["c"], vec!["a"]]);
        differences.keep(&[]);
        assert_eq!(differences.note(id, &["b"]), [vec!["b"], vec![]]);
    }
}
