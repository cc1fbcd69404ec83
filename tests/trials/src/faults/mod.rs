//! The fault proxy: stands between two ends on loopback and does what networks, load balancers and gateways do to
//! requests, by a plan and a seed. Knows HTTP/1.1 as far as finding where messages begin and end.

mod plan;

mod framer;

mod tally;

mod victims;

mod line;

mod connection;

mod up;

mod down;

#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use fastrand::Rng;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use plan::{Copy, Cut, Heads, Kills, Kind, Loss, Plan, Shape, Then};
pub use tally::{Act, Tally};

use connection::Connection;
use tally::Counters;
use victims::Victims;

/// A running fault proxy. Dropped, it cuts everything that goes through it.
pub struct Proxy {
    address: SocketAddr,
    plan: watch::Sender<Plan>,
    shared: Arc<Shared>,
}

/// What all connections have in common.
struct Shared {
    to: SocketAddr,
    counters: Counters,
    victims: Victims,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

impl Proxy {
    /// Accepts on `listener` and passes everything on to `to`. The same seed makes the same choices, as far as the
    /// order of connections is the same.
    ///
    /// # Errors
    /// Where the listener has no address.
    pub fn start(listener: TcpListener, to: SocketAddr, seed: u64, plan: Plan) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (plan, current) = watch::channel(plan);
        let shared = Arc::new(Shared {
            to,
            counters: Counters::default(),
            victims: Victims::default(),
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
        });
        let accepting = accept(listener, current.clone(), seed, Arc::clone(&shared));
        shared.tasks.spawn(shared.shutdown.clone().run_until_cancelled_owned(accepting));
        let killing = victims::kill(current, Rng::with_seed(seed), Arc::clone(&shared));
        shared.tasks.spawn(shared.shutdown.clone().run_until_cancelled_owned(killing));
        Ok(Self { address, plan, shared })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Follows another plan: kills from now on, everything else on new connections.
    pub fn change(&self, plan: Plan) {
        self.plan.send_replace(plan);
    }

    #[must_use = "a cut that finds nothing has done nothing"]
    /// Cuts every connection that there is now, whatever the plan, and says how many there were.
    pub fn cut(&self, cut: Cut) -> usize {
        self.shared.victims.cut_all(cut)
    }

    /// What it has done so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.shared.counters.tally()
    }

    /// Waits until it has done enough. Bounded by nothing.
    pub async fn until(&self, enough: impl Fn(&Tally) -> bool) {
        self.shared.counters.until(enough).await;
    }

    /// Cuts what still goes through it and waits until nothing runs any more, which takes about as long as closing
    /// the sockets. Cancelling it leaves that to the runtime.
    pub async fn stop(self) -> Tally {
        self.shared.shutdown.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        self.tally()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.shutdown.cancel();
        self.shared.tasks.close();
    }
}

async fn accept(listener: TcpListener, plan: watch::Receiver<Plan>, seed: u64, shared: Arc<Shared>) {
    for index in 0_u64.. {
        let Ok((visitor, _)) = listener.accept().await else {
            // Out of descriptors: those who hold them need a turn before there are any.
            tokio::task::yield_now().await;
            continue;
        };
        shared.counters.count(Act::Connection);
        let plan = plan.borrow().clone();
        let connection = Connection::new(plan, index, seed, Arc::clone(&shared));
        shared.tasks.spawn(shared.shutdown.clone().run_until_cancelled_owned(relay(connection, visitor)));
    }
}

async fn relay(connection: Connection, visitor: TcpStream) {
    let Ok(origin) = TcpStream::connect(connection.shared.to).await else {
        connection.shared.counters.count(Act::Unreachable);
        return;
    };
    connection.run(visitor, origin).await;
}
