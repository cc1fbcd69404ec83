//! Which connections carry what right now, and their loss at random moments.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep_until};

use super::{Act, Cut, Kills, Kind, Loss, Plan, Shared};

/// Everybody who can be lost.
#[derive(Clone, Default)]
pub(super) struct Victims {
    // Held for a look-up, never across an await.
    live: Arc<Mutex<BTreeMap<u64, Life>>>,
}

struct Life {
    carries: Option<Kind>,
    cut: oneshot::Sender<Cut>,
}

/// A connection's place among them, which it leaves by drop.
pub(super) struct Place {
    victims: Victims,
    index: u64,
}

impl Victims {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Life>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn enter(&self, index: u64) -> (Place, oneshot::Receiver<Cut>) {
        let (cut, killed) = oneshot::channel();
        self.lock().insert(index, Life { carries: None, cut });
        (Place { victims: self.clone(), index }, killed)
    }

    /// Cuts one connection that carries `kind`, or any, and says whether there was one.
    fn cut_one(&self, kind: Option<Kind>, cut: Cut, random: &mut Rng) -> bool {
        let mut live = self.lock();
        let fits = |life: &Life| kind.is_none() || life.carries == kind;
        let carriers = live.iter().filter(|(_, life)| fits(life)).map(|(index, _)| *index);
        let Some(index) = random.choice(carriers.collect::<Vec<_>>()) else { return false };
        live.remove(&index).is_some_and(|life| life.cut.send(cut).is_ok())
    }

    /// Cuts every connection that there is, and says how many there were.
    pub(super) fn cut_all(&self, cut: Cut) -> usize {
        let live = std::mem::take(&mut *self.lock());
        live.into_values().filter_map(|life| life.cut.send(cut).ok()).count()
    }
}

impl Place {
    /// What the connection carries from now on; none between two requests.
    pub(super) fn carries(&self, kind: Option<Kind>) {
        if let Some(life) = self.victims.lock().get_mut(&self.index) {
            life.carries = kind;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.victims.lock().remove(&self.index);
    }
}

/// Kills by the current plan, for ever.
pub(super) async fn kill(mut plan: watch::Receiver<Plan>, mut random: Rng, shared: Arc<Shared>) {
    loop {
        let kills = plan.borrow_and_update().kills.clone();
        let Some(kills) = kills else {
            if plan.changed().await.is_err() {
                return std::future::pending().await;
            }
            continue;
        };
        let turn = Instant::now() + between(&kills, &mut random);
        tokio::select! {
            // Nobody can change the plan any more where this fails; the one that stands goes on.
            Ok(()) = plan.changed() => {}
            () = sleep_until(turn) => {
                let act = strike(&kills, &mut random, &shared.victims);
                shared.counters.count(act);
            }
        }
    }
}

pub(super) fn between(kills: &Kills, random: &mut Rng) -> Duration {
    let (start, end) = (*kills.every.start(), *kills.every.end());
    start + end.saturating_sub(start).mul_f64(random.f64())
}

fn strike(kills: &Kills, random: &mut Rng, victims: &Victims) -> Act {
    let (Some(loss), Some(cut)) = (random.choice(kills.what.iter().copied()), random.choice(kills.how.iter().copied()))
    else {
        return Act::NoVictim;
    };
    let struck = match loss {
        Loss::Read => victims.cut_one(Some(Kind::Read), cut, random),
        Loss::Write => victims.cut_one(Some(Kind::Write), cut, random),
        Loss::Both => {
            let read = victims.cut_one(Some(Kind::Read), cut, random);
            let write = victims.cut_one(Some(Kind::Write), cut, random);
            read || write
        }
        Loss::Any => victims.cut_one(None, cut, random),
    };
    if struck { Act::Kill(loss, cut) } else { Act::NoVictim }
}
