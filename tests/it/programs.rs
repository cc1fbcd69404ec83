//! Programs that people have: curl as the visitor, Python's and nginx's servers as the target.
#![cfg(unix)]

use std::process::Stdio;

use tempfile::TempDir;
use tokio::net::TcpSocket;

use crate::left_out;
use crate::target::Target;
use crate::tunnel::Tunnel;
use crate::world::{Program, program};

/// What curl prints where it ends well.
pub(crate) async fn curl(args: &[&str]) -> String {
    let output = program("curl").args(args).stdin(Stdio::null()).output().await.expect("it starts");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// More than a megabyte, for which curl asks whether it is wanted.
fn large_file(folder: &TempDir) -> (String, Vec<u8>) {
    let bytes: Vec<u8> = (0..300_000_u32).flat_map(u32::to_be_bytes).collect();
    let path = folder.path().join("large");
    std::fs::write(&path, &bytes).unwrap();
    (path.to_str().unwrap().to_owned(), bytes)
}

#[tokio::test]
async fn curl_uploads_after_100_continue() {
    if !left_out::is_here("curl", "curl as the visitor") {
        return;
    }
    let mut target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;
    let folder = TempDir::new().unwrap();
    let (path, bytes) = large_file(&folder);
    let file = format!("@{path}");
    let url = tunnel.server.url("/app/upload");
    let args = ["-sv", "-H", "Expect: 100-continue", "--expect100-timeout", "60", "--data-binary", &file, &url];
    let uploaded = async { program("curl").args(args).stdin(Stdio::null()).output().await.expect("it starts") };
    let answered = async {
        let mut service = target.accept().await;
        assert_eq!(service.head().await.value("expect"), Some("100-continue"));
        service.send("HTTP/1.1 100 Continue\r\n\r\n").await;
        service.expect(bytes).await;
        service.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntook").await;
        service
    };
    let (output, _service) = tokio::join!(uploaded, answered);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.stdout, b"took", "{said}");
    assert!(said.contains("< HTTP/1.1 100 Continue"), "{said}");
}

#[tokio::test]
async fn python_serves_files() {
    if !["curl", "python3"].iter().all(|program| left_out::is_here(program, "Python's server as the target")) {
        return;
    }
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("app")).unwrap();
    std::fs::write(folder.path().join("app/a b.txt"), "through the tunnel\n").unwrap();
    let mut python = program("python3");
    python.args(["-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory"]).arg(folder.path()).arg("0");
    let mut python = Program::start(python);
    let said = python.printed(|output| output.stdout.contains(") ...")).await.stdout;
    let url = said.split_once('(').and_then(|(_, rest)| rest.split_once("/)")).expect("a URL").0;
    let tunnel = Tunnel::to(url).await;
    assert_eq!(curl(&["-sf", &tunnel.server.url("/app/a%20b.txt")]).await, "through the tunnel\n");
    let listing = curl(&["-sfL", &tunnel.server.url("/app")]).await;
    assert!(listing.contains("<a href=\"a%20b.txt\">"), "{listing}");
}

/// nginx as the target.
pub(crate) struct Nginx {
    _program: Program,
    /// nginx cannot tell which port it found, so one is kept for it, which two may share.
    _port: TcpSocket,
    pub(crate) url: String,
}

impl Nginx {
    /// Serves `folder`, where it writes everything too, and `locations`.
    pub(crate) async fn start(folder: &TempDir, locations: &str) -> Self {
        let port = TcpSocket::new_v4().unwrap();
        port.set_reuseport(true).unwrap();
        port.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let number = port.local_addr().unwrap().port();
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, configuration(folder, number, locations)).unwrap();
        let mut nginx = program("nginx");
        nginx.arg("-p").arg(folder.path()).args(["-e", "stderr", "-c"]).arg(&file);
        let mut nginx = Program::start(nginx);
        nginx.printed(|output| output.stderr.contains("start worker process ")).await;
        Self { _program: nginx, _port: port, url: format!("http://127.0.0.1:{number}") }
    }
}

/// nginx in the foreground, with everything that it writes in `folder`.
fn configuration(folder: &TempDir, port: u16, locations: &str) -> String {
    let root = folder.path().to_str().unwrap();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {root}/{kind};\n"))
        .concat();
    format!(
        "daemon off; pid {root}/pid; error_log stderr notice; worker_processes 1;\n\
         events {{}}\n\
         http {{\n{temporary} access_log off; gzip on; gzip_types *; gzip_min_length 1; root {root}; server {{\n\
         listen 127.0.0.1:{port} reuseport;\n{locations}\n}} }}\n"
    )
}

#[tokio::test]
async fn nginx_serves_files() {
    if !["curl", "nginx"].iter().all(|program| left_out::is_here(program, "nginx as the target")) {
        return;
    }
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("app")).unwrap();
    let (_, bytes) = large_file(&folder);
    std::fs::rename(folder.path().join("large"), folder.path().join("app/large")).unwrap();
    let who = "location = /app/who { return 200 \"$host $http_x_forwarded_for $request_uri\"; }";
    let nginx = Nginx::start(&folder, who).await;
    let tunnel = Tunnel::to(&nginx.url).await;

    let url = tunnel.server.url("/app/who?a//..%2F");
    assert_eq!(curl(&["-sf", &url]).await, "127.0.0.1 127.0.0.1 /app/who?a//..%2F");
    let large = tunnel.server.url("/app/large");
    let copy = folder.path().join("copy");
    let copy = copy.to_str().unwrap();
    // Compressed on the way, which is between curl and nginx alone.
    let args = ["-sf", "--compressed", "-o", copy, "-w", "%{http_code} %header{content-encoding}", &large];
    assert_eq!(curl(&args).await, "200 gzip");
    assert!(std::fs::read(copy).unwrap() == bytes);
    let args = ["-sf", "-r", "4-11", "-o", copy, "-w", "%{http_code} %header{content-range}", &large];
    assert_eq!(curl(&args).await, format!("206 bytes 4-11/{}", bytes.len()));
    assert_eq!(std::fs::read(copy).unwrap(), bytes[4..12]);
    let args = ["-s", "-o", copy, "-w", "%{http_code} %header{sendit-error}", &tunnel.server.url("/app/none")];
    assert_eq!(curl(&args).await, "404 ", "its own failures are its own");
}
