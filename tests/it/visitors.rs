//! Visitors who leave before their exchange is over, and those who only listen.

use std::time::Duration;

use crate::peer::{End, Peer};
use crate::target::Target;
use crate::tunnel::{Server, Tunnel};
use crate::v2::{SECRET, token};
use crate::world::PATIENCE;

/// A visitor who has sent `request`, and the target which has read `seen` of it.
async fn begun(tunnel: &Tunnel, target: &mut Target, request: &str, seen: &str) -> (Peer, Peer) {
    let mut visitor = tunnel.server.visit().await;
    visitor.send(request).await;
    let mut service = target.accept().await;
    service.head().await;
    service.expect(seen).await;
    (visitor, service)
}

/// How long what should not come is waited for.
const MOMENT: Duration = Duration::from_millis(300);

/// Of an answer that has it the head is passed on without the HTTP library, of any other by it.
const DATE: &str = "Date: then\r\n";

const GET: &str = "GET /app HTTP/1.1\r\nHost: a.example\r\n\r\n";

#[tokio::test]
async fn who_leaves_cancels_the_exchange() {
    let mut target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;

    let (visitor, mut service) = begun(&tunnel, &mut target, GET, "").await;
    visitor.cut();
    // At once: `rest` would panic if not.
    assert_eq!(service.rest().await, (String::new(), End::Reset), "before the answer's head");

    let more = [GET, "GET /app"].concat();
    let (visitor, mut service) = begun(&tunnel, &mut target, &more, "").await;
    visitor.cut();
    assert_eq!(service.rest().await, (String::new(), End::Reset), "with a part of what it would ask next");

    for line in ["", DATE] {
        let (mut visitor, mut service) = begun(&tunnel, &mut target, GET, "").await;
        service.send(format!("HTTP/1.1 200 OK\r\n{line}Content-Length: 9\r\n\r\nhalf")).await;
        visitor.until("half").await;
        visitor.cut();
        assert_eq!(service.rest().await, (String::new(), End::Reset), "in the answer's body, {line:?}");
    }
}

/// Who has said all still listens, before the answer and in its middle.
#[tokio::test]
async fn who_has_said_all_is_answered() {
    let mut target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;
    let post = "POST /app HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\nhi";
    for (request, body, line) in [(GET, "", ""), (GET, "", DATE), (post, "hi", DATE)] {
        let mut visitor = tunnel.server.visit().await;
        visitor.send(request).await;
        visitor.finish().await;
        let mut service = target.accept().await;
        service.head().await;
        service.expect(body).await;
        assert!(service.is_silent(MOMENT).await && visitor.is_silent(MOMENT).await, "nobody has left");
        service.send(format!("HTTP/1.1 200 OK\r\n{line}Content-Length: 8\r\n\r\nhalf")).await;
        visitor.until("half").await;
        assert!(service.is_silent(MOMENT).await && visitor.is_silent(MOMENT).await, "nobody has left");
        service.send("full").await;
        assert_eq!(visitor.rest().await, ("full".to_owned(), End::Closed));
    }
    let mut visitor = tunnel.server.visit().await;
    visitor.send("GET /nobody HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
    visitor.finish().await;
    assert_eq!(visitor.head().await.status(), "404", "an answer of the server's own");
    assert_eq!(visitor.rest().await.1, End::Closed);
}

/// Where the connection itself brings no news, the operating system asks for some.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn who_is_silent_is_probed() {
    let server = Server::start(&[]).await;
    let visitor = server.visit().await.into_stream();
    let ends = [server.addr.port(), visitor.local_addr().unwrap().port()].map(|port| format!(":{port:04X}"));
    // Local and remote address, and which timer runs: 2 is the one of probes.
    let has_timer = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.len() > 5
            && fields[1].ends_with(&ends[0])
            && fields[2].ends_with(&ends[1])
            && fields[5].starts_with("02:")
    };
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    let probed = async {
        while !std::fs::read_to_string("/proc/net/tcp").unwrap().lines().any(has_timer) {
            looks.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, probed).await.expect("it is probed");
}

/// Who has said all, and then leaves, is found out: by a reset, and where none comes by what cannot be sent.
#[tokio::test]
async fn who_has_said_all_may_still_leave() {
    let mut target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;

    let (mut visitor, mut service) = begun(&tunnel, &mut target, GET, "").await;
    visitor.finish().await;
    assert!(service.is_silent(MOMENT).await, "nobody has left");
    visitor.cut();
    assert_eq!(service.rest().await.0, "", "a reset");

    let (visitor, mut service) = begun(&tunnel, &mut target, GET, "").await;
    drop(visitor);
    service.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    assert_eq!(service.rest().await.0, "", "an answer that nobody takes");
}

/// So many visitors whom the target has read and leaves without an answer.
async fn many(server: &Server, target: &mut Target, request: &str, count: usize) -> Vec<(Peer, Peer)> {
    let mut many = Vec::new();
    for _ in 0..count {
        let mut visitor = server.visit().await;
        visitor.send(request).await;
        let mut service = target.accept().await;
        service.head().await;
        many.push((visitor, service));
    }
    many
}

