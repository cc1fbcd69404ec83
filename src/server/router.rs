//! Which request goes where.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state, map_request};
use axum::response::Response;
use axum::routing::{any, post};
use tower_service::Service as _;

use super::public::Arrival;
use super::threads::Home;
use super::tls::Credential;
use super::{Config, PlainHttp, Server, cluster, https, public, v1, v2};
use crate::wire::{self, Prefix};

pub(super) fn router(server: Server) -> Router {
    let base = server.0.config.base.as_str();
    // What names a session is its server's; who asks for one names none.
    let v1 = Router::new()
        .route(&format!("{base}{}", wire::v1::READ), post(v1::read))
        .route(&format!("{base}{}", wire::v1::WRITE), post(v1::write))
        .route(&format!("{base}{}", wire::v1::DRAIN), post(v1::drain))
        .route_layer(from_fn_with_state(server.clone(), cluster::pass_elsewhere))
        .route(&format!("{base}{}", wire::v1::OPEN), post(v1::open))
        .route_layer(from_fn_with_state((server.clone(), v1::uncertified as Refuse), unless_certified));
    let v2 = Router::new()
        .route(&format!("{base}{}", wire::v2::READ), post(v2::read))
        .route(&format!("{base}{}", wire::v2::WRITE), post(v2::write))
        .route(&format!("{base}{}", wire::v2::DRAIN), post(v2::drain))
        .route(&format!("{base}{}", wire::v2::measure::MEASURE_DOWN), post(v2::examine::down))
        .route(&format!("{base}{}", wire::v2::measure::MEASURE_UP), post(v2::examine::up))
        .route_layer(from_fn_with_state(server.clone(), cluster::pass_elsewhere))
        .route(&format!("{base}{}", wire::v2::OPEN), post(v2::open))
        .route(&format!("{base}{}", wire::v2::measure::EXAMINE), post(v2::examine::open))
        .route_layer(from_fn_with_state((server.clone(), v2::uncertified as Refuse), unless_certified));
    let router = v1
        .merge(v2)
        .route("/", any(public::root))
        // A client whose connection has ended is gone, whatever answer it is owed.
        .route_layer(map_request(async |mut request: Request| {
            if let Some(arrival) = request.extensions_mut().get_mut::<Arrival>() {
                arrival.owed = None;
            }
            request
        }))
        .fallback(public::routed);
    let router = match server.0.config.domain {
        None => router,
        Some(_) => router.layer(from_fn_with_state(server.clone(), public::by_host)),
    };
    let router = match server.0.config.plain_http {
        PlainHttp::Serve => router,
        PlainHttp::Redirect => router.layer(from_fn_with_state(server.clone(), https::unless_secure)),
    };
    router.with_state(server)
}

/// The answer to a client without the certificate that it has to have, for this reason.
type Refuse = fn(&str) -> Response;

/// Passes a client on that has presented the certificate which its listener asks for, where it asks for one, and refuses any
/// other: at `open`, and at each carrier, for a certificate ends, and authorities change.
async fn unless_certified(State((server, refuse)): State<(Server, Refuse)>, request: Request, next: Next) -> Response {
    let credential = request.extensions().get::<Arc<Credential>>();
    match credential.and_then(|credential| credential.refusal((server.0.config.clock)())) {
        None => next.run(request).await,
        Some((presented, cause)) => {
            server.0.metrics.uncertified.count(presented);
            let from = public::origin(&server, &request);
            tracing::info!(?from, cause, "a client was refused");
            refuse(cause)
        }
    }
}

/// What answers the requests of the server's own listeners.
#[derive(Clone)]
pub(super) struct Routes {
    server: Server,
    router: Router,
    /// Visits need no router.
    direct: bool,
    /// That of the connection.
    home: Option<Home>,
    /// What the other end of the connection has presented, where it was asked to.
    credential: Option<Arc<Credential>>,
}

impl Routes {
    pub(super) fn of(server: &Server) -> Self {
        let direct = server.0.config.plain_http == PlainHttp::Serve;
        Self { server: server.clone(), router: router(server.clone()), direct, home: None, credential: None }
    }

    /// Those of a listener that only leads to `https`, at `port`.
    pub(super) fn to_https(server: &Server, port: u16) -> Self {
        Self {
            server: server.clone(),
            router: https::router(server.clone(), port),
            direct: false,
            home: None,
            credential: None,
        }
    }

    /// Those of a connection that lives there.
    pub(super) fn at(self, home: Home) -> Self {
        Self { home: Some(home), ..self }
    }

    /// The same for a connection whose other end has presented this.
    pub(super) fn for_who_presented(self, credential: Option<Credential>) -> Self {
        Self { credential: credential.map(Arc::new), ..self }
    }

    /// Whether the session has moved for which the connection was brought where it is.
    pub(super) fn home_has_left(&self) -> bool {
        self.home.as_ref().is_some_and(Home::has_left)
    }

    /// Whose routes they are.
    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    /// Answers as the router would.
    pub(super) async fn answer(&self, mut request: Request, mut arrival: Arrival) -> Response {
        if self.is_plain_visit(&request) {
            // Apart, for each connection has room for what this future keeps beside itself, and most of a session's do not
            // bring visitors.
            return Box::pin(public::visit(&self.server, &mut request, &mut arrival)).await;
        }
        request.extensions_mut().insert(arrival);
        if let Some(home) = &self.home {
            request.extensions_mut().insert(home.clone());
        }
        if let Some(credential) = &self.credential {
            request.extensions_mut().insert(Arc::clone(credential));
        }
        match self.router.clone().call(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        }
    }

    /// Whether the router would only pass it on to [`public::visit`]: that costs more than all that is done there before
    /// the request is on its way. No control endpoint is below what may be a prefix.
    fn is_plain_visit<B>(&self, request: &http::Request<B>) -> bool {
        let Config { domain, base, .. } = &self.server.0.config;
        let is_tunnels = || domain.as_ref().is_some_and(|domain| domain.tunnel_of(request).is_some());
        self.direct && (base.prefix_of(request.uri().path()).is_some_and(Prefix::is_valid) || is_tunnels())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_the_router_decides_is_left_to_it() {
        let asked = |plain_http, host: &str, path: &str| {
            let mut config = Config::new(None, || 0);
            config.plain_http = plain_http;
            config.domain = Some("t.example".parse().unwrap());
            let request = Request::builder().uri(path).header("host", host).body(()).unwrap();
            Routes::of(&Server::new(config)).is_plain_visit(&request)
        };
        let is_plain = |plain_http, path: &str| asked(plain_http, "t.example", path);
        for path in ["/my-app", "/my-app/", "/my-app/x/../.well-known/sendit/v2/open"] {
            assert!(is_plain(PlainHttp::Serve, path), "{path}");
            assert!(!is_plain(PlainHttp::Redirect, path), "{path}");
        }
        for path in ["/", "/x", "/My-App/", wire::v1::OPEN, wire::v1::READ, wire::v2::OPEN, wire::v2::measure::EXAMINE]
        {
            assert!(!is_plain(PlainHttp::Serve, path), "{path}");
            assert!(asked(PlainHttp::Serve, "my-app.t.example", path), "{path}");
        }
    }
}
