//! A server and a client of the binary under test, started and joined.

use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio::process::Command;

use crate::peer::{End, Head, Peer};
use crate::world::{Program, sendit};

/// A running `sendit serve`.
pub(crate) struct Server {
    pub(crate) program: Program,
    pub(crate) addr: SocketAddr,
}

impl Server {
    pub(crate) async fn start(args: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", args).await
    }

    pub(crate) async fn start_at(addr: &str, args: &[&str]) -> Self {
        let mut command = sendit();
        command.args(["serve", "--addr", addr]).args(args);
        Self::of(command).await
    }

    /// The server that a command line starts.
    pub(crate) async fn of(command: Command) -> Self {
        Self::told_by(Program::start(command)).await
    }

    /// The server that has been started as this program.
    pub(crate) async fn told_by(mut program: Program) -> Self {
        let output = program.printed(|output| output.stderr.contains('\n')).await;
        let line = output.stderr.lines().next().unwrap_or_default();
        // In JSON the line is a member of an object.
        let addr = line.split_once("Listening: ").map(|(_, addr)| addr.trim_end_matches("\"}"));
        let addr = addr.unwrap_or_else(|| panic!("it listens, but `{line}`"));
        Self { program, addr: addr.parse().expect("an address") }
    }

    /// The URL of a path here.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// What it tells whoever runs it, at its admin address: the status and the body.
    pub(crate) async fn told(&mut self, path: &str) -> (String, String) {
        let said = self.program.printed(|output| output.stderr.contains("Admin: ")).await.stderr;
        let admin = said.lines().find_map(|line| line.strip_prefix("Admin: ")).expect("its address");
        let mut asking = Peer::new(TcpStream::connect(admin).await.expect("the server accepts"));
        asking.send(format!("GET {path} HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n")).await;
        let status = asking.head().await.status().to_owned();
        (status, asking.rest().await.0)
    }

    /// A visitor's connection.
    pub(crate) async fn visit(&self) -> Peer {
        let stream = TcpStream::connect(self.addr).await.expect("the server accepts");
        stream.set_nodelay(true).expect("it is open");
        Peer::new(stream)
    }

    /// The whole answer to a request without a body, on a connection of its own.
    pub(crate) async fn get(&self, path: &str, headers: &str) -> (Head, String) {
        let mut visitor = self.visit().await;
        visitor.send(format!("GET {path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n{headers}\r\n")).await;
        let head = visitor.head().await;
        let (body, end) = visitor.rest().await;
        assert_eq!(end, End::Closed, "the answer is whole");
        (head, body)
    }
}

/// A running `sendit connect`.
pub(crate) struct Client {
    pub(crate) program: Program,
}

impl Client {
    /// Starts it, without a wait for anything.
    pub(crate) fn begin(source: &str, target: &str, args: &[&str]) -> Self {
        let mut command = sendit();
        command.arg("connect").args(args).args([source, target]);
        Self::of(command)
    }

    /// The client that a command line starts.
    pub(crate) fn of(command: Command) -> Self {
        Self { program: Program::start(command) }
    }

    pub(crate) async fn start(source: &str, target: &str, args: &[&str]) -> Self {
        let mut client = Self::begin(source, target, args);
        client.ready(1).await;
        client
    }

    /// Waits until the tunnel has stood so many times.
    pub(crate) async fn ready(&mut self, times: usize) {
        self.program.printed(|output| output.stderr.matches("Ready; Forwarding ").count() >= times).await;
    }

    /// Waits until both directions stream, which is what a path without hindrance comes to.
    pub(crate) async fn streams(&mut self) {
        self.program.printed(|output| output.stderr.contains("wire v2: streams down, streams up")).await;
    }
}

/// Both, under the prefix `app`.
pub(crate) struct Tunnel {
    pub(crate) server: Server,
    pub(crate) client: Client,
}

impl Tunnel {
    pub(crate) async fn to(target: &str) -> Self {
        Self::with(target, &[], &[]).await
    }

    pub(crate) async fn with(target: &str, serve: &[&str], connect: &[&str]) -> Self {
        let server = Server::start(serve).await;
        let client = Client::start(&server.url("/app"), target, connect).await;
        Self { server, client }
    }
}
