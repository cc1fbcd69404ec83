//! One connection, from the first byte to the last: HTTP/1.1 or HTTP/2, on the thread where it belongs.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::accept::HEAD_DEADLINE;
use super::connections::Place;
use super::gate::{Course, Gate, Patience};
use super::http1::{self, Service};
use super::router::Routes;
use super::severable::Severable;
use super::threads::Home;
use super::tls::Credential;
use super::transport::Transport;
use super::{Inner, Server, Tls, assign, http2};
use crate::proxy::{Breaker, Visitor};

/// How often a silent connection's other end is asked for a sign of life: a visitor who has said all may have left
/// without another word.
const PROBE: Duration = Duration::from_secs(15);

/// How much may wait in the system to be sent to a visitor, beyond what is on its way: the system's own bound is some
/// megabytes for each, which a thousand who take nothing would make a part of the machine.
#[cfg(target_os = "linux")]
const MAX_UNSENT: u32 = 256 * 1024;

/// A connection, from the first byte to the last. Until its first head has come, the handshake of TLS included, it can
/// make room for another.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    place: Place,
    tls: Option<Tls>,
    server: Server,
    routes: Routes,
) {
    let deadline = Instant::now() + HEAD_DEADLINE;
    // Small answers must not wait for the acknowledgement of the ones before. It fails on a dead connection only.
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(PROBE).with_interval(PROBE));
    #[cfg(target_os = "linux")]
    let _ = SockRef::from(&stream).set_tcp_notsent_lowat(MAX_UNSENT);
    let breaker = Breaker::default();
    let visitor = Visitor::new(Some(peer), tls.is_some());
    let fresh = server.0.fresh.token();
    let Inner { closing, connections, .. } = &*server.0;
    let spoken = tokio::select! {
        spoken = timeout_at(deadline, begin(stream, tls, breaker.clone())) => spoken,
        () = connections.waiting().told_to_end() => return,
        () = closing.cancelled() => return,
    };
    let (stream, credential, is_http2) = match spoken {
        Ok(Ok(begun)) => begun,
        Ok(Err(cause)) => return tracing::debug!(%peer, %cause, "a connection broke before its first request"),
        Err(_) => return,
    };
    let routes = routes.for_who_presented(credential);
    let home = assign::home(&server, stream.ahead());
    let begun = Begun { stream, is_http2, peer, deadline, breaker, visitor, fresh, server, routes, _place: place };
    match home {
        Some(home) => begun.serve_at(home).await,
        None => begun.serve().await,
    }
}

/// A connection whose first bytes have come.
struct Begun {
    stream: Severable,
    is_http2: bool,
    peer: SocketAddr,
    /// By when its first head has to be whole.
    deadline: Instant,
    breaker: Breaker,
    visitor: Visitor,
    /// There is, until its first request has come.
    fresh: TaskTrackerToken,
    server: Server,
    routes: Routes,
    _place: Place,
}

impl Begun {
    /// Is served on another thread, or here where there is no descriptor to move it by.
    async fn serve_at(mut self, home: Home) {
        // Apart, for it seldom comes to that.
        let Ok(duplicate) = self.stream.duplicate() else { return Box::pin(self.serve()).await };
        let tasks = self.server.0.tasks.clone();
        self.routes = self.routes.at(home.clone());
        home.spawn(&tasks, async move {
            match self.stream.adopt(duplicate) {
                Ok(()) => self.serve().await,
                Err(cause) => tracing::debug!(peer = %self.peer, %cause, "a connection could not be moved"),
            }
        });
    }

    async fn serve(self) {
        let Self { stream, is_http2, peer, deadline, breaker, visitor, fresh, server, routes, _place } = self;
        let outcome = if is_http2 {
            // Apart, for it would have its room in every connection.
            Box::pin(http2::serve(stream, deadline, visitor, routes, &server)).await.map_err(io::Error::other)
        } else {
            let (course, Inner { closing, connections, .. }) = (Course::default(), &*server.0);
            let gate = Gate::new(stream, course.clone(), Patience::new(deadline, connections.waiting().clone()));
            http1::serve(gate, Service::new(routes, course, visitor, breaker, fresh), closing).await
        };
        if let Err(cause) = outcome {
            tracing::debug!(%peer, %cause, "a connection broke");
        }
    }
}

/// What a connection is read by, what its other end has presented where it was asked to, and whether HTTP/2 is spoken on it:
/// what TLS has agreed on says no more than the first bytes do. Waits for them, so the caller sets the deadline.
async fn begin(
    stream: TcpStream,
    tls: Option<Tls>,
    breaker: Breaker,
) -> io::Result<(Severable, Option<Credential>, bool)> {
    let (stream, credential) = match tls {
        Some(tls) => {
            // Apart, for it would have its room in every connection.
            let (stream, credential) = Box::pin(tls.accept(stream)).await?;
            (Transport::Tls(Box::new(stream)), credential)
        }
        None => (Transport::Plain(stream), None),
    };
    let mut stream = Severable::new(stream, breaker);
    let is_http2 = stream.begins_with(http2::PREFACE).await?;
    Ok((stream, credential, is_http2))
}
