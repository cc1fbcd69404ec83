//! Connections that change their protocol: to `WebSocket`, and to any other.

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{WebSocketStream, accept_async, client_async};

use crate::peer::{End, Peer};
use crate::target::Target;
use crate::tunnel::Tunnel;

type Socket = WebSocketStream<TcpStream>;

/// Both ends of a WebSocket through the tunnel: the visitor's and the target's.
async fn sockets(tunnel: &Tunnel, target: &mut Target) -> (Socket, Socket) {
    let visitor = tunnel.server.visit().await.into_stream();
    let url = format!("ws://{}/app/socket", tunnel.server.addr);
    let (visitor, target) =
        tokio::join!(client_async(url, visitor), async { accept_async(target.accept().await.into_stream()).await });
    (visitor.expect("the visitor is let in").0, target.expect("the target is asked"))
}

async fn next(socket: &mut Socket) -> Message {
    let message = tokio::time::timeout(crate::world::PATIENCE, socket.next()).await;
    message.expect("it comes in time").expect("it comes").expect("it is well formed")
}

#[tokio::test]
async fn websockets() {
    let mut target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;
    let (mut visitor, mut service) = sockets(&tunnel, &mut target).await;
    for message in [
        Message::text("hello"),
        Message::text(""),
        Message::binary(vec![0, 255, 13, 10]),
        Message::binary(vec![7; 1 << 20]),
        Message::Ping(b"p".to_vec().into()),
        Message::text("é".repeat(1 << 19)),
    ] {
        let (sent, came) = tokio::join!(visitor.send(message.clone()), next(&mut service));
        sent.unwrap();
        assert!(came == message, "up");
        let (sent, came) = tokio::join!(service.send(message.clone()), next(&mut visitor));
        sent.unwrap();
        // A ping is answered by a pong, which comes before it.
        let came = if came.is_pong() { next(&mut visitor).await } else { came };
        assert!(came == message, "down");
    }
    drop((visitor, service));
    let closing = |code| Message::Close(Some(CloseFrame { code: CloseCode::from(code), reason: "over".into() }));
    let (mut visitor, mut service) = sockets(&tunnel, &mut target).await;
    visitor.send(closing(4_001)).await.unwrap();
    assert_eq!(next(&mut service).await, closing(4_001));
    let (mut visitor, mut service) = sockets(&tunnel, &mut target).await;
    service.send(closing(1_011)).await.unwrap();
    assert_eq!(next(&mut visitor).await, closing(1_011));
}

const REQUEST: &str =
    "GET /app HTTP/1.1\r\nHost: a.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: Own/2\r\n\r\n";
const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: Own/2\r\n\r\n";

/// Both ends of a connection that has changed to a protocol that nobody knows.
pub(crate) async fn switched(tunnel: &Tunnel, target: &mut Target) -> (Peer, Peer) {
    let mut visitor = tunnel.server.visit().await;
    visitor.send(REQUEST).await;
    let mut service = target.accept().await;
    let asked = service.head().await;
    assert_eq!([asked.value("connection"), asked.value("upgrade")], [Some("Upgrade"), Some("Own/2")]);
    // The first bytes come right behind the head.
    service.send(format!("{SWITCHED}first")).await;
    let answer = visitor.head().await;
    assert_eq!(answer.status(), "101");
    assert_eq!([answer.value("connection"), answer.value("upgrade")], [Some("Upgrade"), Some("Own/2")]);
    visitor.expect("first").await;
    (visitor, service)
}

#[tokio::test]
async fn any_protocol() {
    let mut target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;

    let (mut visitor, mut service) = switched(&tunnel, &mut target).await;
    visitor.send("q").await;
    visitor.finish().await;
    assert_eq!(service.rest().await, ("q".to_owned(), End::Closed), "half closed by the visitor");
    service.send("a").await;
    visitor.expect("a").await;
    service.finish().await;
    assert_eq!(visitor.rest().await, (String::new(), End::Closed));

    let (mut visitor, mut service) = switched(&tunnel, &mut target).await;
    service.send("q").await;
    service.finish().await;
    assert_eq!(visitor.rest().await, ("q".to_owned(), End::Closed), "half closed by the target");
    visitor.send("a").await;
    service.expect("a").await;
    visitor.finish().await;
    assert_eq!(service.rest().await, (String::new(), End::Closed));

    let (mut visitor, service) = switched(&tunnel, &mut target).await;
    service.cut();
    assert_eq!(visitor.rest().await.1, End::Reset, "a cut by the target");

    let (visitor, mut service) = switched(&tunnel, &mut target).await;
    visitor.cut();
    assert_eq!(service.rest().await.1, End::Reset, "a cut by the visitor");
}

#[tokio::test]
async fn a_target_may_decline() {
    let mut target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;
    let mut visitor = tunnel.server.visit().await;
    visitor.send(REQUEST).await;
    let mut service = target.accept().await;
    service.head().await;
    service.send("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno").await;
    assert_eq!(visitor.head().await.status(), "426");
    visitor.expect("no").await;
}
