//! Moves sessions between threads, by what they do: where one is flooded, the others on its thread would wait for it.

mod plan;

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::session::Session;
use super::{Inner, Server};
use plan::{Doing, Move, moves};

/// How long sessions are watched once an exchange of one has been held back: long enough to tell who does much, and not for
/// others to notice much of it.
const WATCH: Duration = Duration::from_millis(100);

/// How long then nothing is moved.
const REST: Duration = Duration::from_secs(1);

/// Spreads the sessions of a server over its threads anew, for ever, whenever that is of use.
pub(super) async fn spread(server: &Server) -> Infallible {
    let Inner { threads, registry, all, .. } = &*server.0;
    if threads.are_one() {
        return pending().await;
    }
    loop {
        all.held_back().await;
        let watched: Vec<_> = registry.all().into_iter().map(|session| (session.work(), session)).collect();
        sleep(WATCH).await;
        let doing: Vec<Doing> = watched.iter().map(|(before, session)| doing(session, *before)).collect();
        for Move { which, to } in moves(threads.number(), &doing) {
            let Some((_, session)) = watched.get(which) else { continue };
            tracing::debug!(session = %session.id(), prefix = %session.prefix(), thread = to + 1, "a session moves");
            session.move_to(threads.settle_at(to));
        }
        drop(watched);
        sleep(REST).await;
    }
}

fn doing(session: &Arc<Session>, before: u64) -> Doing {
    Doing { at: session.home().at(), work: session.work().saturating_sub(before) }
}
