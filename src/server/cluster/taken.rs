//! What other servers pass on: answered as if it had come here, but passed on no further. And what they ask themselves.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use tokio::net::TcpListener;
use tower_service::Service as _;

use super::super::Server;
use super::super::public::Arrival;
use super::super::router::Routes;
use super::asked;
use crate::cluster::peers::{self, Errand, Passed};
use crate::proxy::{Breaker, Visitor};

/// Marks what another server has passed on.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Taken;

/// Answers the other servers at `listener` until this one ends, which waits until they have been told to send nothing more.
pub(super) async fn answer_peers(listener: TcpListener, server: Server) {
    let Some(cluster) = server.0.config.cluster.clone() else { return };
    let (_answering, stop) = (server.0.tasks.token(), server.0.closing.clone());
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
    peers::serve(listener, cluster.me(), cluster.secret, answer, stop).await;
}

async fn answer(routes: &Routes, mut request: Request, passed: Passed) -> Response {
    let visitor = Visitor::new(passed.visitor, passed.secure);
    // Whether its visitor listens only the server knows that has its connection.
    let arrival = Arrival { visitor, breaker: Breaker::default(), owed: None };
    *request.version_mut() = passed.version;
    request.extensions_mut().insert(Taken);
    routes.answer(request, arrival).await
}

/// Answers what another server asks for itself.
async fn tell(mut asked: Router, request: Request) -> Response {
    match asked.call(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}
