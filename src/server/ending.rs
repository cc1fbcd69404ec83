//! How a server ends: what is under way comes to its end first, and what comes meanwhile is refused or, where its sockets
//! outlive it, left to the server that takes its place.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::cluster::Cluster;
use super::{Inner, Server, Standing, access_log};
use crate::proxy::Fault;

/// How long exchanges in flight may take to end once the server is to stop.
pub(super) const GRACE: Duration = Duration::from_secs(30);

/// How long the last of them may, for which whoever comes meanwhile has to wait: for as long as visitors usually are held.
const LAST: Duration = Duration::from_secs(10);

/// How long a connection is waited for that is about to bring a request: the first, or another, whose visitor has not heard
/// yet that it was to bring no more.
const LAST_CALL: Duration = Duration::from_secs(1);

/// How long what remains then may take to say good-bye.
const FAREWELL: Duration = Duration::from_secs(5);

impl Server {
    /// Takes no new session and no new exchange, lets those in flight end, for 30 s at most, then ends all sessions.
    /// Cancelling it leaves the server draining.
    pub async fn shutdown(&self) {
        let Inner { draining, last_calls, .. } = &*self.0;
        draining.cancel();
        last_calls.cancel();
        self.finish(GRACE).await;
        self.close().await;
    }

    /// Refuses nobody: lets those exchanges end that are in flight now, for 30 s at most, while all goes on as it was but that
    /// each answer is the last of its connection, for some may last for ever. Then takes no new connection, and lets the
    /// others end, for 10 s at most. Cancelling it leaves the server as it is.
    pub(super) async fn hand_over(&self) {
        let Inner { last_calls, leaving, fresh, .. } = &*self.0;
        last_calls.cancel();
        let before = std::mem::take(&mut *self.exchanges());
        before.close();
        let _ = tokio::join!(timeout(GRACE, before.wait()), sleep(LAST_CALL));
        leaving.cancel();
        tracing::info!("no connection is taken any more: whoever comes waits for the next server");
        fresh.close();
        let _ = timeout(LAST_CALL, fresh.wait()).await;
        self.finish(LAST).await;
        if !before.is_empty() {
            self.tell_cut(&before);
        }
        self.close().await;
    }

    /// What a server waits for that is to stop, in a sentence.
    #[must_use]
    pub fn waits_for(&self) -> &'static str {
        let is_leaving = self.0.config.cluster.as_ref().is_some_and(Cluster::is_leaving) && !self.is_draining();
        match self.0.places.taken() {
            0 if is_leaving => "nothing is in flight; load balancers have 10 s to notice that this server stops",
            0 => "nothing is in flight; connections have 5 s to end",
            _ => "exchanges in flight have 30 s to end",
        }
    }

    async fn finish(&self, patience: Duration) {
        let exchanges = self.exchanges().clone();
        exchanges.close();
        if timeout(patience, exchanges.wait()).await.is_err() {
            self.tell_cut(&exchanges);
        }
    }

    fn tell_cut(&self, exchanges: &TaskTracker) {
        let sessions = self.0.registry.all();
        // One of theirs: none where another server has the session, whose log has its line.
        let prefix = sessions.iter().find(|session| session.exchanges() > 0).map(|session| session.prefix().as_str());
        tracing::warn!(left = exchanges.len(), prefix, "exchanges in flight are cut off");
    }

    async fn close(&self) {
        let Inner { draining, leaving, closing, tasks, stood, .. } = &*self.0;
        access_log::tell_left_out();
        let _ = stood.set(self.standing());
        for over in [draining, leaving, closing] {
            over.cancel();
        }
        tasks.close();
        let _ = timeout(FAREWELL, tasks.wait()).await;
    }

    /// The tunnels that stand or, where the server has ended, stood until then.
    #[must_use]
    pub fn standing(&self) -> Vec<Standing> {
        self.0.stood.get().cloned().unwrap_or_else(|| self.0.registry.standing())
    }

    /// Expects the clients of these tunnels, which stood at the server before this one, for 15 s from now on. Their visitors
    /// wait for them, as they do for a client that is gone.
    pub fn expect(&self, standing: impl IntoIterator<Item = Standing>) {
        let Inner { config, expected, metrics, .. } = &*self.0;
        for standing in standing.into_iter().take(config.limits.sessions) {
            expected.expect(standing, config.limits.held_per_session, metrics);
        }
    }

    pub(super) fn is_draining(&self) -> bool {
        self.0.draining.is_cancelled()
    }

    /// Whether a session has visitors, and too few carriers of its client's.
    pub(super) fn misses_a_client(&self) -> bool {
        self.0.registry.all().iter().any(|session| session.misses_its_client())
    }

    /// An exchange is in flight until what is returned is dropped.
    ///
    /// # Errors
    /// Where the server takes no new ones.
    pub(super) fn begin(&self) -> Result<TaskTrackerToken, Fault> {
        if self.is_draining() { Err(Fault::Stopping) } else { Ok(self.exchanges().token()) }
    }

    /// What comes of `wait`, which is not worth its while once the server takes no new exchange.
    pub(super) async fn unless_draining<T>(&self, wait: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        tokio::select! {
            biased;
            done = wait => done,
            () = self.0.draining.cancelled() => Err(Fault::Stopping),
        }
    }

    /// Whether each answer to a visitor is the last of its connection: what comes next is for the next server.
    pub(super) fn is_last_call(&self) -> bool {
        self.0.last_calls.is_cancelled()
    }

    // Held for a look, never across an await.
    fn exchanges(&self) -> MutexGuard<'_, TaskTracker> {
        self.0.exchanges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn what_is_not_in_flight_is_not_waited_for() {
        let server = Server::new(Config::new(None, || 0));
        assert_eq!(server.waits_for(), "nothing is in flight; connections have 5 s to end");
        let place = server.0.places.try_take();
        assert_eq!(server.waits_for(), "exchanges in flight have 30 s to end");
        drop(place);
    }
}
