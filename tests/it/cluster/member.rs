//! Nodes of a cluster without their servers: what each knows of the directory, and whether it answers the others.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::FutureExt as _;
use sendit::cluster::directory::{Ask, Settings};
use sendit::cluster::{Claim, Directory, Found, Node, NodeId, Unavailable, Unclaimed};
use sendit::wire::Prefix;
use tokio::time::timeout;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

/// Longer than a lease, a young directory and what is tried again take together.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

pub(super) const HOLD: Duration = Duration::from_secs(7);

/// Which nodes answer when they are asked whether they live, and who was asked.
#[derive(Clone, Default)]
pub(super) struct World {
    pub(super) living: Arc<Mutex<BTreeSet<NodeId>>>,
    pub(super) asked: Arc<Mutex<Vec<NodeId>>>,
}

pub(super) struct Member {
    pub(super) directory: Directory,
    /// Nothing is kept up without it.
    pub(super) keeping: AbortOnDropHandle<()>,
}

impl World {
    pub(super) async fn join(&self, url: &str, id: u8) -> Result<Member, String> {
        let address = format!("127.0.0.1:{}", 7000 + u16::from(id)).parse().unwrap();
        self.join_at(url, Node { id: NodeId::from_random([id; 8]), address, url: None, sessions: 0, draining: false })
            .await
    }

    pub(super) async fn pair(&self, url: &str) -> (Member, Member) {
        (self.join(url, 1).await.unwrap(), self.join(url, 2).await.unwrap())
    }

    pub(super) async fn join_at(&self, url: &str, me: Node) -> Result<Member, String> {
        let world = self.clone();
        let ask: Ask = Arc::new(move |node: Node| {
            world.asked.lock().unwrap().push(node.id);
            let lives = world.living.lock().unwrap().contains(&node.id);
            async move { lives }.boxed()
        });
        self.living.lock().unwrap().insert(me.id);
        let settings = Settings { engine: url.parse().unwrap(), me, clock: now, ask };
        let (directory, keeper) = Directory::join(settings);
        let keeping = TaskTracker::new().spawn(async { match keeper.run().await {} });
        let keeping = AbortOnDropHandle::new(keeping);
        until(async || {
            let joined = directory.may_answer().then_some(Ok(()));
            joined.or_else(|| directory.trouble().map(Err))
        })
        .await?;
        Ok(Member { directory, keeping })
    }

    /// It no longer renews anything, and does not answer.
    pub(super) fn dies(&self, member: Member) -> Directory {
        self.living.lock().unwrap().remove(&member.directory.me());
        drop(member.keeping);
        member.directory
    }
}

#[expect(clippy::disallowed_methods, reason = "the engine's clock is the machine's")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

impl Member {
    pub(super) async fn try_claim(&self, prefix: &str) -> Result<Claim, Unclaimed> {
        self.directory.claim(&prefix.parse::<Prefix>().unwrap(), Some("sub:a"), 3, HOLD).await
    }

    /// Claims until the directory is no longer young, or whoever had it is over.
    pub(super) async fn claim(&self, prefix: &str) -> Claim {
        until(|| self.try_claim(prefix).map(Result::ok)).await
    }

    pub(super) async fn find(&self, prefix: &str) -> Result<Found, Unavailable> {
        self.directory.find(prefix).await
    }

    pub(super) async fn finds(&self, prefix: &str, found: impl Fn(&Found) -> bool) -> Found {
        until(|| self.find(prefix).map(|it| it.ok().filter(&found))).await
    }

    pub(super) async fn shows(&self, part: &str) {
        until(|| async { self.directory.trouble().filter(|trouble| trouble.contains(part)) }).await;
    }

    pub(super) async fn recovers(&self) {
        until(|| async { (self.directory.trouble().is_none() && self.directory.may_answer()).then_some(()) }).await;
    }
}

/// Looks until there is something, a few times in a second.
pub(super) async fn until<T, F: Future<Output = Option<T>>>(mut look: impl FnMut() -> F) -> T {
    let looks = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, looks).await.expect("it never came")
}

#[track_caller]
pub(super) fn is_held_by<T: Debug>(outcome: Result<T, Unclaimed>, id: u8) {
    let Err(Unclaimed::Held(node)) = outcome else { panic!("{outcome:?}") };
    assert_eq!((node.id, node.address.port()), (NodeId::from_random([id; 8]), 7000 + u16::from(id)));
}
