//! Many visitors at a time, each with its own part of the seed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fastrand::Rng;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Exchange, Figures, Public, Visitor};

/// A mixed load.
#[derive(Clone, Debug)]
pub struct Mix {
    /// Visitors at a time.
    pub at_once: u64,
    /// What all choices are made from.
    pub seed: u64,
    /// The id of the first exchange, so that the target can tell those of several runs apart.
    pub first_id: u64,
    /// How large bodies are, the largest of them at most 2 to the power of this.
    pub largest: u32,
}

/// Sends the mix until `enough`, and sees what has begun to its end, which takes 60 s more at most. Cancelling it leaves
/// its visitors to end by themselves.
pub async fn run(mix: &Mix, public: &Public, enough: impl Future<Output = ()>) -> Figures {
    run_among(mix, std::slice::from_ref(public), &Arc::new(AtomicU64::new(mix.first_id)), enough).await
}

/// The same to several places in turn, with ids that other loads to the same target may draw from as well.
pub async fn run_among(
    mix: &Mix,
    publics: &[Public],
    ids: &Arc<AtomicU64>,
    enough: impl Future<Output = ()>,
) -> Figures {
    let figures = Arc::new(Mutex::new(Figures::default()));
    let over = CancellationToken::new();
    let (visitors, connections) = (TaskTracker::new(), TaskTracker::new());
    for (index, public) in (0..mix.at_once).zip(publics.iter().cycle()) {
        let mut visitor = Visitor::new(public.clone(), connections.clone());
        let mut random = Rng::with_seed(mix.seed ^ (index + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let (figures, ids, over, largest) = (Arc::clone(&figures), Arc::clone(ids), over.clone(), mix.largest);
        visitors.spawn(async move {
            while !over.is_cancelled() {
                let exchange = Exchange::random(ids.fetch_add(1, Ordering::Relaxed), largest, &mut random);
                let begin = Instant::now();
                let outcome = visitor.send(exchange).await;
                // Held to add one, never across an await.
                figures.lock().unwrap_or_else(PoisonError::into_inner).add(&exchange, outcome, begin);
            }
        });
    }
    enough.await;
    over.cancel();
    visitors.close();
    visitors.wait().await;
    let figures = figures.lock().unwrap_or_else(PoisonError::into_inner);
    figures.clone()
}
