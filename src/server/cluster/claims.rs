//! The claims of this server: one for each prefix, whichever of its sessions has it or is to have it next.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crate::cluster::{Claim, Directory, Unclaimed};
use crate::wire::Prefix;

/// How many claims may be asked for at a time, at most; two of one prefix never are.
const TURNS: usize = 64;

/// Those that there are.
pub(super) struct Claims {
    held: Mutex<HashMap<Prefix, Weak<Claim>>>,
    turns: [tokio::sync::Mutex<()>; TURNS],
    hasher: RandomState,
}

impl Default for Claims {
    fn default() -> Self {
        let turns = [const { tokio::sync::Mutex::const_new(()) }; TURNS];
        Self { held: Mutex::default(), turns, hasher: RandomState::new() }
    }
}

impl Claims {
    // Held for a look, never across an await.
    fn map(&self) -> MutexGuard<'_, HashMap<Prefix, Weak<Claim>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The claim that this server has of a prefix.
    pub(super) fn held(&self, prefix: &str) -> Option<Arc<Claim>> {
        self.map().get(prefix).and_then(Weak::upgrade).filter(|claim| claim.stands())
    }

    /// The same, or one that is asked for. The directory has a deadline for that.
    pub(super) async fn of(
        &self,
        directory: &Directory,
        prefix: &Prefix,
        who: Option<&str>,
        most: usize,
        hold: Duration,
    ) -> Result<Arc<Claim>, Unclaimed> {
        let place = usize::try_from(self.hasher.hash_one(prefix)).unwrap_or_default() % TURNS;
        let _turn = self.turns[place].lock().await;
        if let Some(claim) = self.held(prefix.as_str()) {
            return Ok(claim);
        }
        let claim = Arc::new(directory.claim(prefix, who, most, hold).await?);
        let mut map = self.map();
        map.retain(|_, claim| claim.strong_count() > 0);
        map.insert(prefix.clone(), Arc::downgrade(&claim));
        Ok(claim)
    }
}
