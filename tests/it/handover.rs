//! Servers that follow one another on a socket that somebody else holds, as systemd does: nobody who visits notices.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::oneshot;
use trials::faults::{Cut, Plan, Proxy};
use trials::load::{Mix, Public, run};

use crate::peer::Peer;
use crate::target::Target;
use crate::tunnel::{Client, Server};
use crate::world::{Program, program};

/// A socket that outlives servers, and the folder where one leaves something for the next.
struct Socket {
    listener: std::net::TcpListener,
    folder: TempDir,
}

impl Socket {
    fn new() -> Self {
        Self { listener: std::net::TcpListener::bind("127.0.0.1:0").unwrap(), folder: TempDir::new().unwrap() }
    }

    /// A server that is given the socket as systemd gives it: as descriptor 3, `sd_listen_fds(3)`.
    async fn server(&self) -> Server {
        let mut command: Command = program("sh");
        command.args(["-c", r#"LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" serve 3<&0 </dev/null"#]);
        command.arg(env!("CARGO_BIN_EXE_sendit")).env("RUNTIME_DIRECTORY", self.folder.path());
        let socket: OwnedFd = self.listener.try_clone().unwrap().into();
        Server::told_by(Program::start_with(socket, command)).await
    }

    /// What a server has left.
    fn left(&self) -> PathBuf {
        self.folder.path().join("tunnels")
    }

    /// Leaves this, as a server does now.
    fn leave(&self, tunnels: &str) {
        let now = std::process::Command::new("date").arg("+%s").output().unwrap().stdout;
        fs::write(self.left(), format!("{}{tunnels}", String::from_utf8(now).unwrap())).unwrap();
    }

    /// The next server, once the one before it has ended in order.
    async fn next(&self, mut before: Server) -> Server {
        assert_eq!(before.program.ended().await, Some(0), "{:?}", before.program.output());
        self.server().await
    }
}

/// How often the server is started again.
const RESTARTS: usize = 5;

#[tokio::test]
async fn no_visitor_notices() {
    let (socket, target) =
        (Socket::new(), trials::load::Target::start(TcpListener::bind("127.0.0.1:0").await.unwrap()));
    let target = target.unwrap();
    let mut server = socket.server().await;
    let mut client = Client::start(&server.url("/app"), &format!("http://{}", target.address), &[]).await;
    let public = Public { address: server.addr, prefix: "/app".to_owned() };
    let (over, enough) = oneshot::channel();
    let restarts = async {
        for restart in 1..=RESTARTS {
            server.program.terminate().await;
            server = socket.next(server).await;
            client.ready(restart + 1).await;
        }
        over.send(()).unwrap();
        server
    };
    let mix = Mix { at_once: 16, seed: 1, first_id: 0, largest: 18 };
    let (figures, server) = tokio::join!(run(&mix, &public, async { enough.await.unwrap() }), restarts);
    let told = format!("{RESTARTS} restarts\n{figures}\n{:?}", server.program.output());
    println!("{told}");
    assert!(figures.exchanges > 100, "{told}");
    assert_eq!((figures.failed, figures.wrong, figures.hung), (0, 0, 0), "{told}");
    let receipts = target.ledger().receipts();
    assert_eq!((receipts.twice, receipts.wrong), (0, 0), "{receipts:?}");
}

/// Half of an exchange, whose other half the service still owes.
async fn half(server: &Server, target: &mut Target) -> (Peer, Peer) {
    let mut visitor = server.visit().await;
    visitor.send("GET /app HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
    let mut service = target.accept().await;
    service.head().await;
    service.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf").await;
    visitor.until("half").await;
    (visitor, service)
}

async fn whole((mut visitor, mut service): (Peer, Peer)) {
    service.send("full").await;
    service.finish().await;
    visitor.expect("full").await;
}

const STOPPING: &str = "stopping; a second signal ends at once\n";

async fn stop(server: &mut Server) {
    server.program.terminate().await;
    server.program.printed(|output| output.stderr.contains(STOPPING)).await;
}

/// What is said when visitors are left to the next server.
const LEAVING: &str = "whoever comes waits for the next server";

#[tokio::test]
async fn what_comes_while_a_server_ends_what_it_has_is_served_there_or_by_the_next() {
    let (socket, mut target) = (Socket::new(), Target::start());
    let mut server = socket.server().await;
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::start(proxy, server.addr, 1, Plan::default()).unwrap();
    let mut client = Client::start(&format!("http://{}/app", proxy.address()), &target.url(), &[]).await;
    client.streams().await;
    let first = half(&server, &mut target).await;
    stop(&mut server).await;
    // It begins while the first is under way, and lasts for longer.
    let second = half(&server, &mut target).await;
    whole(first).await;
    server.program.printed(|output| output.stderr.contains(LEAVING)).await;
    let mut third = server.visit().await;
    third.send("GET /app/third HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
    // The second cannot be finished unless its client is let in once more.
    assert_ne!(proxy.cut(Cut::Rst), 0);
    whole(second).await;
    // Either server may have the third: one that lets a client in takes whoever stands before it.
    target.echo_paths();
    let server = socket.next(server).await;
    client.ready(2).await;
    assert_eq!(third.head().await.status(), "200");
    third.expect("/app/third").await;
    assert_eq!(server.get("/app/x", "").await.1, "/app/x");
}

/// What a visitor is told that nobody has been waiting for.
async fn told(server: &Server, path: &str) -> (String, Option<String>) {
    let (head, _) = server.get(path, "").await;
    (head.status().to_owned(), head.value("sendit-error").map(ToOwned::to_owned))
}

#[tokio::test]
async fn a_visitor_who_comes_before_the_client_is_held() {
    let (socket, target) = (Socket::new(), Target::start());
    socket.leave("app 10000\nother 1000\n");
    let server = socket.server().await;
    let mut visitor = server.visit().await;
    visitor.send("GET /app/x HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
    let error = |code: &str| Some(code.to_owned());
    // Whose client does not come is told so after its hold; of others nothing is known.
    assert_eq!(told(&server, "/other/x").await, ("503".to_owned(), error("client-offline")));
    assert_eq!(told(&server, "/nobody/x").await, ("404".to_owned(), error("unknown-prefix")));
    let _client = Client::start(&server.url("/app"), &target.url(), &[]).await;
    target.echo_paths();
    assert_eq!(visitor.head().await.status(), "200");
    visitor.expect("/app/x").await;
    assert!(!socket.left().exists(), "it counts once");
}
