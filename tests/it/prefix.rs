//! A tunnel whose path, or host, the service does not see: what reaches it, and where its redirects and cookies lead.

use tempfile::TempDir;

use crate::bench::{Bench, Exchange, OK, OK_BACK};
use crate::left_out;
use crate::target::Target;
use crate::tunnel::{Client, Server, Tunnel};
use crate::world::{Program, program};

#[tokio::test]
async fn a_stripped_path_is_not_the_targets_affair() {
    let target = Target::start();
    let server = Server::start(&["--http-prefix", "base"]).await;
    let client = Client::start(&server.url("/base/app"), &target.url(), &["--strip-prefix"]).await;
    let mut bench = Bench { tunnel: Tunnel { server, client }, target };
    for (sent, passed_on) in [
        ("/base/app", "/"),
        ("/base/app/", "/"),
        ("/base/app?x=/base/app", "/?x=/base/app"),
        ("/base/app/base/app", "/base/app"),
        ("/base/app//a/../b/%2e%2e/%2F?y+z", "//a/../b/%2e%2e/%2F?y+z"),
    ] {
        bench
            .check(Exchange {
                request: &format!("GET {sent} HTTP/1.1\nHost: a.example"),
                passed_on: &format!("GET {passed_on} HTTP/1.1\nhost: a.example\nx-forwarded-prefix: /base/app"),
                answer: OK,
                brought_back: OK_BACK,
            })
            .await;
    }
    assert_eq!(bench.tunnel.server.get("/base/apple", "").await.0.status(), "404", "a prefix ends at a segment");
}

/// What the target says, and what the visitor hears of it.
async fn said(bench: &mut Bench, request: [&str; 2], lines: [&str; 2]) {
    let [request, passed_on] = request;
    let [said, heard] = lines;
    bench
        .check(Exchange {
            request,
            passed_on,
            answer: &format!("HTTP/1.1 302 Found\n{said}\nContent-Length: 2\n\nok"),
            brought_back: &format!("HTTP/1.1 302 Found\n{heard}\ncontent-length: 2\n\nok").replace("\n\n\n", "\n\n"),
        })
        .await;
}

#[tokio::test]
async fn answers_are_translated() {
    let mut bench = Bench::with(&[], &["--strip-prefix", "--host-header", "b.example:81"]).await;
    let request =
        ["GET /app/x/y HTTP/1.1\nHost: a.example", "GET /x/y HTTP/1.1\nhost: b.example:81\nx-forwarded-prefix: /app"];
    for lines in [
        ["Location: /login", "location: /app/login"],
        ["Location: http://a.example/login", "location: http://a.example/app/login"],
        ["Location: https://b.example:81/login?x", "location: http://a.example/app/login?x"],
        ["Location: https://c.example/login", "location: https://c.example/login"],
        ["Location: ../z", "location: /app/z"],
        ["Content-Location: /z", "content-location: /app/z"],
        ["Set-Cookie: a=b; Path=/\nSet-Cookie: c=d", "set-cookie: a=b; Path=/app\nset-cookie: c=d; Path=/app/x"],
        ["Service-Worker-Allowed: /", "service-worker-allowed: /app/"],
        ["Clear-Site-Data: \"*\"\nAlt-Svc: clear\nNEL: {}\nX: 1", "x: 1"],
    ] {
        said(&mut bench, request, lines).await;
    }
}

/// All tunnels of a server share an origin, whatever their clients ask for.
#[tokio::test]
async fn nothing_is_said_for_the_whole_origin() {
    let mut bench = Bench::new().await;
    let request = ["GET /app/x HTTP/1.1\nHost: a.example", "GET /app/x HTTP/1.1\nhost: a.example"];
    for lines in [
        ["Location: /login\nSet-Cookie: a=b; Path=/", "location: /login\nset-cookie: a=b; Path=/"],
        ["Service-Worker-Allowed: /", "service-worker-allowed: /app/"],
        ["Service-Worker-Allowed: /app/x/", "service-worker-allowed: /app/x/"],
        ["Clear-Site-Data: \"cookies\"\nX: 1", "x: 1"],
    ] {
        said(&mut bench, request, lines).await;
    }
    let script = "HTTP/1.1\nHost: a.example\nService-Worker: script";
    let at_the_place =
        [format!("GET /app {script}"), format!("GET /app {}", script.to_lowercase().replace("http", "HTTP"))];
    said(&mut bench, [&at_the_place[0], &at_the_place[1]], ["X: 1", "service-worker-allowed: /app/\nx: 1"]).await;
}

