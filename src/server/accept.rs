//! The accept loop: one task for each connection, bounded in number.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::listener::Speaks;
use super::refuse::Refusals;
use super::router::Routes;
use super::spread::spread;
use super::{Inner, Listener, Server, access_log, cluster, connection};
use crate::proxy::Fault;

/// How long a head may be on its way: from its first byte on, or from the beginning of the connection.
pub(super) const HEAD_DEADLINE: Duration = Duration::from_secs(10);

/// How long a connection may be idle between two exchanges. Longer than the common load balancers keep their side (60 s),
/// so that they are the ones who close.
pub(super) const IDLE: Duration = Duration::from_secs(75);

/// The most that a request's head may be.
pub(super) const MAX_HEAD: usize = 64 * 1024;

/// How long the loop rests when there is no descriptor left for a connection. Connections that end make room; asking
/// for them without a pause would only burn time.
const BREATHER: Duration = Duration::from_millis(100);

/// How often a server that leaves looks whether a client is missed.
const LOOK: Duration = Duration::from_millis(50);

/// Serves at one address without TLS, as [`serve_at`] does at several.
pub async fn serve(listener: TcpListener, server: Server, shutdown: CancellationToken) {
    serve_at([Listener::http(listener)], server, shutdown).await;
}

/// Serves until `shutdown` is cancelled, then takes no new session and ends once the exchanges in flight have, after
/// 30 s at most. Carriers are still renewed meanwhile. Where a listener is [kept](Listener::kept) it takes visitors and
/// sessions until those exchanges have ended, and then 10 s at most for the others. Cancelling it cuts everything.
pub async fn serve_at(listeners: impl IntoIterator<Item = Listener>, server: Server, shutdown: CancellationToken) {
    let listeners: Vec<Listener> = listeners.into_iter().collect();
    let is_kept = listeners.iter().any(|listener| listener.is_kept);
    let refusals = Refusals::new(server.0.tasks.clone());
    let accepting = listeners.into_iter().map(|listener| accept(listener, &server, &refusals));
    let accepting = join_all(accepting);
    let stopping = async {
        shutdown.cancelled().await;
        cluster::leave(&server).await;
        if is_kept { server.hand_over().await } else { server.shutdown().await }
    };
    tokio::select! {
        _ = accepting => {}
        () = stopping => {}
        never = spread(&server) => match never {},
    }
}

async fn accept(listener: Listener, server: &Server, refusals: &Refusals) {
    let Inner { connections, tasks, .. } = &*server.0;
    let Listener { socket, speaks, is_kept } = listener;
    let (routes, tls) = match speaks {
        Speaks::Http => (Routes::of(server), None),
        Speaks::Https(tls) => (Routes::of(server), Some(tls)),
        Speaks::Redirects(port) => (Routes::to_https(server, port), None),
    };
    let mut told = false;
    loop {
        let accepted = if is_kept { wanted(&socket, server).await } else { socket.accept().await };
        match accepted {
            Ok((stream, peer)) => {
                told = false;
                if let Some(place) = connections.place(peer.ip()).await {
                    tasks.spawn(connection::serve(stream, peer, place, tls.clone(), server.clone(), routes.clone()));
                } else {
                    access_log::refused(server, Some(peer.ip().to_canonical()), Fault::Limit);
                    refusals.refuse(stream, tls.as_ref());
                }
            }
            Err(cause) => {
                // Once is enough: where descriptors are the cause, the next ten are in the next second.
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(%cause, "a connection could not be accepted");
                }
                connections.waiting().shed();
                sleep(BREATHER).await;
            }
        }
    }
}

/// The next connection. A server that leaves takes none but for clients that are missed, without whom it could not end what
/// it has: whoever else comes waits for the next server.
async fn wanted(socket: &TcpListener, server: &Server) -> io::Result<(TcpStream, SocketAddr)> {
    tokio::select! {
        biased;
        () = server.0.leaving.cancelled() => {}
        accepted = socket.accept() => return accepted,
    }
    loop {
        if server.misses_a_client()
            && let Ok(accepted) = timeout(LOOK, socket.accept()).await
        {
            return accepted;
        }
        sleep(LOOK).await;
    }
}
