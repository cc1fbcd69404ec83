//! A visitor's way to the session that holds the prefix of the path.

mod among_others;
mod attended;

use std::future::pending;
use std::iter::once;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, OnceLock};

use axum::extract::{ConnectInfo, OriginalUri, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{ACCEPT, CONNECTION, HeaderValue, WWW_AUTHENTICATE};
use http::{StatusCode, Uri, Version};

use super::access_log::Entry;
use super::gate::Owed;
use super::quotas::{Listens, Taken, unless_told_to_go};
use super::session::Place;
use super::threads::Home;
use super::{Config, Server};
use crate::proxy::{Breaker, Call, Fault, Visitor, challenge};
use among_others::among_others;
use attended::{Attended, Caller, attended};

/// What the server's own listener knows of a request. Where it goes by the router it carries that as an extension.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    pub(super) visitor: Visitor,
    pub(super) breaker: Breaker,
    /// The visitor is answered even where it has said all.
    pub(super) owed: Option<Owed>,
}

/// Everything that is no control endpoint.
pub(super) async fn routed(State(server): State<Server>, mut request: Request) -> Response {
    let arrival = request.extensions_mut().remove::<Arrival>();
    let mut arrival =
        arrival.unwrap_or_else(|| Arrival { visitor: caller(&request), breaker: Breaker::default(), owed: None });
    visit(&server, &mut request, &mut arrival).await
}

/// What a tunnel's own host is asked for is the tunnel's, control endpoints included: to its visitors there is no server.
pub(super) async fn by_host(State(server): State<Server>, request: Request, next: Next) -> Response {
    let is_tunnels = server.0.config.domain.as_ref().is_some_and(|domain| domain.tunnel_of(&request).is_some());
    if is_tunnels { routed(State(server), request).await } else { next.run(request).await }
}

