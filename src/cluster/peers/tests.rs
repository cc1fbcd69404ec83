//! Nodes of one process, over sockets of loopback.

mod lost;
mod strangers;
mod streams;
mod threads;
mod upgrades;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version};
use http_body_util::BodyExt as _;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::*;

fn secret() -> Secret {
    Secret::new(&[7; 32]).unwrap()
}

fn id(byte: u8) -> NodeId {
    NodeId::from_random([byte; 8])
}

fn at(address: SocketAddr, id: NodeId) -> Node {
    Node { id, address, url: None, sessions: 0, draining: false }
}

/// A node that passes requests on.
fn peers() -> Peers {
    Peers::new(id(1), secret(), TaskTracker::new())
}

/// A node that answers them, until this is dropped.
struct Other {
    node: Node,
    stop: CancellationToken,
    serving: JoinSet<()>,
}

impl Other {
    async fn begin<H, Fut>(handler: H) -> Self
    where
        H: Fn(Request<Body>, Passed) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Response<Body>> + Send + 'static,
    {
        Self::on(Vec::new(), handler).await
    }

    /// The same, of a node with these threads.
    async fn on<H, Fut>(threads: Vec<Handle>, handler: H) -> Self
    where
        H: Fn(Request<Body>, Passed) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Response<Body>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (node, stop) = (at(listener.local_addr().unwrap(), id(2)), CancellationToken::new());
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, node.id, secret(), threads, handler, stop.clone()));
        Self { node, stop, serving }
    }
}

fn passed() -> Passed {
    Passed { visitor: None, secure: false, version: Version::HTTP_11, errand: Errand::Visit }
}

fn post(body: Body) -> Request<Body> {
    Request::post("/a").header("host", "a.example").body(body).unwrap()
}

async fn whole(body: Body) -> Vec<u8> {
    body.collect().await.unwrap().to_bytes().to_vec()
}

/// A request as text: its first line, and headers in order.
fn told(method: &Method, uri: &Uri, version: Version, headers: &HeaderMap) -> String {
    let mut lines: Vec<String> =
        headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    lines.sort();
    format!("{method} {uri} {version:?}\n{}", lines.join("\n"))
}

/// What arrives is what was sent, and the same is told of the visitor.
#[track_caller]
fn as_it_came(first: &str, version: Version, headers: &str) -> (Request<Body>, Passed, String) {
    let (method, uri) = first.split_once(' ').unwrap();
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method.parse().unwrap();
    *request.uri_mut() = uri.parse().unwrap();
    *request.version_mut() = version;
    for line in headers.lines() {
        let (name, value) = line.trim().split_once(": ").unwrap();
        request.headers_mut().append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    let visitor = Some(SocketAddr::from(([192, 0, 2, 1], 4_000)));
    let passed = Passed { visitor, secure: true, version, errand: Errand::Visit };
    let expected = told(request.method(), request.uri(), version, request.headers());
    (request, passed, expected)
}

#[tokio::test]
async fn a_request_arrives_as_it_came() {
    let other = Other::begin(|request: Request<Body>, passed: Passed| async move {
        let (head, _) = request.into_parts();
        let told = told(&head.method, &head.uri, head.version, &head.headers);
        Response::new(Body::from(format!("{told}\n{passed}")))
    })
    .await;
    let peers = peers();
    let (http_10, http_11, http_2) = (Version::HTTP_10, Version::HTTP_11, Version::HTTP_2);
    for (first, version, headers) in [
        ("GET /", http_11, "host: a.example"),
        ("GET //a//%2F%2e/../b?c=%20&d?e", http_11, "host: a.example"),
        ("GET /?", http_11, "host: a.example:8080"),
        ("GET /a", http_10, ""),
        ("OPTIONS *", http_11, "host: a.example"),
        ("GET http://b.example:81/a?b", http_11, "host: a.example"),
        ("GET http://b.example/", http_10, ""),
        ("GET https://b.example/a//b", http_2, ""),
        ("GET https://b.example/a", http_2, "host: a.example\ncookie: a=b\ncookie: c=d"),
        ("PROPFIND /a", http_11, "host: a.example\nconnection: close, x-one\nx-one: 1\nte: gzip, trailers"),
        ("GET /a", http_11, "host: a.example\nkeep-alive: 5\nproxy-connection: close\nte: trailers"),
        // Nobody asks for it to be obeyed.
        ("GET /a", http_11, "host: a.example\nupgrade: websocket"),
        ("GET /a", http_10, "host: a.example\nconnection: upgrade\nupgrade: websocket"),
        ("GET /a", http_11, "host: a.example\nconnection: Upgrade\nupgrade: websocket"),
        ("POST /a", http_11, "host: a.example\ncontent-length: 0\nexpect: 100-continue"),
    ] {
        let (mut request, passed, expected) = as_it_came(first, version, headers);
        for ours in ["sendit-passed", "sendit-tunnel", "sendit-hop-te"] {
            request.headers_mut().insert(ours, HeaderValue::from_static("- plain 1.1 ask"));
        }
        let answer = peers.pass(&other.node, None, request, &passed).await.unwrap();
        let came = String::from_utf8(whole(answer.into_body()).await).unwrap();
        assert_eq!(came, format!("{expected}\n{passed}"), "{first} {version:?} {headers}");
    }
}

#[tokio::test]
async fn an_answer_comes_back_as_it_was() {
    let other = Other::begin(|_, _| async {
        let trailers = HeaderMap::from_iter([(HeaderName::from_static("x-sum"), HeaderValue::from_static("7"))]);
        let body = Body::from("body").with_trailers(async { Some(Ok(trailers)) });
        Response::builder()
            .status(StatusCode::IM_A_TEAPOT)
            .header("x-a", "1")
            .header("x-a", "2")
            .body(Body::new(body))
            .unwrap()
    })
    .await;
    let answer = peers().pass(&other.node, None, post(Body::empty()), &passed()).await.unwrap();
    assert_eq!((answer.status(), answer.version()), (StatusCode::IM_A_TEAPOT, Version::HTTP_11));
    let lines: Vec<_> = answer.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!(lines, [("x-a", "1"), ("x-a", "2"), ("content-length", "4")]);
    let came = answer.into_body().collect().await.unwrap();
    assert_eq!(came.trailers().unwrap()["x-sum"], "7");
    assert_eq!(came.to_bytes(), "body");
}

#[tokio::test]
async fn who_answers_is_found_out() {
    let other = Other::begin(|_, _| async { Response::new(Body::empty()) }).await;
    let peers = peers();
    assert_eq!(peers.who(other.node.address).await.unwrap(), other.node.id);
    assert!(peers.lives(&other.node).await);
    assert!(!peers.lives(&at(other.node.address, id(3))).await);
    let stranger = Peers::new(id(1), Secret::new(&[8; 32]).unwrap(), TaskTracker::new());
    assert!(matches!(stranger.who(other.node.address).await, Err(Greeted::WrongSecret)));
    assert!(matches!(
        stranger.pass(&other.node, None, post(Body::empty()), &passed()).await,
        Err(NotPassed::Unreachable(Some(_)))
    ));
    let address = other.node.address;
    drop(other);
    assert!(matches!(peers.who(address).await, Err(Greeted::Nobody(_))));
}
