//! What whoever runs a server has of it: health, metrics, sessions.

mod prometheus;
mod sessions;
#[cfg(target_os = "linux")]
mod systemd;

use std::net::SocketAddr;

use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::peer::{End, Head, Peer};
use crate::target::{Target, down};
use crate::tunnel::{Client, Server};
use crate::world::sendit;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A server with its admin address.
struct Run {
    server: Server,
    admin: SocketAddr,
    /// The file that holds the token.
    token: String,
    _folder: TempDir,
}

impl Run {
    async fn start(args: &[&str]) -> Self {
        let (token, folder) = token_file();
        let mut server =
            Server::start(&[&["--admin", "127.0.0.1:0", "--admin-token-file", &token], args].concat()).await;
        let admin = admin(&mut server).await;
        Self { server, admin, token, _folder: folder }
    }

    async fn ask(&self, request: &str) -> (Head, String) {
        ask(self.admin, request, Some(TOKEN)).await
    }
}

/// A file that holds the token.
fn token_file() -> (String, TempDir) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("admin-token");
    std::fs::write(&path, format!("{TOKEN}\n")).unwrap();
    (path.to_str().unwrap().to_owned(), folder)
}

/// Where a server that has said so tells of itself.
pub(crate) async fn admin(server: &mut Server) -> SocketAddr {
    let said = server.program.printed(|output| output.stderr.contains("Admin: ")).await.stderr;
    let line = said.lines().find_map(|line| line.strip_prefix("Admin: ")).unwrap();
    line.parse().unwrap()
}

/// What is answered to a request, such as `GET /healthz`, with this token or none.
async fn ask(admin: SocketAddr, request: &str, token: Option<&str>) -> (Head, String) {
    let shown = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    told(admin, request, &format!("Host: a.example\r\n{shown}")).await
}

/// The same, with these lines of its head.
async fn told(admin: SocketAddr, request: &str, lines: &str) -> (Head, String) {
    let mut peer = Peer::new(TcpStream::connect(admin).await.unwrap());
    peer.send(format!("{request} HTTP/1.1\r\nConnection: close\r\n{lines}\r\n")).await;
    let head = peer.head().await;
    let (body, end) = peer.rest().await;
    assert_eq!(end, End::Closed, "the answer is whole");
    (head, body)
}

/// The number in the line that begins so.
async fn number(admin: SocketAddr, begin: &str) -> u64 {
    let (_, page) = ask(admin, "GET /metrics", Some(TOKEN)).await;
    let line = page.lines().find_map(|line| line.strip_prefix(begin)).unwrap_or_else(|| panic!("{begin}: {page}"));
    line.trim().parse().unwrap()
}

#[tokio::test]
async fn a_server_that_drains_lives_and_is_not_ready() {
    let mut target = Target::start();
    let run = Run::start(&[]).await;
    let _client = Client::start(&run.server.url("/app"), &target.url(), &[]).await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(ask(run.admin, &format!("GET {path}"), None).await.0.status(), "200", "{path}");
    }
    assert_eq!(ask(run.admin, "GET /metrics", None).await.0.status(), "401");
    // What is under way is waited for.
    let mut visitor = run.server.visit().await;
    visitor.send("GET /app/x HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
    let mut service = target.accept().await;
    service.head().await;
    assert!(number(run.admin, "sendit_exchanges_under_way").await >= 1);
    let mut server = run.server;
    #[cfg(unix)]
    {
        server.program.terminate().await;
        while ask(run.admin, "GET /readyz", None).await.0.status() != "503" {}
        assert_eq!(ask(run.admin, "GET /healthz", None).await.0.status(), "200");
    }
    service.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    visitor.head().await;
    #[cfg(unix)]
    assert_eq!(server.program.ended().await, Some(0));
}

/// What passes is counted, and bytes as they pass.
#[tokio::test]
async fn traffic_is_counted() {
    let mut target = Target::start();
    let run = Run::start(&[]).await;
    let _client = Client::start(&run.server.url("/app"), &target.url(), &[]).await;
    let mut visitor = run.server.visit().await;
    visitor.send("POST /app/x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello").await;
    let mut service = target.accept().await;
    service.until("hello").await;
    service.send("HTTP/1.1 201 Created\r\nContent-Length: 6\r\n\r\nfoo").await;
    visitor.until("foo").await;
    for (begin, expected) in [
        ("sendit_exchange_bytes_total{direction=\"up\"}", 5),
        ("sendit_exchange_bytes_total{direction=\"down\"}", 3),
        ("sendit_exchange_answer_seconds_count", 1),
        ("sendit_exchanges_total{status=\"2xx\"}", 0),
        ("sendit_exchanges_under_way", 1),
        ("sendit_sessions{wire=\"v2\"}", 1),
    ] {
        assert_eq!(number(run.admin, begin).await, expected, "{begin}");
    }
    service.send("bar").await;
    visitor.until("bar").await;
    while number(run.admin, "sendit_exchanges_total{status=\"2xx\"}").await < 1 {}
    assert_eq!(number(run.admin, "sendit_exchange_bytes_total{direction=\"down\"}").await, 6);
    assert_eq!(number(run.admin, "sendit_exchanges_under_way").await, 0);
}