/// A request of a visitor's. Takes it out of its place.
pub(super) async fn visit(server: &Server, request: &mut Request, arrival: &mut Arrival) -> Response {
    let (accept, version) = (request.headers().get(ACCEPT).cloned(), request.version());
    let there = There::of(request, &server.0.config);
    let from = server.0.config.trusted.spelt_origin(&arrival.visitor, request.headers());
    let entry = Entry::begin(server, from, request.method(), there.whole.as_ref().unwrap_or(request.uri()));
    let exchange = Arc::new(Exchange { places: OnceLock::new(), entry });
    let answer = match &server.0.config.cluster {
        None => pass_on(server, request, arrival, &there, &exchange).await,
        // Apart, for it would have its room in every visit.
        Some(cluster) => Box::pin(among_others(server, cluster, request, arrival, &there, &exchange)).await,
    };
    let mut answer = answer.inspect(|answer| exchange.entry.answered(answer.status())).unwrap_or_else(|fault| {
        let headers = accept.map(|accept| (ACCEPT, accept)).into_iter().collect();
        let mut answer = fault.answer(&headers);
        if fault == Fault::Unauthorized {
            answer.headers_mut().insert(WWW_AUTHENTICATE, challenge(&there.path));
        }
        exchange.entry.answered_here(&answer, Some(fault));
        answer
    });
    // On HTTP/2 the connection itself says so.
    let goes_on = answer.status() == StatusCode::SWITCHING_PROTOCOLS || version > Version::HTTP_11;
    if server.is_last_call() && !goes_on {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// What there is of an exchange until its last byte is through. It is counted once its places are free.
struct Exchange {
    places: OnceLock<(Taken, Place)>,
    entry: Entry,
}

async fn pass_on(
    server: &Server,
    request: &mut Request,
    arrival: &mut Arrival,
    there: &There,
    exchange: &Arc<Exchange>,
) -> Result<Response, Fault> {
    let (visitor, entry) = (&arrival.visitor, &exchange.entry);
    let prefix = there.prefix().ok_or(Fault::UnknownPrefix)?;
    let (one_of_all, under_way, Attended { session, place, waited }) = {
        let caller = Caller { prefix, headers: request.headers(), visitor, entry, owed: &arrival.owed };
        // Nobody who is not let in takes a place, which may be another's, or waits.
        let found = caller.looks_for(server)?;
        let under_way = server.begin()?;
        let one_of_all = server.0.places.take_now().await.ok_or(Fault::Limit)?;
        let attended = if let Some(free) = found.free(&caller) {
            free
        } else {
            // Apart, for it would have its room in every visit, and few wait. Nothing of the request is on its way, so who is
            // told to go can safely try again.
            let attended = Box::pin(server.unless_draining(attended(server, found, &caller)));
            unless_told_to_go(caller.owed, || once(&one_of_all), attended).await.ok_or(Fault::Limit)??
        };
        (one_of_all, under_way, attended)
    };
    if let Some(whole) = &there.whole {
        *request.uri_mut() = whole.clone();
    }
    let (breaker, meter) = (arrival.breaker.clone(), entry.meter());
    let call = Call { visitor, place: &there.path, breaker, meter, waited };
    let (places, owed) = (exchange.places.get_or_init(|| (one_of_all, place)), arrival.owed.take());
    let guard = (Arc::clone(exchange), owed.clone(), under_way);
    let answer = pin!(session.forward(request, call, guard));
    let places = || once(&places.0).chain(places.1.taken());
    unless_told_to_go(&owed, places, answer).await.unwrap_or(Err(Fault::Displaced))
}

impl Listens for Option<Owed> {
    async fn only_listens(&self) {
        match self {
            Some(owed) => owed.only_listens().await,
            // Its connection is not listened to for an end of its own.
            None => pending().await,
        }
    }
}

/// Who calls, as the socket says.
pub(super) fn caller(request: &Request) -> Visitor {
    let extensions = request.extensions();
    match extensions.get::<Arrival>() {
        Some(arrival) => arrival.visitor.clone(),
        None => Visitor::new(extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0), false),
    }
}

/// Where the connection lives that a request came by, where it has a home.
pub(super) fn home(request: &Request) -> Option<Home> {
    request.extensions().get().cloned()
}

/// Where a request comes from, as far as whoever brings it is believed.
pub(super) fn origin(server: &Server, request: &Request) -> Option<IpAddr> {
    server.0.config.trusted.origin(&caller(request), request.headers())
}

/// Where in the server's world a visitor wants to go.
struct There {
    /// What the visitor sent, where a program that mounts the router has cut something off.
    whole: Option<Uri>,
    /// The path of the tunnel as the visitor sent it, without a slash at its end: empty where the host is the tunnel's own.
    path: String,
    name: Name,
}

/// What names a tunnel.
enum Name {
    /// The segment of its path that begins there.
    Segment(usize),
    /// A part of the host.
    Host(String),
    Nothing,
}

impl There {
    fn of(request: &mut Request, config: &Config) -> Self {
        let Config { base, domain, .. } = config;
        let whole = request.extensions_mut().remove::<OriginalUri>().map(|uri| uri.0);
        if let Some(name) = domain.as_ref().and_then(|domain| domain.tunnel_of(request)) {
            return Self { whole, path: String::new(), name: Name::Host(name) };
        }
        let cut = request.uri().path();
        let mount = whole.as_ref().and_then(|whole| whole.path().strip_suffix(cut)).unwrap_or_default();
        let prefix = base.prefix_of(cut);
        let path = [mount, base.as_str(), "/", prefix.unwrap_or_default()].concat();
        let name = prefix.map_or(Name::Nothing, |prefix| Name::Segment(path.len() - prefix.len()));
        Self { whole, path, name }
    }

    /// The prefix that names the tunnel.
    fn prefix(&self) -> Option<&str> {
        match &self.name {
            Name::Segment(at) => self.path.get(*at..),
            Name::Host(name) => Some(name),
            Name::Nothing => None,
        }
    }
}

/// The public root, so that a load balancer finds something alive.
pub(super) async fn root() -> StatusCode {
    StatusCode::OK
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    /// Thousands may wait, and each has room for all that is handed on by value below it.
    #[test]
    fn a_visit_takes_little_room() {
        let mut arrival = Arrival { visitor: Visitor::new(None, false), breaker: Breaker::default(), owed: None };
        let (server, mut request) = (Server::new(Config::new(None, || 0)), Request::new(Body::empty()));
        let visit = visit(&server, &mut request, &mut arrival);
        assert!(size_of_val(&visit) <= 4 * 1024, "{}", size_of_val(&visit));
    }
}
