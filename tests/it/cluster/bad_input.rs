//! Servers that cannot be one of several, or not yet: each says why in one sentence, is not ready, and tells no visitor
//! anything that is wrong.

use std::net::SocketAddr;
use std::path::PathBuf;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use ::trials::cluster::{Engine, Node, Stage, Wanted, ask};

use super::{binary, can_be_tried};
use crate::clocks::{Clock, HOUR};
use crate::world::{PATIENCE, Program, sendit};

/// How soon something is looked at again that nobody tells.
const LOOK: std::time::Duration = std::time::Duration::from_millis(20);

/// A visit that the tunnel's target answers with nothing.
const VISIT: &str = "/v2-0/counted/0/0/0/0";

/// A cluster that is well, with one tunnel. Dropped before its engine.
struct Well {
    stage: Stage,
    engine: Engine,
    folder: TempDir,
}

impl Well {
    async fn start() -> Self {
        let engine = Engine::start().await.unwrap();
        let wanted = Wanted { binary: binary(), engine: engine.address(), nodes: 2, v2: 1, v1: 0, flags: &[] };
        let stage = Stage::set(wanted).await.unwrap_or_else(|trouble| panic!("{trouble}"));
        Self { stage, engine, folder: TempDir::new().unwrap() }
    }

    /// What one more server is told, in which nothing is wrong.
    fn one_more(&self) -> OneMore {
        OneMore {
            command: sendit(),
            engine: self.engine.address(),
            advertised: "127.0.0.2:0".to_owned(),
            secret: self.stage.secret(),
            flags: &[],
        }
    }

    /// Adds a server with which something is wrong: it says so, and is not ready; the others still are, and whoever visits any of
    /// them is answered as ever, or told that it has to wait.
    async fn check(&self, one_more: OneMore, sentence: &str) {
        let mut server = one_more.start().await;
        server.program.printed(|output| output.stderr.contains(sentence)).await;
        server.looks(503, sentence).await;
        for _ in 0..5 {
            let answer = ask(server.public, VISIT).await.unwrap();
            assert!(matches!(answer.status, 200 | 503), "{answer:?}");
        }
        for node in &self.stage.nodes {
            let answers = (ask(node.admin(), "/readyz").await.unwrap(), ask(node.public(), VISIT).await.unwrap());
            assert_eq!((answers.0.status, answers.1.status), (200, 200), "{answers:?}");
        }
    }
}

/// What a server is told that is to be one of several.
struct OneMore {
    command: Command,
    engine: SocketAddr,
    advertised: String,
    secret: PathBuf,
    flags: &'static [&'static str],
}

struct Server {
    program: Program,
    public: SocketAddr,
    admin: SocketAddr,
}

impl OneMore {
    async fn start(self) -> Server {
        let Self { mut command, engine, advertised, secret, flags } = self;
        command.arg("serve");
        for flag in ["--addr", "--admin", "--cluster-addr"] {
            command.args([flag, "127.0.0.2:0"]);
        }
        command.args(["--cluster", &format!("redis://{engine}"), "--advertise", &format!("http://{advertised}")]);
        command.arg("--cluster-secret-file").arg(secret).args(flags);
        let mut program = Program::start(command);
        let output = program.printed(|output| output.stderr.contains("Admin: ")).await.stderr;
        let at = |name: &str| output.lines().find_map(|line| line.strip_prefix(name)?.parse().ok());
        let (public, admin) = (at("Listening: ").expect("an address"), at("Admin: ").expect("an address"));
        Server { program, public, admin }
    }
}

impl Server {
    /// Waits until its health is told so.
    async fn looks(&self, status: u16, sentence: &str) {
        let looking = async {
            loop {
                let told = ask(self.admin, "/readyz").await.unwrap();
                if told.status == status && told.body.contains(sentence) {
                    return;
                }
                sleep(LOOK).await;
            }
        };
        timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("`{sentence}`: {:?}", self.program.output()));
    }
}

