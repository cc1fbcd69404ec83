//! Visitors who leave before their exchange is over.

use crate::peer::{End, Peer};
use crate::target::Target;
use crate::tunnel::Tunnel;

/// A visitor who has sent `request`, and the target which has read `seen` of it.
async fn begun(tunnel: &Tunnel, target: &mut Target, request: &str, seen: &str) -> (Peer, Peer) {
    let mut visitor = tunnel.server.visit().await;
    visitor.send(request).await;
    let mut service = target.accept().await;
    service.head().await;
    service.expect(seen).await;
    (visitor, service)
}

const GET: &str = "GET /app HTTP/1.1\r\nHost: a.example\r\n\r\n";

#[tokio::test]
async fn who_leaves_cancels_the_exchange() {
    let mut target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;

    let (visitor, mut service) = begun(&tunnel, &mut target, GET, "").await;
    drop(visitor);
    // It ends: `rest` would panic if not.
    assert_eq!(service.rest().await.0, "", "before the answer's head");

    let (mut visitor, mut service) = begun(&tunnel, &mut target, GET, "").await;
    service.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").await;
    visitor.until("half").await;
    drop(visitor);
    assert_eq!(service.rest().await.0, "", "in the answer's body");
}

#[tokio::test]
async fn a_half_upload_is_no_whole_one() {
    let mut target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;
    for (framing, sent) in [("Transfer-Encoding: chunked", "5\r\nhello\r\n"), ("Content-Length: 9", "hello")] {
        let request = format!("POST /app HTTP/1.1\r\nHost: a.example\r\n{framing}\r\n\r\n{sent}");
        for cut in [false, true] {
            let (visitor, mut service) = begun(&tunnel, &mut target, &request, sent).await;
            if cut {
                visitor.cut();
            } else {
                drop(visitor);
            }
            assert_eq!(service.rest().await, (String::new(), End::Reset), "{framing}, cut: {cut}");
        }
    }
}
