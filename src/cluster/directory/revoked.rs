//! What is revoked on all nodes: each adds what its own file has, and takes away what that no longer has.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::{Mutex, Notify, watch};

use super::Shared;
use super::scripts::{self, BATCH};
use super::trouble::Trouble;

/// The lines of all nodes, and how far the engine knows of ours.
pub(super) struct Revoked {
    wanted: watch::Sender<Arc<BTreeSet<String>>>,
    all: watch::Sender<Arc<BTreeSet<String>>>,
    told: Mutex<Told>,
    pub(super) changed: Notify,
}

/// What the engine was told, and what it has told: which of its lists was read.
#[derive(Default)]
struct Told {
    lines: BTreeSet<String>,
    revision: Option<u64>,
}

impl Default for Revoked {
    fn default() -> Self {
        let [wanted, all] = [(); 2].map(|()| watch::Sender::default());
        Self { wanted, all, told: Mutex::default(), changed: Notify::new() }
    }
}

impl Revoked {
    pub(super) fn want(&self, lines: BTreeSet<String>) {
        self.wanted.send_replace(Arc::new(lines));
        self.changed.notify_one();
    }

    pub(super) fn all(&self) -> watch::Receiver<Arc<BTreeSet<String>>> {
        self.all.subscribe()
    }

    /// The engine may have forgotten all of it.
    pub(super) async fn forgotten(&self) {
        *self.told.lock().await = Told::default();
        self.changed.notify_one();
    }
}

impl Shared {
    /// Tells the engine what has changed of this node's lines.
    pub(super) async fn tell_revoked(&self) -> Result<(), Trouble> {
        let mut told = self.revoked.told.lock().await;
        let live = self.link.connected_already()?;
        let wanted = Arc::clone(&self.revoked.wanted.borrow());
        let added: Vec<String> = wanted.difference(&told.lines).cloned().collect();
        let gone: Vec<String> = told.lines.difference(&wanted).cloned().collect();
        for lines in added.chunks(BATCH) {
            scripts::revoke(&self.link, &live, lines, &[]).await?;
        }
        for lines in gone.chunks(BATCH) {
            scripts::revoke(&self.link, &live, &[], lines).await?;
        }
        told.lines.clone_from(&wanted);
        Ok(())
    }

    /// Reads what is revoked, where the engine says that it has changed.
    pub(super) async fn read_revoked(&self, revision: u64) -> Result<(), Trouble> {
        let mut told = self.revoked.told.lock().await;
        if told.revision == Some(revision) {
            return Ok(());
        }
        let live = self.link.connected_already()?;
        let lines: BTreeSet<String> = scripts::revoked(&self.link, &live).await?.into_iter().collect();
        told.revision = Some(revision);
        // Another may no longer want what this node wants as well, or somebody has taken all of it away.
        if !told.lines.is_subset(&lines) {
            told.lines.clear();
            self.revoked.changed.notify_one();
        }
        self.revoked.all.send_if_modified(|all| {
            let is_new = **all != lines;
            *all = Arc::new(lines);
            is_new
        });
        Ok(())
    }
}