#[tokio::test]
async fn the_target_is_told_its_own_host() {
    let target = Target::start();
    let url = target.url();
    let host = url.strip_prefix("http://").unwrap().to_owned();
    let tunnel = Tunnel::with(&url, &[], &["--host-header=target"]).await;
    let mut bench = Bench { tunnel, target };
    let request = "GET /app HTTP/1.1\nHost: a.example";
    let passed_on = format!("GET /app HTTP/1.1\nhost: {host}");
    bench.check(Exchange { request, passed_on: &passed_on, answer: OK, brought_back: OK_BACK }).await;
    let there = format!("Location: http://{host}/app/there");
    said(&mut bench, [request, &passed_on], [&there, "location: http://a.example/app/there"]).await;
}

/// An application that knows nothing of where it is: it sends visitors to log in, and back with a cookie.
const APPLICATION: &str = r#"
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        known = "session=1" in self.headers.get("Cookie", "")
        if self.path == "/login":
            self.send_response(303)
            self.send_header("Set-Cookie", "session=1; Path=/; HttpOnly")
            self.send_header("Location", "http://%s/" % self.headers["Host"])
            body = b""
        elif not known:
            self.send_response(303)
            self.send_header("Location", "/login")
            body = b""
        else:
            self.send_response(200)
            body = ("%s below %s" % (self.path, self.headers.get("X-Forwarded-Prefix"))).encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"#;

#[cfg(unix)]
#[tokio::test]
async fn an_application_that_lives_at_the_root() {
    use crate::programs::curl;
    if !["curl", "python3"].iter().all(|program| left_out::is_here(program, "a Python application below a prefix")) {
        return;
    }
    let mut python = program("python3");
    python.args(["-c", APPLICATION]);
    let mut python = Program::start(python);
    let port = python.printed(|output| output.stdout.contains('\n')).await.stdout;
    let target = format!("http://127.0.0.1:{}", port.trim());
    let server = Server::start(&[]).await;
    for flags in [&["--strip-prefix"][..], &["--strip-prefix", "--host-header", "target"]] {
        let _client = Client::start(&server.url("/app"), &target, flags).await;
        let jar = TempDir::new().unwrap();
        let jar = jar.path().join("jar");
        let jar = jar.to_str().unwrap();
        let heard = curl(&["-sfL", "-b", jar, "-c", jar, "-w", " at %{url_effective}", &server.url("/app")]).await;
        assert_eq!(heard, format!("/ below /app at {}", server.url("/app/")));
        let cookies = std::fs::read_to_string(jar).unwrap();
        assert!(cookies.contains("\tFALSE\t/app\tFALSE\t0\tsession\t1"), "{cookies}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn nginx_below_a_prefix() {
    use crate::programs::{Nginx, curl};
    if !["curl", "nginx"].iter().all(|program| left_out::is_here(program, "nginx below a prefix")) {
        return;
    }
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("docs")).unwrap();
    std::fs::write(folder.path().join("docs/index.html"), "hello").unwrap();
    let nginx = Nginx::start(&folder, "location = /old { return 301 /docs/; }").await;
    let tunnel = Tunnel::with(&nginx.url, &[], &["--strip-prefix", "--host-header=target"]).await;
    // nginx adds the slash itself, at the host and port that it believes to be at.
    for path in ["/app/docs", "/app/old", "/app/docs/"] {
        let heard = curl(&["-sfL", "-w", " at %{url_effective}", &tunnel.server.url(path)]).await;
        assert_eq!(heard, format!("hello at {}", tunnel.server.url("/app/docs/")), "{path}");
    }
}