#[tokio::test]
async fn a_wrong_secret() {
    if can_be_tried() {
        let well = Well::start().await;
        let secret = well.folder.path().join("wrong");
        std::fs::write(&secret, "what nobody else of the cluster has, and long enough").unwrap();
        let sentence = "does not know the cluster's secret that this one has: give all servers the same";
        well.check(OneMore { secret, ..well.one_more() }, sentence).await;
    }
}

/// It takes visitors, for secrets are changed at one server after the other: all say in the log where it differs.
#[tokio::test]
async fn what_all_have_to_share() {
    if !can_be_tried() {
        return;
    }
    let well = Well::start().await;
    let flags = &["--secret", "a secret of 32 bytes or even more", "--domain", "t.example", "--http-prefix", "/below"];
    let mut server = OneMore { flags, ..well.one_more() }.start().await;
    for flag in ["--secret-file", "--domain", "--http-prefix"] {
        let words = format!("has another `{flag}` than this one");
        server.program.printed(|output| output.stderr.contains(&words)).await;
        for node in &well.stage.nodes {
            let told = node.program().printed(Instant::now() + PATIENCE, "told it", |said| said.contains(&words));
            told.await.unwrap_or_else(|trouble| panic!("{trouble}"));
        }
    }
    server.looks(200, "").await;
}

#[tokio::test]
async fn an_address_that_is_another_servers() {
    if can_be_tried() {
        let well = Well::start().await;
        let advertised = well.stage.nodes[0].peers().to_string();
        well.check(OneMore { advertised, ..well.one_more() }, "another server").await;
    }
}

#[tokio::test]
async fn an_address_that_leads_nowhere() {
    if can_be_tried() {
        let well = Well::start().await;
        let nobody = std::net::TcpListener::bind("127.0.0.2:0").unwrap();
        let advertised = nobody.local_addr().unwrap().to_string();
        drop(nobody);
        well.check(OneMore { advertised, ..well.one_more() }, "is not reached").await;
    }
}

#[tokio::test]
async fn an_engine_that_is_read_only() {
    if can_be_tried() {
        let well = Well::start().await;
        let replica = Engine::replica(&well.engine).await.unwrap();
        well.check(OneMore { engine: replica.address(), ..well.one_more() }, "is read-only").await;
    }
}

#[tokio::test]
async fn an_engine_that_evicts() {
    if can_be_tried() {
        let (well, evicts) = (Well::start().await, Engine::start().await.unwrap());
        for setting in ["maxmemory 100mb", "maxmemory-policy allkeys-lru"] {
            assert_eq!(evicts.tell(&format!("config set {setting}")).await.unwrap(), "+OK\r\n+OK\r\n");
        }
        let sentence = "throws entries away when its memory is full: set its `maxmemory-policy` to `noeviction`";
        well.check(OneMore { engine: evicts.address(), ..well.one_more() }, sentence).await;
    }
}

#[tokio::test]
async fn an_engine_that_is_too_old() {
    if can_be_tried() {
        let (well, over) = (Well::start().await, CancellationToken::new());
        let _guard = over.clone().drop_guard();
        let engine = old_engine(&over).await;
        well.check(OneMore { engine, ..well.one_more() }, "is version 5.0.7, and 6.2 is the lowest that will do").await;
    }
}

#[tokio::test]
async fn a_clock_that_is_an_hour_ahead() {
    let Some(clock) = Clock::find().filter(|_| can_be_tried()) else { return };
    let well = Well::start().await;
    clock.set(HOUR);
    well.check(OneMore { command: clock.sendit(), ..well.one_more() }, "clock is more than 60 s").await;
}

