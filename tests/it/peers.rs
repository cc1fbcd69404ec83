//! The same black-box suite over every pairing of a server and a client, ours and theirs. Theirs are the programs
//! `sendit`, `sendit-server` and `sendit-token` in the folder that `SENDIT_PEERS` names; without it they are links to
//! ours, so that the suite itself and the Go command lines are tested in every run.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::origin::Target;
use crate::visitor::Visitor;
use crate::world::{Output, Program, sendit};

const SECRET: &str = "a secret that both sides know, of 32 bytes and more";

/// Names the folder of the other implementation's programs.
const PEERS: &str = "SENDIT_PEERS";

#[derive(Clone, Copy, Debug)]
enum Side {
    Ours,
    Theirs,
}

/// Where the programs of both sides are.
struct Peers {
    theirs: PathBuf,
    /// They are no more than links to ours.
    links: Option<TempDir>,
}

impl Peers {
    #[expect(clippy::disallowed_methods, reason = "which programs are tested is the environment's to say")]
    async fn find() -> Self {
        if let Some(folder) = std::env::var_os(PEERS) {
            return Self { theirs: folder.into(), links: None };
        }
        let links = TempDir::new().expect("a folder");
        let mut install = sendit();
        install.arg("install-links").arg(links.path());
        assert_eq!(Program::start(install).ended().await, Some(0));
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_sendit"), links.path().join("sendit")).expect("a link");
        Self { theirs: links.path().to_owned(), links: Some(links) }
    }

    /// A program by its Go name, or by the subcommand that ours has for it.
    fn command(&self, side: Side, name: &str, subcommand: &str) -> Command {
        match side {
            Side::Theirs => Command::new(self.theirs.join(name)),
            Side::Ours => {
                let mut command = sendit();
                command.arg(subcommand);
                command
            }
        }
    }

    async fn token(&self, side: Side, secret: &str) -> String {
        let mut command = self.command(side, "sendit-token", "token");
        command.args(["-secret", secret]);
        let mut minting = Program::start(command);
        let output = minting.printed(|output| output.stdout.ends_with('\n')).await;
        assert_eq!(minting.ended().await, Some(0));
        output.stdout.trim().to_owned()
    }

    async fn serve(&self, side: Side) -> (Program, SocketAddr) {
        let mut command = self.command(side, "sendit-server", "serve");
        command.args(["-addr", "127.0.0.1:0", "-secret", SECRET]);
        let mut server = Program::start(command);
        let address = |output: &Output| {
            all(output).lines().find_map(|line| line.split("Listening: ").nth(1)?.trim().parse::<SocketAddr>().ok())
        };
        let output = server.printed(|output| address(output).is_some()).await;
        (server, address(&output).expect("it was printed"))
    }

    fn connect(&self, side: Side, server: SocketAddr, token: &str, target: SocketAddr) -> Program {
        let mut command = self.command(side, "sendit", "connect");
        let urls = [format!("http://{server}/peers"), format!("http://{target}")];
        command.args(["-token", token, "-max-ttl", "1s"]).args(urls.map(OsString::from));
        // Between two ends of ours, too: the suite is about what Go peers speak.
        command.env("SENDIT_WIRE", "v1");
        Program::start(command)
    }
}

fn all(output: &Output) -> String {
    format!("{}{}", output.stdout, output.stderr)
}

fn is_ready(output: &Output) -> bool {
    all(output).contains("Ready; Forwarding")
}

/// How often a client told that it stands: more than once where it lost its tunnel.
fn times_ready(output: &Output) -> usize {
    all(output).matches("Ready; Forwarding").count()
}

/// Returns how many exchanges there were over renewals.
async fn suite(server_side: Side, client_side: Side) -> usize {
    let mut exchanges = 0;
    let peers = Peers::find().await;
    let (_server, address) = peers.serve(server_side).await;
    let target = Target::start().await;
    let visitor = Visitor::new(address, "peers");

    // A token of another secret opens nothing, and whoever has the right one finds the prefix free.
    let wrong = peers.token(client_side, "another secret").await;
    let mut refused = peers.connect(client_side, address, &wrong, target.address);
    refused.printed(|output| all(output).contains("401") || all(output).contains("token")).await;
    assert!(!is_ready(&refused.output()));
    drop(refused);

    for token_side in [Side::Ours, Side::Theirs] {
        let token = peers.token(token_side, SECRET).await;
        let mut client = peers.connect(client_side, address, &token, target.address);
        client.printed(is_ready).await;
        if matches!(token_side, Side::Ours) {
            visitor.tour(&target).await;
            let begin = Instant::now();
            exchanges = visitor.load(20, |_| begin.elapsed() > Duration::from_millis(3500)).await;
            assert_eq!(times_ready(&client.output()), 1, "{}", all(&client.output()));
        } else {
            assert_eq!(visitor.up(1, 1000).await, Ok(()));
        }
        client.kill().await;
        visitor.gone().await;
    }
    exchanges
}

const TOLD: &str = "exchanges over renewals, none of which failed";

#[tokio::test]
async fn ours_with_ours() {
    println!("{} {TOLD}", suite(Side::Ours, Side::Ours).await);
}

#[tokio::test]
async fn our_server_with_their_client() {
    println!("{} {TOLD}", suite(Side::Ours, Side::Theirs).await);
}

#[tokio::test]
async fn their_server_with_our_client() {
    println!("{} {TOLD}", suite(Side::Theirs, Side::Ours).await);
}

/// What another implementation does with itself is told, but is no failure of ours.
#[tokio::test]
async fn theirs_with_theirs() {
    let ours = Peers::find().await.links.is_some();
    let outcome = TaskTracker::new().spawn(suite(Side::Theirs, Side::Theirs)).await;
    match outcome {
        Ok(exchanges) => println!("{exchanges} {TOLD}"),
        Err(failed) if ours => std::panic::resume_unwind(failed.into_panic()),
        Err(failed) => println!("the other implementation fails with itself: {failed}"),
    }
}
