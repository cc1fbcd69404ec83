//! How one of several servers stops: what it has goes to the others, session by session, and whoever comes meanwhile is passed
//! on or waits.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep_until};

use super::super::Server;
use super::super::session::Session;
use super::Cluster;

/// How long a server goes on at least that is about to stop: until those who share out visitors have noticed. `HAProxy` looks
/// every 2 s, and believes the third look.
const NOTICE: Duration = Duration::from_secs(10);

/// How far apart sessions are handed over, whose clients all ask for others, and how long that takes of all at most.
const APART: Duration = Duration::from_millis(1);
const ALL: Duration = Duration::from_secs(10);

/// Leaves the others what the server has, if it is one of several: it is given nothing new, its sessions end one by one as their
/// exchanges do, and their clients open others elsewhere. Takes 50 s at most. Cancelling it leaves some of them here.
pub(in crate::server) async fn leave(server: &Server) {
    let Some(cluster) = &server.0.config.cluster else { return };
    let begin = Instant::now();
    cluster.leaving.cancel();
    server.0.last_calls.cancel();
    cluster.directory.set_draining();
    let sessions = server.0.registry.all();
    tracing::info!(sessions = sessions.len(), "the other servers are left what this one has");
    let apart = APART.min(ALL / u32::try_from(sessions.len()).unwrap_or(u32::MAX).max(1));
    let handing = (0..).zip(&sessions).map(|(at, session)| hand_over(cluster, session, begin + apart * at));
    join_all(handing).await;
    sleep_until(begin + NOTICE).await;
}

async fn hand_over(cluster: &Cluster, session: &Arc<Session>, begin: Instant) {
    sleep_until(begin).await;
    session.quiet().await;
    if let Some(claim) = cluster.claims.held(session.prefix().as_str()) {
        claim.moving(session.grace_left());
    }
    session.leave();
    session.ended().cancelled().await;
}
