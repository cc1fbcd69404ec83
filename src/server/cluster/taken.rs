//! What other servers pass on: answered as if it had come here, but passed on no further. And what they ask themselves.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use tokio::net::TcpListener;
use tower_service::Service as _;

use super::super::Server;
use super::super::assign::home_of;
use super::super::public::Arrival;
use super::super::router::Routes;
use super::asked;
use crate::cluster::peers::{self, Errand, Passed, tell_thread};
use crate::proxy::{Breaker, Visitor};

/// Marks what another server has passed on.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Taken;

/// Answers the other servers at `listener` until this one ends, which waits until they have been told to send nothing more.
pub(super) async fn answer_peers(listener: TcpListener, server: Server) {
    let Some(cluster) = server.0.config.cluster.clone() else { return };
    let (_answering, stop) = (server.0.tasks.token(), server.0.closing.clone());
    let threads = server.0.threads.runtimes();
    let (routes, asked) = (Arc::new(Routes::of(&server)), asked::routes(server));
    let answer = move |request, passed: Passed| {
        let (routes, asked) = (Arc::clone(&routes), asked.clone());
        async move {
            match passed.errand {
                Errand::Visit => answer(&routes, request, passed).await,
                Errand::Ask => tell(asked, request).await,
            }
        }
    };
    peers::serve(listener, cluster.me(), cluster.secret, threads, answer, stop).await;
}

async fn answer(routes: &Routes, mut request: Request, passed: Passed) -> Response {
    let visitor = Visitor::new(passed.visitor, passed.secure);
    // Whether its visitor listens only the server knows that has its connection.
    let arrival = Arrival { visitor, breaker: Breaker::default(), owed: None };
    *request.version_mut() = passed.version;
    request.extensions_mut().insert(Taken);
    let elsewhere = home_of(routes.server(), &request).filter(|home| !home.is_here()).map(|home| home.at());
    let mut answer = routes.answer(request, arrival).await;
    tell_thread(&mut answer, elsewhere);
    answer
}

/// Answers what another server asks for itself.
async fn tell(mut asked: Router, request: Request) -> Response {
    match asked.call(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use axum::body::Body;
    use http::Version;
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::cluster::peers::Peers;
    use crate::cluster::{Node, NodeId, Secret};
    use crate::server::open::Terms;
    use crate::server::{Config, Threads};
    use crate::wire::v2::{READ, SESSION_HEADER};

    /// A server of two threads that another reaches, and how often it has answered on each.
    async fn serve(server: &Server) -> (Node, Arc<[AtomicUsize; 2]>) {
        let (routes, counts) = (Arc::new(Routes::of(server)), Arc::new([const { AtomicUsize::new(0) }; 2]));
        let (threads, counted) = (server.0.threads.clone(), Arc::clone(&counts));
        let answer = move |request, passed| {
            let here = (0..2).find(|at| threads.settle_at(*at).is_here());
            if let Some(at) = here {
                counted[at].fetch_add(1, Ordering::Relaxed);
            }
            let routes = Arc::clone(&routes);
            async move { answer(&routes, request, passed).await }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (id, address) = (NodeId::from_random([2; 8]), listener.local_addr().unwrap());
        let runtimes = server.0.threads.runtimes();
        TaskTracker::new().spawn(peers::serve(listener, id, secret(), runtimes, answer, CancellationToken::new()));
        (Node { id, address, url: None, sessions: 0, draining: false }, counts)
    }

    fn secret() -> Secret {
        Secret::new(&[7; 32]).unwrap()
    }

    #[tokio::test]
    async fn what_another_passes_comes_to_the_thread_of_its_session_but_the_first() {
        let mut config = Config::new(None, || 0);
        config.threads = Threads::start(NonZero::new(2).unwrap()).unwrap();
        // Nobody waits for its client, who is not there.
        config.max_hold = Duration::ZERO;
        let server = Server::new(config);
        let (session, _) = server.grant(Terms::plain("my-app", &server)).ok().unwrap();
        let (node, counts) = serve(&server).await;
        let peers = Peers::new(NodeId::from_random([1; 8]), secret(), TaskTracker::new());
        let visit = || Request::get("/my-app/x").body(Body::empty()).unwrap();
        let carry = || Request::post(READ).header(SESSION_HEADER, session.id().as_str()).body(Body::empty()).unwrap();
        let names: [(&str, &dyn Fn() -> Request); 2] = [("my-app", &visit), (session.id().as_str(), &carry)];
        // Twice: it lives on one of them, then on the other.
        for at in [0, 1] {
            session.move_to(server.0.threads.settle_at(at));
            for (name, request) in names {
                let before = counts[at].load(Ordering::Relaxed);
                for _ in 0..5 {
                    let passed =
                        Passed { visitor: None, secure: false, version: Version::HTTP_11, errand: Errand::Visit };
                    peers.pass(&node, Some(name), request(), &passed).await.unwrap();
                }
                assert_eq!(counts[at].load(Ordering::Relaxed) - before, 4, "{name} on {at}");
            }
        }
    }
}
