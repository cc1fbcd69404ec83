//! A host for each tunnel, beside its path: who is asked by which, and what browsers and clients are told of it.

use tempfile::TempDir;

use crate::certificates::Authority;
use crate::left_out;
use crate::peer::Head;
use crate::programs::curl;
use crate::target::Target;
use crate::tunnel::{Client, Server, Tunnel};

const DOMAIN: [&str; 2] = ["--domain", "t.example"];

/// The answer to a request for `path` at `host`.
async fn asked(server: &Server, host: &str, path: &str) -> Head {
    let mut visitor = server.visit().await;
    visitor.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await;
    visitor.head().await
}

#[tokio::test]
async fn a_host_is_a_tunnels_and_so_is_its_path() {
    let mut target = Target::start();
    let tunnel = Tunnel::with(&target.url(), &DOMAIN, &[]).await;
    for (host, path) in [
        ("app.t.example", "/"),
        ("app.t.example", "/x/../y//z?q"),
        ("APP.T.Example:8443", "/app/x"),
        ("app.t.example.", crate::v2::OPEN),
        ("t.example", "/app/x"),
        ("127.0.0.1", "/app"),
    ] {
        let visit = asked(&tunnel.server, host, path);
        let answer = async {
            let mut service = target.accept().await;
            let head = service.head().await;
            assert_eq!(head.start, format!("GET {path} HTTP/1.1"), "{host}");
            assert_eq!((head.value("host"), head.value("x-forwarded-prefix")), (Some(host), None));
            service.send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await;
        };
        let (head, ()) = tokio::join!(visit, answer);
        assert_eq!(head.status(), "204", "{host} {path}");
    }
    for (host, path) in [
        ("nobody.t.example", "/app"),
        ("nobody.t.example", crate::v2::OPEN),
        ("a.app.t.example", "/app"),
        ("t.example", "/nobody"),
        ("x.example", "/nobody"),
    ] {
        let head = asked(&tunnel.server, host, path).await;
        assert_eq!((head.status(), head.value("sendit-error")), ("404", Some("unknown-prefix")), "{host} {path}");
    }
    assert_eq!(asked(&tunnel.server, "t.example", "/").await.status(), "200");
    assert_eq!(asked(&tunnel.server, "app.t.example@x.example", "/app").await.status(), "400");
}

/// There is no path to take off, and none to put back; and no cookie gets to the other hosts.
#[tokio::test]
async fn what_a_service_says_is_right_at_a_host_of_its_own() {
    for flags in [&[][..], &["--strip-prefix"], &["--host-header", "target"]] {
        let mut target = Target::start();
        let tunnel = Tunnel::with(&target.url(), &DOMAIN, flags).await;
        let visit = asked(&tunnel.server, "app.t.example", "/x");
        let answer = async {
            let mut service = target.accept().await;
            let mut head = service.head().await;
            assert_eq!(head.start, "GET /x HTTP/1.1", "{flags:?}");
            assert!(!head.lines.iter().any(|line| line.starts_with("x-forwarded-prefix")), "{flags:?}");
            let host = head.value("host").unwrap().to_owned();
            assert!(head.take("x-forwarded-host: app.t.example"));
            let said = format!(
                "HTTP/1.1 302 Found\r\nLocation: http://{host}/login\r\nSet-Cookie: a=b; Path=/; Domain=t.example\r\n\
                 Service-Worker-Allowed: /\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            service.send(said).await;
        };
        let (head, ()) = tokio::join!(visit, answer);
        assert_eq!(head.value("location"), Some("http://app.t.example/login"), "{flags:?}");
        assert_eq!(head.value("set-cookie"), Some("a=b; Path=/"), "{flags:?}");
        assert_eq!(head.value("service-worker-allowed"), Some("/"), "{flags:?}");
    }
}

/// By a certificate for all of them, with HTTP/1.1 and HTTP/2.
#[tokio::test]
async fn curl_comes_to_the_host_that_the_client_names() {
    if !left_out::is_here("curl", "curl as a visitor of a tunnel's own host") {
        return;
    }
    let (authority, target, folder) = (Authority::new(), Target::start(), TempDir::new().unwrap());
    let server = authority.serve(&["t.example", "*.t.example"], &DOMAIN).await;
    let (ca, port) = (authority.path("ca.pem"), server.addr.port());
    let url_file = folder.path().join("url").to_str().unwrap().to_owned();
    let source = format!("https://{}/my-app", server.addr);
    let mut client = Client::begin(&source, &target.url(), &["--ca-file", &ca, "--url-file", &url_file]);
    let url = format!("https://my-app.t.example:{port}");
    let ready = format!("Ready; Forwarding {url} -> {}", target.url());
    client.program.printed(|output| output.stderr.contains(&ready)).await;
    client.program.printed(|_| std::fs::read_to_string(&url_file).is_ok_and(|text| text.trim() == url)).await;
    target.echo_paths();
    for (flag, by, version) in [
        ("--http1.1", ["--resolve", &*format!("my-app.t.example:{port}:127.0.0.1")], "1.1"),
        ("--http2", ["--connect-to", &*format!("::127.0.0.1:{port}")], "2"),
    ] {
        let asked = format!("{url}/x?y");
        let args = ["-sf", "--cacert", &ca, flag, by[0], by[1], "-w", " %{http_version}", &asked];
        assert_eq!(curl(&args).await, format!("/x?y {version}"));
    }
}
