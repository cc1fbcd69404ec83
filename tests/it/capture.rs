//! What a client's inspector sees of exchanges that cross the tunnel, and of those that do not.

use std::sync::Arc;
use std::time::Duration;

use sendit::client::{self, Config, Dialer, Event, TargetTls, Wire};
use sendit::inspect::{Change, Exchange, Id, Inspector, Replay, Settings, State, replay};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use trials::faults::{Plan, Proxy};

use crate::peer::Peer;
use crate::target::{Target, down};
use crate::trust::certified;
use crate::tunnel::Server;
use crate::world::PATIENCE;

const POST: &str = "POST /app/x?y HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\n\r\nbody";
const ANSWER: &str = "HTTP/1.1 200 OK\r\nX-Target: 1\r\nContent-Length: 2\r\n\r\nhi";

/// What is told of a client's link.
#[derive(Default)]
struct Link {
    ready: Notify,
    lost: Notify,
    back: Notify,
}

/// A client of the library, and what its inspector sees.
struct Seen {
    inspector: Inspector,
    config: Config,
    link: Arc<Link>,
    _client: AbortOnDropHandle<()>,
}

impl Seen {
    async fn client(source: &str, target: &str, set: impl FnOnce(&mut Config)) -> Self {
        let inspector = Inspector::new(Settings::new(|| Duration::from_secs(1_800_000_000)));
        let mut config = Config::new(source.parse().unwrap(), target.parse().unwrap());
        config.inspector = Some(inspector.clone());
        set(&mut config);
        let link = Arc::new(Link::default());
        let told = {
            let link = Arc::clone(&link);
            move |event| match event {
                Event::Ready => link.ready.notify_one(),
                Event::Lost { .. } => link.lost.notify_one(),
                Event::Back { .. } => link.back.notify_one(),
                _ => {}
            }
        };
        let running = client::run(config.clone(), told, CancellationToken::new());
        let client = TaskTracker::new().spawn(async move { running.await.unwrap() });
        timeout(PATIENCE, link.ready.notified()).await.expect("the tunnel stands");
        Self { inspector, config, link, _client: AbortOnDropHandle::new(client) }
    }

    /// The exchange of this number, once it is over.
    async fn over(&self, id: Id) -> Arc<Exchange> {
        let mut changes = self.inspector.store().follow();
        let is_over = |exchange: &Arc<Exchange>| exchange.timing.ended.is_some();
        let over = async {
            loop {
                if let Some(exchange) = self.inspector.store().get(id).filter(is_over) {
                    return exchange;
                }
                while !matches!(changes.recv().await, Ok(Change::Ended(_))) {}
            }
        };
        timeout(PATIENCE, over).await.expect("it is over")
    }
}

/// One exchange is answered.
async fn answer(target: &mut Target) {
    let mut service = target.accept().await;
    service.until("body").await;
    service.send(ANSWER).await;
}

#[track_caller]
fn check_answered(exchange: &Exchange) {
    let (request, response) = (&exchange.request, exchange.response.as_ref().unwrap());
    assert_eq!(
        (exchange.state.clone(), request.method(), request.path()),
        (State::Done, &b"POST"[..], &b"/app/x?y"[..])
    );
    assert_eq!((&request.body.kept[..], request.header("host")), (&b"body"[..], Some(&b"a.example"[..])));
    assert_eq!(response.head, &ANSWER.as_bytes()[..ANSWER.len() - 2], "not a byte of the wire's own is among them");
    assert_eq!(response.body.kept, b"hi");
}

#[tokio::test]
async fn what_crosses_is_seen_on_either_wire() {
    let server = Server::start(&[]).await;
    for wire in [Wire::V1, Wire::V2] {
        let mut target = Target::start();
        let seen = Seen::client(&server.url("/app"), &target.url(), |config| config.wire = wire).await;
        let mut visitor = server.visit().await;
        visitor.send(POST).await;
        answer(&mut target).await;
        visitor.until("hi").await;
        check_answered(&*seen.over(1).await);
    }
}

