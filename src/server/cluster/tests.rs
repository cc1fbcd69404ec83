//! A server among others, of which it knows nothing: there is no engine.

use std::net::SocketAddr;

use axum::body::Body;
use futures_util::FutureExt as _;
use http::{Method, Request, StatusCode};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

use super::super::Server;
use super::super::config::Config;
use super::super::public::Arrival;
use super::super::router::Routes;
use super::*;
use crate::auth::Keys;
use crate::cluster::directory::{Ask, Settings};
use crate::cluster::peers::NotPassed;
use crate::cluster::{Found, Node};
use crate::proxy::Breaker;
use crate::wire::v2::SESSION_HEADER;
use crate::wire::{ERROR_HEADER, SessionId, v1, v2};

/// What a server is told.
pub(super) struct Told {
    pub(super) id: u8,
    pub(super) keys: Option<Keys>,
    pub(super) domain: Option<&'static str>,
    pub(super) base: &'static str,
    pub(super) cluster_secret: u8,
    pub(super) address: SocketAddr,
}

impl Default for Told {
    fn default() -> Self {
        Self { id: 1, keys: None, domain: None, base: "", cluster_secret: 7, address: ([127, 0, 0, 1], 1).into() }
    }
}

fn id(byte: u8) -> NodeId {
    NodeId::from_random([byte; 8])
}

fn at(id: NodeId, address: SocketAddr) -> Node {
    Node { id, address, url: None, sessions: 0, draining: false }
}

pub(super) fn server(told: Told) -> Server {
    let Told { id: number, keys, domain, base, cluster_secret, address } = told;
    let secret = Secret::new(&[cluster_secret; 32]).unwrap();
    let ask: Ask = Arc::new(|_| async { false }.boxed());
    let (engine, me) = ("redis://127.0.0.1:1".parse().unwrap(), at(id(number), address));
    let (directory, _) = Directory::join(Settings { engine, me, clock: || 0, ask });
    let peers = Peers::new(id(number), secret.clone(), TaskTracker::new());
    let mut config = Config::new(keys, || 0);
    config.domain = domain.map(|domain| domain.parse().unwrap());
    config.base = base.parse().unwrap();
    config.cluster = Some(Cluster::new(directory, peers, secret, None, 8));
    Server::new(config)
}

/// What is answered to a request, and in how many words.
async fn answered(server: &Server, request: Request<Body>) -> (StatusCode, Option<String>) {
    let arrival = Arrival { visitor: Visitor::new(None, false), breaker: Breaker::default(), owed: None };
    let answer = Routes::of(server).answer(request, arrival).await;
    let error = answer.headers().get(ERROR_HEADER).map(|error| error.to_str().unwrap().to_owned());
    (answer.status(), error)
}

/// Whoever has passed it on asks elsewhere, and only what comes of that is an exchange of a visitor's.
#[tokio::test]
async fn what_was_passed_on_in_vain_is_no_exchange() {
    let server = server(Told::default());
    let mut request = Request::get("/app/").body(Body::empty()).unwrap();
    request.extensions_mut().insert(Taken);
    assert_eq!(answered(&server, request).await, (StatusCode::MISDIRECTED_REQUEST, Some("not-mine".to_owned())));
    assert_eq!(server.0.metrics.exchanges.get().iter().sum::<u64>(), 0);
}

/// Who asks for a session names none, so nothing is passed on before anything is proved.
#[tokio::test(start_paused = true)]
async fn only_what_is_a_sessions_is_passed_to_its_server() {
    let server = server(Told::default());
    // It knows of no other, and that is not of now.
    tokio::time::advance(Duration::from_millis(1)).await;
    let elsewhere = SessionId::from_random(id(2).mark([7; 32]));
    for (path, is_passed) in [
        (v1::OPEN, false),
        (v1::READ, true),
        (v1::WRITE, true),
        (v1::DRAIN, true),
        (v2::OPEN, false),
        (v2::READ, true),
        (v2::WRITE, true),
        (v2::DRAIN, true),
        (v2::measure::EXAMINE, false),
        (v2::measure::MEASURE_DOWN, true),
        (v2::measure::MEASURE_UP, true),
    ] {
        let request = Request::builder().method(Method::POST).uri(path).header(SESSION_HEADER, elsewhere.as_str());
        let (status, _) = answered(&server, request.body(Body::empty()).unwrap()).await;
        assert_eq!(status == StatusCode::SERVICE_UNAVAILABLE, is_passed, "{path} {status}");
    }
}

/// Who has a tunnel is known, and whether its client is there only that server can say: one that does not hear this one says nothing.
#[tokio::test]
async fn what_the_server_that_has_a_tunnel_cannot_be_asked_is_undecided() {
    let [listener, nobodys] = [TcpListener::bind("127.0.0.1:0").await, TcpListener::bind("127.0.0.1:0").await];
    let (listener, nobodys) = (listener.unwrap(), nobodys.unwrap().local_addr().unwrap());
    let address = listener.local_addr().unwrap();
    let mut answering = JoinSet::new();
    answering.spawn(answer_peers(listener, server(Told { id: 2, address, ..Told::default() })));
    for (cluster_secret, address, error) in
        [(7, address, "client-offline"), (8, address, "undecided"), (7, nobodys, "undecided")]
    {
        let server = server(Told { cluster_secret, ..Told::default() });
        let holder = (at(id(2), address), "1".parse().unwrap(), Duration::ZERO);
        let heard = server.0.config.cluster.as_ref().unwrap().directory.hear("app", Some(holder));
        assert!(matches!(heard, Found::At { .. }));
        let request = Request::get("/app/").body(Body::empty()).unwrap();
        assert_eq!(answered(&server, request).await, (StatusCode::SERVICE_UNAVAILABLE, Some(error.to_owned())));
    }
}

/// What is sent to a server that ends is answered, or may be sent elsewhere, and the others know that it has ended before it has.
#[tokio::test]
async fn the_others_send_nothing_to_a_server_that_has_ended() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let node = at(id(1), listener.local_addr().unwrap());
    let server = server(Told { address: node.address, ..Told::default() });
    let mut answering = JoinSet::new();
    answering.spawn(answer_peers(listener, server.clone()));
    let other = Peers::new(id(2), Secret::new(&[7; 32]).unwrap(), TaskTracker::new());
    let ask = async || {
        let told = Passed { visitor: None, secure: false, version: http::Version::HTTP_11, errand: Errand::Ask };
        other.pass(&node, None, Request::get("/shared").body(Body::empty()).unwrap(), &told).await
    };
    assert_eq!(ask().await.unwrap().status(), StatusCode::OK);
    let asking = async {
        loop {
            match ask().await {
                Ok(answer) => assert_eq!(answer.status(), StatusCode::OK),
                Err(last) => return last,
            }
        }
    };
    let (last, ()) = tokio::join!(asking, async {
        server.shutdown().await;
        assert!(answering.try_join_next().is_some_and(|answering| answering.is_ok()));
    });
    assert!(matches!(last, NotPassed::Unreachable(Some(_))), "{last:?}");
}
