//! A visitor's way at one of several servers: what is another's is passed on to it.

use std::iter::once;
use std::pin::pin;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use hyper::upgrade::OnUpgrade;

use super::super::cluster::{Cluster, Elsewhere, Taken, Visit};
use super::super::quotas::unless_told_to_go;
use super::super::{Inner, Server};
use super::{Arrival, Exchange, There, pass_on};
use crate::cluster::peers::not_mine;
use crate::proxy::{Fault, relay, relay_upgrade};

/// Passes a request on to the session that holds the prefix, here or at another server. What comes from another server is passed on
/// no further: it asks elsewhere.
pub(super) async fn among_others(
    server: &Server,
    cluster: &Cluster,
    request: &mut Request,
    arrival: &mut Arrival,
    there: &There,
    exchange: &Arc<Exchange>,
) -> Result<Response, Fault> {
    let prefix = there.prefix().ok_or(Fault::UnknownPrefix)?;
    let is_passed = request.extensions().get::<Taken>().is_some();
    loop {
        if server.has(prefix) || server.0.expected.at(prefix).is_some() {
            // A server that was stopped for long may not have the prefix any more: it asks before and after.
            if !cluster.may_answer().await {
                return Err(Fault::ClientOffline);
            }
            match pass_on(server, request, arrival, there, exchange).await {
                Err(Fault::UnknownPrefix) => {}
                // The server that has passed it on refuses nobody because this one stops.
                Err(Fault::Stopping) if is_passed => {}
                Ok(_) if !cluster.still_has(server, prefix).await => return Err(Fault::ClientLost),
                outcome => return outcome,
            }
        }
        if is_passed {
            exchange.entry.goes_back();
            return Ok(not_mine());
        }
        let under_way = server.begin()?;
        let place = server.0.places.take_now().await.ok_or(Fault::Limit)?;
        // It goes on with the request, and stays with the visitor's connection all the same.
        let upgrade = request.extensions().get::<OnUpgrade>().cloned();
        let visit = Visit { prefix, request: &mut *request, visitor: &arrival.visitor, owed: &arrival.owed };
        let passed = pin!(server.unless_draining(cluster.pass_visit(server, visit)));
        match unless_told_to_go(&arrival.owed, || once(&place), passed).await.ok_or(Fault::Limit)?? {
            Elsewhere::Here => {}
            Elsewhere::Answered(mut answer) => {
                exchange.entry.passed_on();
                let guard = (place, under_way, Arc::clone(exchange));
                let is_upgrade = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
                let Some(upgrade) = upgrade.filter(|_| is_upgrade) else {
                    return Ok(relay(answer, arrival.breaker.clone(), guard));
                };
                let Inner { tasks, last_calls, closing, .. } = &*server.0;
                let joined = relay_upgrade(&mut answer, upgrade, arrival.breaker.clone(), last_calls.clone(), guard);
                tasks.spawn(closing.clone().run_until_cancelled_owned(joined));
                return Ok(answer);
            }
        }
    }
}