/// What a node has is kept by clocks that nobody sets, and by the engine's.
#[tokio::test]
async fn a_clock_that_is_set_under_way() {
    let Some(clock) = Clock::find().filter(|_| can_be_tried()) else { return };
    let well = Well::start().await;
    let mut server = OneMore { command: clock.sendit(), ..well.one_more() }.start().await;
    server.looks(200, "").await;
    let tunnel = well.stage.begin("kept", "v2", server.public).unwrap_or_else(|trouble| panic!("{trouble}"));
    tunnel.stands(1).await.unwrap_or_else(|trouble| panic!("{trouble}"));
    let first = well.engine.tell("get {sendit}:claim:kept").await.unwrap();
    for (times, offset) in [(1, HOUR), (2, -HOUR)] {
        clock.set(offset);
        server.program.printed(|output| output.stderr.matches("WARN this machine's clock").count() == times).await;
        let nodes = well.stage.nodes.iter().map(Node::public);
        for public in nodes.chain([server.public]) {
            assert_eq!(ask(public, &VISIT.replace("v2-0", "kept")).await.unwrap().status, 200, "{offset}");
        }
        clock.set(0);
        server
            .program
            .printed(|output| output.stderr.matches("clock agrees with the engine's again").count() == times)
            .await;
    }
    assert_eq!(well.engine.tell("get {sendit}:claim:kept").await.unwrap(), first);
    assert_eq!(tunnel.client.output().matches("Ready; ").count(), 1);
}

/// Entries that are none of this version's are said to be there, and are never acted on.
#[tokio::test]
async fn entries_that_cannot_be_read() {
    if !can_be_tried() {
        return;
    }
    let well = Well::start().await;
    let nobodys = "1 00000000000000ff 127.0.0.1:1 99999999999 held 10000 -";
    for poison in [
        "set {sendit}:claim:poisoned nonsense".to_owned(),
        "rpush {sendit}:claim:list 1 2".to_owned(),
        format!("set {{sendit}}:claim:long \"{}\"", "a".repeat(5_000)),
        format!("set {{sendit}}:claim:nobodys \"{nobodys}\""),
        "set {sendit}:node:00000000000000ff \"2 who knows\"".to_owned(),
        "zadd {sendit}:nodes 99999999999999999 00000000000000ff".to_owned(),
    ] {
        assert!(!well.engine.tell(&poison).await.unwrap().starts_with('-'), "{poison}");
    }
    for (node, prefix) in well.stage.nodes.iter().zip([["poisoned", "list"], ["long", "nobodys"]]) {
        for prefix in prefix {
            let answer = ask(node.public(), &format!("/{prefix}/")).await.unwrap();
            assert!(matches!(answer.status, 404 | 503), "{prefix}: {answer:?}");
        }
        assert_eq!(ask(node.public(), VISIT).await.unwrap().status, 200);
        assert_eq!(ask(node.admin(), "/readyz").await.unwrap().status, 200);
    }
    let said = well.stage.said();
    assert!(said.contains("entries"), "{said}");
}

/// What answers like a Redis of long ago.
async fn old_engine(over: &CancellationToken) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, tasks) = (listener.local_addr().unwrap(), TaskTracker::new());
    let owner = tasks.clone();
    let accepting = async move {
        while let Ok((stream, _)) = listener.accept().await {
            owner.spawn(answer(stream));
        }
    };
    tasks.spawn(over.clone().run_until_cancelled_owned(accepting));
    address
}

/// Answers each command of a connection: what comes at once is a few whole ones, as clients send them.
async fn answer(mut stream: TcpStream) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = stream.read(&mut bytes).await {
        let text = String::from_utf8_lossy(&bytes[..read]).to_uppercase();
        // A command is an array of strings, and only arrays begin with an asterisk.
        for command in text.split('*').skip(1) {
            let told = "# Server\r\nredis_version:5.0.7\r\nrole:master\r\n";
            let answer = match command.split("\r\n").nth(2) {
                Some("INFO") => format!("${}\r\n{told}\r\n", told.len()),
                Some("HELLO") => "-ERR unknown command `HELLO`\r\n".to_owned(),
                _ => "+OK\r\n".to_owned(),
            };
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}