/// The same who have said all.
async fn listeners(server: &Server, target: &mut Target, request: &str, count: usize) -> Vec<(Peer, Peer)> {
    let mut many = many(server, target, request, count).await;
    for (visitor, _) in &mut many {
        visitor.finish().await;
    }
    many
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Who has said all may be gone, and costs nothing there. So a crowd of them keeps nobody out, whoever's places they have:
/// for each newcomer one is told that it was not answered, until they are few.
#[tokio::test]
async fn a_crowd_that_only_listens_makes_room() {
    let by = |address: &str| GET.replace("\r\n\r\n", &format!("\r\nX-Forwarded-For: {address}\r\n\r\n"));
    for (serve, request, places) in [
        (&[][..], GET.to_owned(), 256),
        (&["--max-exchanges-per-session", "8"], GET.to_owned(), 8),
        (&["--max-exchanges-per-session", "16"], by("203.0.113.9"), 8),
        (&["--max-exchanges", "8"], GET.to_owned(), 8),
        (&["--max-exchanges-per-token", "8"], GET.to_owned(), 8),
    ] {
        let mut target = Target::start();
        let serve = [&["--secret", SECRET], serve].concat();
        let connect = ["--token", &token("me")];
        let Tunnel { server, client: _client } = Tunnel::with(&target.url(), &serve, &connect).await;
        let mut crowd = listeners(&server, &mut target, &request, places).await;
        // Whose answer has begun is heard to its end.
        crowd[0].1.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf").await;
        crowd[0].0.until("half").await;
        for (mut visitor, mut service) in many(&server, &mut target, &request, 5).await {
            service.send(OK).await;
            assert_eq!(visitor.head().await.status(), "200");
        }
        let (mut visitor, mut service) = crowd.remove(0);
        service.send("full").await;
        assert_eq!(visitor.rest().await, ("full".to_owned(), End::Closed));
        let mut told = 0;
        for (mut visitor, mut service) in crowd {
            service.try_send(OK).await;
            let head = visitor.head().await;
            let is_told = head.status() == "504" && head.value("sendit-error") == Some("limit");
            assert!(is_told || head.status() == "200", "{head:?}");
            told += usize::from(is_told);
        }
        assert_eq!(told, 5, "{serve:?}");
    }
}

/// Who waits for what its own address has keeps nobody else from the places of those who only listen.
#[tokio::test]
async fn a_crowd_that_waits_keeps_nobody_from_those_places() {
    let mut target = Target::start();
    let serve = ["--max-exchanges-per-session", "16", "--max-held-per-session", "8"];
    let Tunnel { server, client: _client } = Tunnel::with(&target.url(), &serve, &[]).await;
    let request = GET.replace("\r\n\r\n", "\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n");
    let _share = many(&server, &mut target, &request, 8).await;
    let mut wait = Vec::new();
    for _ in 0..8 {
        let mut visitor = server.visit().await;
        visitor.send(&request).await;
        wait.push(visitor);
    }
    let _crowd = listeners(&server, &mut target, GET, 8).await;
    for (mut visitor, mut service) in many(&server, &mut target, GET, 4).await {
        service.send(OK).await;
        assert_eq!(visitor.head().await.status(), "200");
    }
}

/// More come at once than may wait, and those who make room for them are as many.
#[tokio::test]
async fn a_crowd_makes_room_for_all_who_come_at_once() {
    let mut target = Target::start();
    let serve = ["--max-exchanges-per-session", "16", "--max-held-per-session", "8"];
    let Tunnel { server, client: _client } = Tunnel::with(&target.url(), &serve, &[]).await;
    drop(listeners(&server, &mut target, GET, 16).await.into_iter().map(|(visitor, _)| visitor).collect::<Vec<_>>());
    let mut visitors = Vec::new();
    for _ in 0..12 {
        visitors.push(server.visit().await);
    }
    for visitor in &mut visitors {
        visitor.send(GET).await;
    }
    for _ in &visitors {
        let mut service = target.accept().await;
        service.head().await;
        service.send(OK).await;
    }
    for visitor in &mut visitors {
        assert_eq!(visitor.head().await.status(), "200");
    }
}

/// Who gets no place, for nobody is there or nobody lets it in, takes none from those who listen.
#[tokio::test]
async fn who_is_not_let_in_displaces_nobody() {
    let mut target = Target::start();
    let Tunnel { server, client: _client } =
        Tunnel::with(&target.url(), &["--max-exchanges", "8"], &["--wire", "v2", "--basic-auth", "me:pw"]).await;
    let request = GET.replace("\r\n\r\n", "\r\nAuthorization: Basic bWU6cHc=\r\n\r\n");
    let crowd = listeners(&server, &mut target, &request, 8).await;
    for (path, status) in [("/nobody", "404"), ("/app", "401")] {
        assert_eq!(server.get(path, "").await.0.status(), status);
    }
    for (mut visitor, mut service) in crowd {
        service.send(OK).await;
        assert_eq!(visitor.head().await.status(), "200");
    }
}

/// Few who only listen are answered, however many others wait.
#[tokio::test]
async fn few_who_only_listen_keep_their_places() {
    let mut target = Target::start();
    let serve = ["--max-exchanges-per-session", "8"];
    let Tunnel { server, client: _client } = Tunnel::with(&target.url(), &serve, &[]).await;
    let mut few = listeners(&server, &mut target, GET, 2).await;
    let _others = many(&server, &mut target, GET, 6).await;
    let mut waits = server.visit().await;
    waits.send(GET).await;
    assert!(waits.is_silent(MOMENT).await, "there is no place");
    for (visitor, service) in &mut few {
        assert!(visitor.is_silent(MOMENT).await && service.is_silent(MOMENT).await, "nobody has left");
        service.send(OK).await;
        assert_eq!(visitor.head().await.status(), "200");
    }
    let mut service = target.accept().await;
    service.head().await;
    service.send(OK).await;
    assert_eq!(waits.head().await.status(), "200");
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