#[tokio::test]
async fn wishes_that_cannot_be_meant_are_refused_in_a_sentence() {
    let (token, folder) = token_file();
    let short = folder.path().join("short");
    std::fs::write(&short, "secret\n").unwrap();
    let short = short.to_str().unwrap();
    let gone = format!("{short}-gone");
    let nobody = down();
    let nobody = &*nobody.local_addr().unwrap().to_string();
    let rows: &[(&[&str], i32, String)] = &[
        (
            &["serve", "--admin", "x"],
            2,
            "wrong `--admin`: `x` is no address to listen on; write it like `127.0.0.1:5050`".to_owned(),
        ),
        (&["serve", "--admin-token-file", &token], 2, "`--admin-token-file` is of no use without `--admin`".to_owned()),
        (
            &["serve", "--addr", "127.0.0.1:0", "--admin", "0.0.0.0:0"],
            2,
            "`0.0.0.0:0` can be reached from other machines, and there is no admin token: give `--admin-token-file`, or have \
             `--admin` on `127.0.0.1`"
                .to_owned(),
        ),
        (
            &["serve", "--admin", "127.0.0.1:0", "--admin-token-file", short],
            7,
            format!(
                "the file `{short}` holds no admin token: an admin token is 32 visible characters or more; `openssl rand \
                 -hex 32` makes one"
            ),
        ),
        (
            &["sessions", "--admin-token-file", &gone],
            7,
            format!("cannot read the admin token file `{gone}`: there is no such file or directory"),
        ),
        (
            &["sessions"],
            2,
            "give the admin token with `--admin-token-file`: it is that of `serve --admin-token-file`".to_owned(),
        ),
        (
            &["sessions", "--admin", nobody, "--admin-token-file", &token],
            9,
            format!(
                "no server answers at `{nobody}`: connection refused; start `sendit serve` with `--admin`, or name its \
                 address with `--admin`"
            ),
        ),
    ];
    for (args, code, sentence) in rows {
        let output = sendit().args(*args).output().await.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let last = said.lines().next_back().unwrap_or_default();
        assert_eq!((output.status.code(), last), (Some(*code), &*format!("error: {sentence}")), "{args:?}");
    }
}

/// Those who connect and say nothing keep nobody from an answer, for as long as they stay.
#[tokio::test]
async fn health_is_told_beside_any_number_of_silent_connections() {
    let run = Run::start(&[]).await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(TcpStream::connect(run.admin).await.unwrap());
    }
    assert_eq!(ask(run.admin, "GET /healthz", None).await.0.status(), "200");
    drop(silent);
}

/// A page in a browser on the server's machine, under a name that its own server gave that machine, reads nothing.
#[tokio::test]
async fn without_a_token_only_its_own_address_is_answered() {
    let mut server = Server::start(&["--admin", "127.0.0.1:0"]).await;
    let admin = admin(&mut server).await;
    let port = admin.port();
    let lines = |host: &str, rest: &str| format!("Host: {host}\r\n{rest}");
    let (own, named, foreign) = (admin.to_string(), format!("localhost:{port}"), format!("evil.example:{port}"));
    for (path, lines, status) in [
        ("/metrics", lines(&own, ""), "200"),
        ("/metrics", lines(&named, ""), "200"),
        ("/metrics", lines(&named, &format!("Origin: http://{named}\r\n")), "200"),
        ("/metrics", lines(&foreign, ""), "421"),
        ("/metrics", lines(&foreign, &format!("Origin: http://{foreign}\r\n")), "421"),
        ("/metrics", lines(&own, "Origin: http://evil.example\r\n"), "403"),
        ("/sessions", lines(&foreign, ""), "421"),
        ("/healthz", lines(&foreign, ""), "200"),
        ("/readyz", lines("a.example", ""), "200"),
    ] {
        let (head, said) = told(admin, &format!("GET {path}"), &lines).await;
        assert_eq!(head.status(), status, "{path} {lines}: {said}");
        assert_eq!(said.contains("# HELP "), path == "/metrics" && status == "200", "{path} {lines}: {said}");
    }
}
