//! How a node passes a request on to another, and takes in what another passes. Knows no session and no prefix: whom a request
//! is for is found out by whoever passes it on, and whether that is so by whoever is asked.
//!
//! It goes as it came: method, path, headers, body and trailers, and beside it what only the first node knows of the visitor
//! ([`Passed`]). Interim answers are lost on the way. A body that cannot be finished is an error at the other end, never an end.

mod again;
mod carried;
mod greeting;
mod pass;
mod passed;
mod places;
mod pool;
mod serve;
mod threads;
mod told;
mod tunnel;
mod unproved;
mod upgrade;

#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use hyper::rt::Executor;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::{Node, NodeId, Secret};
use pool::Pool;

pub use greeting::Greeted;
pub use pass::{NotPassed, not_mine};
pub use passed::{Errand, InvalidPassed, Passed};
pub use serve::serve;
pub use threads::tell_thread;

/// What of a body may be on its way and not be read yet, each way.
const WINDOW: u32 = 256 * 1024;

/// How many requests a connection may have at a time.
const MAX_STREAMS: u32 = 1_000;

/// The same for all bodies of a connection. It is no bound of its own: a few visitors who read nothing would hold up all others.
const ALL_WINDOWS: u32 = MAX_STREAMS * WINDOW;

/// What waits to be sent of a body, beside that.
const MAX_SEND: usize = 64 * 1024;

/// The head, or the trailers, of a request or an answer. More than a visitor's may be, for HTTP/2 counts each line as 32 bytes
/// more, and the first node says something as well.
const MAX_HEAD: u32 = 80 * 1024;

/// How often the other end is asked whether it is there, also while nothing is under way, and how long it may take to say so.
const PING: Duration = Duration::from_secs(2);
const PING_DEADLINE: Duration = Duration::from_secs(3);

/// How long a connection may take to be made, and a greeting that only asks who is there.
const CONNECT_DEADLINE: Duration = Duration::from_secs(1);

/// The other nodes, as this one reaches them.
#[derive(Clone)]
pub struct Peers {
    pool: Pool,
}

impl Peers {
    /// Knows nobody yet. What it runs is run in `tasks`.
    #[must_use]
    pub fn new(me: NodeId, secret: Secret, tasks: TaskTracker) -> Self {
        Self { pool: Pool::new(me, secret, Tasks(tasks)) }
    }

    /// Has another node answer a request, as long as that takes; dropping this, or the answer's body, ends it there. It goes to the
    /// thread that the node has last said of what the request `names`: a tunnel, or a session. An upgrade is
    /// answered with 101, and [`hyper::upgrade::on`] the answer is the way to the other side then: whoever passes it on joins that with
    /// the visitor's.
    ///
    /// # Errors
    /// Where there is no answer, and with the request where it can be sent elsewhere.
    pub async fn pass(
        &self,
        to: &Node,
        names: Option<&str>,
        request: Request<Body>,
        passed: &Passed,
    ) -> Result<Response<Body>, NotPassed> {
        pass::pass(&self.pool, To { node: to, names }, request, passed).await
    }

    /// Whether that very node answers at its address, within a second.
    pub async fn lives(&self, node: &Node) -> bool {
        self.who(node.address).await.is_ok_and(|id| id == node.id)
    }

    /// Which node answers at an address, within a second.
    ///
    /// # Errors
    /// Where none does.
    pub async fn who(&self, address: SocketAddr) -> Result<NodeId, Greeted> {
        let late = |_| Greeted::Nobody(io::ErrorKind::TimedOut.into());
        let greeted = async {
            let mut stream = TcpStream::connect(address).await?;
            self.pool.greet(&mut stream).await
        };
        timeout(CONNECT_DEADLINE, greeted).await.map_err(late)?
    }

    /// Lets go of every node that is not among these: what is under way to it comes to its end, and nothing more is sent.
    pub fn keep(&self, nodes: &[Node]) {
        self.pool.keep(nodes);
    }
}

/// Where a request goes.
#[derive(Clone, Copy)]
struct To<'a> {
    node: &'a Node,
    /// What lives on one of its threads.
    names: Option<&'a str>,
}

/// Hands hyper's tasks to a tracker.
#[derive(Clone)]
struct Tasks(TaskTracker);

impl<Fut> Executor<Fut> for Tasks
where
    Fut: Future + Send + 'static,
    Fut::Output: Send,
{
    fn execute(&self, task: Fut) {
        self.0.spawn(async move { drop(task.await) });
    }
}