#[tokio::test]
async fn what_stands_within_tls_is_seen_and_can_be_asked_again() {
    let server = Server::start(&[]).await;
    let (acceptor, _) = certified("localhost", 4000);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let serving = TaskTracker::new().spawn(async move {
        for _ in 0..2 {
            let (stream, _) = listener.accept().await.unwrap();
            let mut service = Peer::new(acceptor.accept(stream).await.unwrap());
            service.until("body").await;
            service.send(ANSWER).await;
        }
    });
    let seen = Seen::client(&server.url("/app"), &url, |config| config.target_tls = TargetTls::Insecure).await;
    let mut visitor = server.visit().await;
    visitor.send(POST).await;
    visitor.until("hi").await;
    let first = seen.over(1).await;
    check_answered(&first);
    drop(visitor);

    let connection = Dialer::new(&seen.config).unwrap().dial().await.unwrap();
    let id = replay(connection, &seen.inspector, &Replay::of(&first), first.id).await.unwrap();
    let again = seen.over(id).await;
    check_answered(&again);
    assert_eq!((id, again.replay_of), (2, Some(1)));
    serving.await.unwrap();
}

#[tokio::test]
async fn who_found_nobody_is_seen_with_what_was_asked() {
    for wire in [Wire::V1, Wire::V2] {
        let (server, nobody) = (Server::start(&[]).await, down());
        let url = format!("http://{}", nobody.local_addr().unwrap());
        let set = |config: &mut Config| (config.wire, config.target_hold) = (wire, Duration::ZERO);
        let seen = Seen::client(&server.url("/app"), &url, set).await;
        let mut visitor = server.visit().await;
        visitor.send(POST).await;
        assert_eq!(visitor.head().await.value("sendit-error"), Some("target-refused"));
        let exchange = seen.over(1).await;
        let State::Unreachable(cause) = &exchange.state else { panic!("{exchange:?}") };
        assert!(cause.starts_with("nothing listens at"), "{cause}");
        assert_eq!((exchange.request.method(), exchange.request.path()), (&b"POST"[..], &b"/app/x?y"[..]));
        assert!(exchange.response.is_none());
        let refused = Dialer::new(&seen.config).unwrap().dial().await.map(drop).unwrap_err();
        assert_eq!(&refused.to_string(), cause);
    }
}

#[tokio::test]
async fn how_long_a_target_was_waited_for_is_seen() {
    let (server, coming) = (Server::start(&[]).await, down());
    let url = format!("http://{}", coming.local_addr().unwrap());
    let seen = Seen::client(&server.url("/app"), &url, |config| config.target_hold = PATIENCE).await;
    let mut visitor = server.visit().await;
    visitor.send(POST).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    answer(&mut Target::listen(coming)).await;
    visitor.until("hi").await;
    let exchange = seen.over(1).await;
    check_answered(&exchange);
    assert!(exchange.timing.held >= Duration::from_millis(100), "{:?}", exchange.timing);
    assert!(exchange.timing.ended >= Some(exchange.timing.held), "it has waited from its beginning on");
}

#[tokio::test]
async fn what_went_on_after_the_link_was_lost_is_seen_to_have_been_resumed() {
    let (server, mut target) = (Server::start(&[]).await, Target::start());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let between = Proxy::start(listener, server.addr, 1, Plan::default()).unwrap();
    let address = between.address();
    let seen = Seen::client(&format!("http://{address}/app"), &target.url(), |_| ()).await;
    let mut visitor = server.visit().await;
    visitor.send(POST).await;
    let mut service = target.accept().await;
    service.until("body").await;
    between.stop().await;
    timeout(PATIENCE, seen.link.lost.notified()).await.expect("it is noticed");
    service.send(ANSWER).await;
    let listener = TcpListener::bind(address).await.unwrap();
    let _between = Proxy::start(listener, server.addr, 1, Plan::default()).unwrap();
    visitor.until("hi").await;
    timeout(PATIENCE, seen.link.back.notified()).await.expect("it is noticed");
    let exchange = seen.over(1).await;
    check_answered(&exchange);
    assert!(exchange.resumed);
}
