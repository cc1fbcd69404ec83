//! The client's way to the server: through the proxy that the environment names, to what is no server, to nothing.

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::peer::Peer;
use crate::target::{Target, down};
use crate::tunnel::{Client, Server};
use crate::world::sendit;

/// A forward proxy that tells the request line of each connection.
struct ForwardProxy {
    url: String,
    seen: mpsc::Receiver<String>,
}

impl ForwardProxy {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, seen) = mpsc::channel(100);
        let tasks = TaskTracker::new();
        tasks.clone().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tasks.spawn(forward(stream, sender.clone()));
            }
        });
        Self { url, seen }
    }
}

/// Sends a request on to the authority that its line names, and joins the two connections.
async fn forward(stream: TcpStream, seen: mpsc::Sender<String>) {
    let mut head = vec![0; 4_096];
    let count = stream.peek(&mut head).await.unwrap();
    let line = String::from_utf8_lossy(&head[..count]).lines().next().unwrap_or_default().to_owned();
    let authority = line.split('/').nth(2).expect("a whole URL").to_owned();
    seen.send(line).await.unwrap();
    let mut onward = TcpStream::connect(authority).await.unwrap();
    let mut stream = stream;
    let _ = copy_bidirectional(&mut stream, &mut onward).await;
}

/// A client whose environment names a proxy, for every kind of URL.
async fn client_behind(proxy: &str, except: &str, source: &str, target: &str) -> Client {
    let mut command = sendit();
    command.args(["connect", "--wire", "v1", source, target]);
    command.env("http_proxy", proxy).env("HTTP_PROXY", proxy).env("NO_PROXY", except);
    let mut client = Client::of(command);
    client.ready(1).await;
    client
}

#[tokio::test]
async fn a_proxy_is_on_the_way_to_the_server_alone() {
    let target = Target::start();
    let url = target.url();
    target.echo_paths();
    let server = Server::start(&[]).await;
    let mut proxy = ForwardProxy::start().await;
    let client = client_behind(&proxy.url, "", &server.url("/app"), &url).await;
    assert_eq!(server.get("/app/x", "").await.1, "/app/x");
    drop(client);
    let server_url = server.url("/.well-known/sendit/v1/");
    let mut count = 0;
    while let Ok(line) = proxy.seen.try_recv() {
        assert!(line.starts_with(&format!("POST {server_url}")), "{line}");
        count += 1;
    }
    assert_eq!(count, 3, "`open`, `read` and `write`, and nothing for the target");

    let _client = client_behind(&proxy.url, "127.0.0.1", &server.url("/other"), &url).await;
    assert_eq!(server.get("/other/x", "").await.1, "/other/x");
    assert!(proxy.seen.try_recv().is_err(), "it is excepted");
}

/// What a client says of a place that answers `open` so, and how it ends.
async fn answered(answer: &str) -> (Option<i32>, String) {
    let mut place = Target::start();
    let source = format!("{}/app", place.url());
    let mut client = Client::begin(&source, "http://127.0.0.1:1", &["--wire", "v1"]);
    let mut peer = place.accept().await;
    peer.head().await;
    peer.send(answer).await;
    peer.finish().await;
    let code = client.program.ended().await;
    (code, client.program.all().await.stderr.replace(&source, "SOURCE"))
}

#[tokio::test]
async fn a_place_that_is_no_server() {
    let page = "Content-Type: text/html; charset=utf-8\r\nContent-Length: 7\r\n\r\n<html>\n";
    let told = |status: &str| {
        format!(
            "error: there is no sendit server at `SOURCE`: it answered with {status} and `text/html`; check the URL, \
             the prefix is its last part\n"
        )
    };
    for status in ["200 OK", "404 Not Found", "405 Method Not Allowed", "403 Forbidden", "501 Not Implemented"] {
        assert_eq!(answered(&format!("HTTP/1.1 {status}\r\n{page}")).await, (Some(5), told(status)));
    }
    let login = format!("HTTP/1.1 302 Found\r\nLocation: https://login.example/?to=app\r\n{page}");
    let sentence = "error: `SOURCE` redirects to `https://login.example/?to=app`, and a token is sent to no other \
                    place: give the server's own URL\n";
    assert_eq!(answered(&login).await, (Some(5), sentence.to_owned()));
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_awaited() {
    let socket = down();
    let addr = socket.local_addr().unwrap();
    let target = Target::start();
    let mut client = Client::begin(&format!("http://{addr}/app"), &target.url(), &[]);
    let sentence =
        format!("no tunnel: the server at `http://{addr}` cannot be reached: connection refused; trying again in 0.");
    let said = client.program.printed(|output| output.stderr.matches(&sentence).count() > 1).await.stderr;
    assert!(said.lines().all(|line| line.starts_with("no tunnel: ") && line.ends_with(" s")), "{said}");
    drop(socket);
    let _server = Server::start_at(&addr.to_string(), &[]).await;
    client.ready(1).await;
}

/// Something between that fails for a while is no reason to give up.
#[tokio::test]
async fn a_gateway_that_fails_is_tried_again() {
    let mut place = Target::start();
    let mut client = Client::begin(&format!("{}/app", place.url()), "http://127.0.0.1:1", &[]);
    for status in ["502 Bad Gateway", "429 Too Many Requests", "503 Service Unavailable"] {
        let mut peer: Peer = place.accept().await;
        peer.head().await;
        peer.send(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")).await;
        let sentence = format!("no tunnel: `{}` answered with {status}; trying again in ", place.url());
        client.program.printed(|output| output.stderr.contains(&sentence)).await;
    }
}
