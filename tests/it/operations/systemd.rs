//! A server whose socket somebody else holds, and who tells whether it lives; and the units that are handed out.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::{TOKEN, ask, token_file};
use crate::left_out;
use crate::tunnel::Server;
use crate::world::{PATIENCE, Program, program};

/// An address at which nobody listens just now.
async fn free() -> String {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string()
}

#[tokio::test]
async fn sockets_are_taken_over_by_their_names() {
    if !left_out::is_here("systemd-socket-activate", "sockets of systemd") {
        return;
    }
    let (token, _folder) = token_file();
    let (public, admin) = (free().await, free().await);
    let mut command = program("systemd-socket-activate");
    command.args(["-l", &admin, "-l", &public, "--fdname=admin:sendit", env!("CARGO_BIN_EXE_sendit"), "serve"]);
    command.args(["--addr", "127.0.0.1:1", "--admin-token-file", &token]);
    // It becomes the server when somebody calls.
    let mut activated = Program::start(command);
    while TcpStream::connect(&*public).await.is_err() {}
    let said = activated.printed(|output| output.stderr.contains("Admin: ")).await.stderr;
    assert!(said.contains(&format!("Listening: {public}\nAdmin: {admin}\n")), "{said}");
    let admin = admin.parse().unwrap();
    assert_eq!(ask(admin, "GET /readyz", None).await.0.status(), "200");
    assert_eq!(ask(admin, "GET /metrics", None).await.0.status(), "401");
    assert_eq!(ask(admin, "GET /metrics", Some(TOKEN)).await.0.status(), "200");
    assert_eq!(ask(public.parse().unwrap(), "GET /metrics", None).await.0.status(), "404");
}

/// What arrives at the socket where a service tells of itself.
async fn told(socket: &tokio::net::UnixDatagram) -> String {
    let mut bytes = [0; 256];
    let length = timeout(PATIENCE, socket.recv(&mut bytes)).await.expect("it tells").unwrap();
    String::from_utf8_lossy(&bytes[..length]).trim_end().to_owned()
}

#[tokio::test]
async fn it_is_told_when_a_server_listens_lives_and_stops() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_nonblocking(true).unwrap();
    let socket = tokio::net::UnixDatagram::from_std(socket).unwrap();
    let mut command = crate::world::sendit();
    command.args(["serve", "--addr", "127.0.0.1:0"]).env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "200000");
    let mut server = Server::of(command).await;
    assert_eq!(told(&socket).await, "READY=1");
    for _ in 0..3 {
        assert_eq!(told(&socket).await, "WATCHDOG=1");
    }
    server.program.terminate().await;
    while told(&socket).await != "STOPPING=1" {}
    assert_eq!(server.program.ended().await, Some(0));
}

/// The units, with a program that is there.
fn units() -> (TempDir, Vec<PathBuf>) {
    let (folder, mut units) = (TempDir::new().unwrap(), Vec::new());
    for name in ["sendit.service", "sendit.socket"] {
        let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("dist/systemd").join(name);
        let text = fs::read_to_string(unit).unwrap().replace("/usr/bin/sendit", env!("CARGO_BIN_EXE_sendit"));
        units.push(folder.path().join(name));
        fs::write(units.last().unwrap(), text).unwrap();
    }
    (folder, units)
}

#[tokio::test]
async fn the_units_are_understood_and_expose_little() {
    if !left_out::is_here("systemd-analyze", "the check of the units") {
        return;
    }
    let (_folder, units) = units();
    let analyze = async |args: &[&str], units: &[PathBuf]| {
        let output = program("systemd-analyze").args(args).args(units).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{args:?}: {said}");
        said.into_owned()
    };
    let said = analyze(&["verify", "--man=no"], &units).await;
    assert!(!said.contains("sendit"), "{said}");
    // Of 10.0, in tenths: what `systemd` itself calls fine ends at 2.0.
    analyze(&["security", "--offline=yes", "--threshold=15"], &units[..1]).await;
}
