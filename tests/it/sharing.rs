//! Who is let in to a tunnel, and what a client does that cannot have what it asks for.

use std::time::Duration;

use crate::bench::{Bench, Exchange, OK, OK_BACK};
use crate::left_out;
use crate::peer::Head;
use crate::target::Target;
use crate::tunnel::{Client, Server, Tunnel};
use crate::world::sendit;

/// `u:p`
const RIGHT: &str = "Authorization: Basic dTpw\r\n";
const WRONG: &str = "Authorization: Basic dTpx\r\n";

const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: own\r\n";

#[track_caller]
fn told(head: &Head, status: &str, code: Option<&str>) {
    assert_eq!((head.status(), head.value("sendit-error")), (status, code), "{head:?}");
}

#[tokio::test]
async fn a_password_is_asked_for_on_every_path() {
    let mut target = Target::start();
    let tunnel = Tunnel::with(&target.url(), &[], &["--basic-auth", "u:p"]).await;
    let server = &tunnel.server;
    for path in ["/app", "/app/x", "/app//", "/app/%2e%2e/other", "/app?u:p"] {
        for headers in ["", WRONG, UPGRADE, "X-Forwarded-For: 127.0.0.1\r\n"] {
            let (head, body) = server.get(path, headers).await;
            told(&head, "401", Some("unauthorized"));
            assert_eq!(head.value("www-authenticate"), Some("Basic realm=\"/app\", charset=\"UTF-8\""));
            assert_eq!(body, "this tunnel asks for a user and a password\n");
        }
    }
    told(&server.get("/apple", "").await.0, "404", Some("unknown-prefix"));
    // Nothing of all that has reached the target: the first to come is the one who knows.
    let mut visitor = server.visit().await;
    visitor.send(format!("GET /app/first HTTP/1.1\r\nHost: a.example\r\n{RIGHT}\r\n")).await;
    let seen = target.accept().await.head().await;
    assert_eq!((&*seen.start, seen.value("authorization")), ("GET /app/first HTTP/1.1", None));
    let output = tunnel.client.program.output();
    assert!(!format!("{output:?}{:?}", server.program.output()).contains("u:p"), "{output:?}");
}

/// A password that is not asked for is the service's own affair.
#[tokio::test]
async fn the_services_own_password_reaches_it() {
    let mut bench = Bench::with(&[], &["--allow-ip", "127.0.0.1", "--allow-ip", "::1"]).await;
    let request = "GET /app HTTP/1.1\nHost: a.example\nAuthorization: Basic dTpw";
    let passed_on = "GET /app HTTP/1.1\nhost: a.example\nauthorization: Basic dTpw";
    bench.check(Exchange { request, passed_on, answer: OK, brought_back: OK_BACK }).await;
}

async fn from(server: &Server, forwarded: &str, expected: &str) {
    let (head, body) = server.get("/app/x", forwarded).await;
    let code = (expected == "403").then_some("forbidden");
    told(&head, expected, code);
    if code.is_some() {
        assert_eq!(body, "this tunnel cannot be reached from your address\n");
    }
}

#[tokio::test]
async fn visitors_come_from_where_a_trusted_proxy_says() {
    let target = Target::start();
    let flags = ["--allow-ip", "192.0.2.0/24", "--allow-ip", "2001:db8::/32"];
    let Tunnel { server, client: _client } = Tunnel::with(&target.url(), &[], &flags).await;
    target.echo_paths();
    from(&server, "", "403").await;
    from(&server, "X-Forwarded-For: 192.0.2.7\r\n", "200").await;
    from(&server, "X-Forwarded-For: 192.0.2.7, 203.0.113.9\r\n", "403").await;
    from(&server, "X-Forwarded-For: 203.0.113.9, 192.0.2.7, 127.0.0.2\r\n", "200").await;
    from(&server, "X-Forwarded-For: 2001:db8::7\r\n", "200").await;
    from(&server, "X-Forwarded-For: nowhere\r\n", "403").await;
    from(&server, "X-Real-IP: 192.0.2.7\r\nForwarded: for=192.0.2.7\r\n", "403").await;
    from(&server, "X_Forwarded_For: 192.0.2.7\r\n", "403").await;
}

#[tokio::test]
async fn nobody_else_is_believed() {
    let target = Target::start();
    let (trusted, flags) = (["--trusted-proxy", "none"], ["--allow-ip", "192.0.2.0/24"]);
    let Tunnel { server, client: _client } = Tunnel::with(&target.url(), &trusted, &flags).await;
    from(&server, "X-Forwarded-For: 192.0.2.7\r\n", "403").await;
    let mut bench = Bench::with(&["--trusted-proxy", "192.0.2.0/24"], &["--allow-ip=127.0.0.0/8"]).await;
    let made_up = "X-Forwarded-For: 192.0.2.7\nX-Forwarded-Proto: https\nX-Forwarded-Prefix: /x\nX-Real-Ip: 192.0.2.7\nForwarded: for=_x\nX-Forwarded-Host: b";
    let request = format!("GET /app HTTP/1.1\nHost: a.example\n{made_up}");
    let passed_on = "GET /app HTTP/1.1\nhost: a.example";
    bench.check(Exchange { request: &request, passed_on, answer: OK, brought_back: OK_BACK }).await;
}

