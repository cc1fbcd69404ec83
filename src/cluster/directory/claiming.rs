//! How a prefix becomes this node's.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, timeout};

use super::held::{Claim, Pending};
use super::link::{ANSWER_DEADLINE, Live};
use super::scripts::{self, Claimed};
use super::{Directory, Shared};
use crate::cluster::Node;
use crate::cluster::claim::{Entry, Fence, Follows, State, Who, follows, read_node};
use crate::cluster::tenure::{ASK, YOUNG};
use crate::wire::Prefix;

/// How many prefixes may be claimed at a time.
pub(super) const MAX_CLAIMS: usize = 64;

/// How often a claim is tried, where others do so at the same time.
const TRIES: usize = 4;

/// How much later than its deadline a node may see that nobody has answered, and believe it: it may have been asleep itself.
const LATE: Duration = Duration::from_millis(200);

/// Why a prefix was not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unclaimed {
    /// That node has it, which may be this one, and has the rules of who takes over.
    Held(Node),
    /// Whoever it is for has as many as they may.
    TooMany,
    /// The directory has lost its memory, and gives nothing new for so long.
    Young(Duration),
    /// The engine is not reached, or this node may not answer for anything.
    Unavailable,
}

impl Directory {
    /// Claims `prefix`, which counts among those of `who`, who may have `most`; visitors wait `hold` for it while nobody answers.
    /// Ends within some seconds. A claim that the engine has given after all is given back, also where this is cancelled.
    ///
    /// # Errors
    /// Says who has it, or why nobody is given it.
    pub async fn claim(
        &self,
        prefix: &Prefix,
        who: Option<&str>,
        most: usize,
        hold: Duration,
    ) -> Result<Claim, Unclaimed> {
        let claimed = self.0.claim(prefix, who, most, hold).await;
        match &claimed {
            Ok(_) => self.0.counts.claims.add(),
            Err(_) => self.0.counts.refused.add(),
        }
        claimed
    }
}

impl Shared {
    async fn claim(&self, prefix: &Prefix, who: Option<&str>, most: usize, hold: Duration) -> Result<Claim, Unclaimed> {
        let _place = self.claiming.try_acquire().map_err(|_| Unclaimed::Unavailable)?;
        let Some(mut pending) = self.held.begin(prefix) else { return Err(Unclaimed::Held(self.me())) };
        let who = who.map(|who| Who::of(&Sha256::digest(who).into()));
        let mut entry = Entry { node: self.id, address: self.address, fence: Fence(0), state: State::Held, hold, who };
        let mut expected = String::new();
        for _ in 0..TRIES {
            if !self.may_answer() {
                break;
            }
            match self.ask_for(prefix, &entry, &expected, most, &mut pending).await? {
                Claimed::Granted(fence) => {
                    entry.fence = Fence(fence);
                    self.rises(entry.fence);
                    self.cache().forget(prefix.as_str());
                    return Ok(pending.granted(entry));
                }
                Claimed::Found(found, node) => expected = self.over(prefix, found, &node).await?,
                Claimed::Many => return Err(Unclaimed::TooMany),
                Claimed::Young(left) => return Err(Unclaimed::Young(left.min(YOUNG))),
                Claimed::Gone => break,
                Claimed::Unreadable => {
                    self.is_unreadable("claim", prefix.as_str());
                    break;
                }
            }
        }
        Err(Unclaimed::Unavailable)
    }

    /// Asks the engine once. An answer that comes late is none: the node may have slept, and lost what it was given.
    async fn ask_for(
        &self,
        prefix: &Prefix,
        entry: &Entry,
        expected: &str,
        most: usize,
        pending: &mut Pending,
    ) -> Result<Claimed, Unclaimed> {
        let live: Arc<Live> = self.link.live().ok_or(Unclaimed::Unavailable)?;
        let _reading = self.writing.read().await;
        pending.asks();
        let sent = Instant::now();
        let highest = self.highest();
        let claimed = scripts::claim(&self.link, &live, prefix.as_str(), entry, expected, most, highest).await;
        let claimed = claimed.map_err(|_| Unclaimed::Unavailable)?;
        if sent.elapsed() > ANSWER_DEADLINE {
            return Err(Unclaimed::Unavailable);
        }
        if !matches!(claimed, Claimed::Granted(_)) {
            pending.answered();
        }
        Ok(claimed)
    }

    /// What is claimed over: what was `found`, where its holder, of which `node` is the entry, does not mind.
    async fn over(&self, prefix: &Prefix, found: String, node: &str) -> Result<String, Unclaimed> {
        let Ok(entry) = found.parse::<Entry>() else {
            self.is_unreadable("claim", prefix.as_str());
            return Err(Unclaimed::Unavailable);
        };
        self.rises(entry.fence);
        let holder = read_node(&entry.node.to_string(), node).unwrap_or_else(|_| entry.holder());
        match follows(&entry, self.id, !node.is_empty()) {
            Follows::Taken => Ok(found),
            Follows::Held => Err(Unclaimed::Held(holder)),
            Follows::Asked => {
                let asked = Instant::now();
                let lives = timeout(ASK, (self.ask)(holder.clone())).await.unwrap_or(false);
                if lives {
                    return Err(Unclaimed::Held(holder));
                }
                // Its answer may lie there unread.
                if asked.elapsed() > ASK + LATE { Ok(String::new()) } else { Ok(found) }
            }
        }
    }
}