#[tokio::test]
async fn nobody_waits_who_is_not_let_in() {
    let target = Target::start();
    let flags = ["--basic-auth", "u:p", "--hold", "2s"];
    let Tunnel { server, mut client } = Tunnel::with(&target.url(), &[], &flags).await;
    client.program.kill().await;
    let mut known = server.visit().await;
    known.send(format!("GET /app/x HTTP/1.1\r\nHost: a.example\r\n{RIGHT}\r\n")).await;
    assert!(known.is_silent(Duration::from_millis(300)).await, "it is held");
    told(&server.get("/app/x", "").await.0, "401", Some("unauthorized"));
    told(&server.get("/app/x", WRONG).await.0, "401", Some("unauthorized"));
    // The server's own 10 s would not be over when patience is, were it not for `--hold`.
    told(&known.head().await, "503", Some("client-offline"));
}

#[tokio::test]
async fn a_server_bounds_how_long_visitors_wait() {
    let target = Target::start();
    let server = Server::start(&["--max-hold", "1500ms"]).await;
    let mut client = Client::start(&server.url("/app"), &target.url(), &["--hold", "1h"]).await;
    let sentence = "the server lets visitors wait for 1.5 s at most, not as long as `--hold` says\n";
    client.program.printed(|output| output.stderr.contains(sentence)).await;
    client.program.kill().await;
    told(&server.get("/app/x", "").await.0, "503", Some("client-offline"));
}

#[cfg(unix)]
#[tokio::test]
async fn curl_gives_a_password() {
    use crate::programs::curl;
    if !left_out::is_here("curl", "curl as a visitor with a password") {
        return;
    }
    let target = Target::start();
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "jo:päss:wörd\n").unwrap();
    let flags = ["--basic-auth-file", file.to_str().unwrap()];
    let Tunnel { server, client: _client } = Tunnel::with(&target.url(), &[], &flags).await;
    target.echo_paths();
    let url = server.url("/app/x");
    assert_eq!(curl(&["-sf", "-u", "jo:päss:wörd", &url]).await, "/app/x");
    assert_eq!(curl(&["-sf", "--anyauth", "-u", "jo:päss:wörd", &url]).await, "/app/x");
    for wrong in ["jo:päss", "jo:päss:wörd ", ":päss:wörd"] {
        assert_eq!(curl(&["-s", "-o", "/dev/null", "-w", "%{http_code}", "-u", wrong, &url]).await, "401");
    }
}

/// What a client says that asks for what `flags` say, and how it ends, at a place that answers `open` of wire v2 so.
async fn refused(flags: &[&str], answer: &str) -> (Option<i32>, String) {
    let mut place = Target::start();
    let source = format!("{}/app", place.url());
    let mut client = Client::begin(&source, "http://127.0.0.1:1", flags);
    let mut peer = place.accept().await;
    assert_eq!(peer.head().await.start, "POST /.well-known/sendit/v2/open HTTP/1.1");
    peer.send(answer).await;
    peer.finish().await;
    let code = client.program.ended().await;
    (code, client.program.all().await.stderr.replace(&source, "SOURCE"))
}

const WISHES: [(&[&str], &str); 4] = [
    (&["--basic-auth=u:p", "--strip-prefix"], "`--basic-auth`"),
    (&["--allow-ip=::1"], "`--allow-ip`"),
    (&["--host-header=target"], "`--host-header`"),
    (&["--strip-prefix"], "`--strip-prefix`"),
];

/// A service that was to be protected is not shared without.
#[tokio::test]
async fn a_server_of_wire_v1_is_asked_for_nothing_then() {
    for (flags, flag) in WISHES {
        let sentence = format!(
            "error: {flag} takes wire v2, which the server at `SOURCE` does not speak: check the URL, or bring the server up to date\n"
        );
        let answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(refused(flags, answer).await, (Some(8), sentence));
    }
}

#[tokio::test]
async fn a_server_of_wire_v2_that_does_not_grant_it_gets_no_session() {
    let session = "a".repeat(64);
    let given = format!(r#"{{"session":"{session}","secret":"{}","grace_ms":1,"batch":1}}"#, "A".repeat(43));
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{given}", given.len());
    for (flags, flag) in WISHES {
        let sentence = format!("error: the server at `SOURCE` does not know {flag}: bring it up to date\n");
        assert_eq!(refused(flags, &answer).await, (Some(8), sentence));
    }
}

#[tokio::test]
async fn wire_v1_by_hand_is_told_apart() {
    let server = Server::start(&[]).await;
    for (flags, flag) in WISHES {
        let mut command = sendit();
        command.args(["connect", "--wire=v1"]).args(flags).args([&*server.url("/app"), "http://127.0.0.1:1"]);
        let mut client = Client::of(command);
        assert_eq!(client.program.ended().await, Some(2));
        let sentence = format!("error: {flag} takes wire v2: leave `--wire v1` away\n");
        assert_eq!(client.program.all().await.stderr, sentence);
    }
    told(&server.get("/app", "").await.0, "404", Some("unknown-prefix"));
}
