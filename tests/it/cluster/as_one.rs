//! Several servers as one: what any of them is asked, it answers for all.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use sendit::wire::{v1, v2};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use ::trials::cluster::{Engine, Node, Stage, Wanted, ask};

use super::{binary, can_be_tried};
use crate::world::{PATIENCE, sendit};

/// A visit that a tunnel's target answers with nothing.
const VISIT: &str = "counted/0/0/0/0";

/// Three servers, and an engine, which is dropped last.
struct Servers {
    stage: Stage,
    engine: Engine,
}

impl Servers {
    async fn start(flags: &[&str]) -> Self {
        let engine = Engine::start().await.unwrap();
        let wanted = Wanted { binary: binary(), engine: engine.address(), nodes: 3, v2: 0, v1: 0, flags };
        let stage = Stage::set(wanted).await.unwrap_or_else(|trouble| panic!("{trouble}"));
        Self { stage, engine }
    }

    /// Starts a tunnel, which lives on the server at which it is opened, and waits until it stands.
    async fn begin(&mut self, prefix: &str, wire: &'static str, at: usize) {
        let public = self.stage.nodes[at].public();
        let tunnel = self.stage.begin(prefix, wire, public).unwrap_or_else(|trouble| panic!("{trouble}"));
        tunnel.stands(1).await.unwrap_or_else(|trouble| panic!("{trouble}"));
        self.stage.tunnels.push(tunnel);
    }

    /// What `sendit sessions` says at a server: its exit code, standard output and standard error.
    async fn sessions(&self, at: usize, args: &[&str]) -> (Option<i32>, String, String) {
        let admin = self.stage.nodes[at].admin().to_string();
        let mut command = sendit();
        command.args(["sessions", "--admin", &admin, "--admin-token-file"]).arg(self.stage.secret()).args(args);
        let output = command.output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// What a server counts.
    async fn metrics(&self, at: usize) -> String {
        let token = std::fs::read_to_string(self.stage.secret()).unwrap();
        let lines = format!("Host: a.example\r\nAuthorization: Bearer {token}\r\n");
        say(self.stage.nodes[at].admin(), "GET /metrics", &lines, "").await.1
    }

    async fn listed(&self, at: usize) -> (Value, String) {
        let (code, list, said) = self.sessions(at, &["--json"]).await;
        assert_eq!(code, Some(0), "{said}");
        (serde_json::from_str(&list).unwrap(), said)
    }
}

fn metric(page: &str, name: &str) -> u64 {
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name}: {page}")).parse().unwrap()
}

fn prefixes(list: &Value) -> Vec<&str> {
    let sessions = list["sessions"].as_array().unwrap();
    let mut prefixes: Vec<_> = sessions.iter().map(|session| session["prefix"].as_str().unwrap()).collect();
    prefixes.sort_unstable();
    prefixes
}

/// What is answered to a request: its status, and all of it.
async fn say(to: SocketAddr, first: &str, lines: &str, body: &str) -> (u16, String) {
    let asking = async {
        let mut stream = TcpStream::connect(to).await.unwrap();
        let length = body.len();
        let request = format!("{first} HTTP/1.1\r\n{lines}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    };
    let answer = timeout(PATIENCE, asking).await.unwrap();
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
}

/// Waits until a server has said this in its log.
async fn told(node: &Node, words: &str) {
    let told = node.program().printed(Instant::now() + PATIENCE, "told it", |said| said.contains(words));
    told.await.unwrap_or_else(|trouble| panic!("{trouble}"));
}

async fn visit(node: &Node, prefix: &str) -> u16 {
    say(node.public(), &format!("GET /{prefix}/{VISIT}"), "Host: a.example\r\n", "").await.0
}

#[tokio::test]
async fn sessions_of_all_are_listed_and_ended_by_any() {
    if !can_be_tried() {
        return;
    }
    let mut servers = Servers::start(&[]).await;
    servers.begin("one", "v2", 0).await;
    servers.begin("two", "v1", 1).await;
    let (mut names, mut lists) = (Vec::new(), Vec::new());
    for at in 0..3 {
        let (list, said) = servers.listed(at).await;
        assert_eq!((prefixes(&list), &*said), (vec!["one", "two"], ""));
        names.push(list["server"].as_str().unwrap().to_owned());
        let homes = list["sessions"].as_array().unwrap().iter().map(|session| session["server"].clone());
        lists.push(homes.collect::<Vec<_>>());
    }
    assert!(lists.iter().all(|homes| *homes == [&*names[0], &*names[1]]), "{names:?} {lists:?}");
    let (_, table, _) = servers.sessions(2, &[]).await;
    let columns = |line: &str| line.split_whitespace().take(3).map(str::to_owned).collect::<Vec<_>>();
    let columns: Vec<_> = table.lines().map(columns).collect();
    assert_eq!((&*columns[0][2], &*columns[1][2], &*columns[2][2]), ("SERVER", &*names[0], &*names[1]), "{table}");
    // People tell them apart by what they see of their ids.
    assert_ne!(columns[1][1], columns[2][1]);

    // What is not told in time is missing, and that is said.
    servers.stage.nodes[1].freeze();
    let (list, said) = servers.listed(2).await;
    servers.stage.nodes[1].wake();
    assert_eq!((prefixes(&list), &list["silent"][0]["server"]), (vec!["one"], &Value::from(&*names[1])));
    let (name, address) = (&names[1], servers.stage.nodes[1].peers());
    assert_eq!(
        said,
        format!("warning: the server `{name}` does not answer the others at `{address}`: its sessions are missing\n")
    );

    let (code, said, _) = servers.sessions(2, &["end", "one"]).await;
    assert!(code == Some(0) && said.ends_with(" of one\n"), "{said}");
    let mut one = servers.stage.tunnels.remove(0);
    let deadline = Instant::now() + PATIENCE;
    assert_eq!(one.client.ended(deadline).await.and_then(|status| status.code()), Some(11));
    told(&servers.stage.nodes[0], "session closed").await;
    let (code, _, said) = servers.sessions(1, &["end", "one"]).await;
    assert_eq!((code, &*said), (Some(2), "error: there is no session `one`; `sendit sessions` lists them\n"));
}

/// Whatever a visitor says, no server takes it for another.
#[tokio::test]
async fn nobody_but_a_server_asks_the_others() {
    if !can_be_tried() {
        return;
    }
    let mut servers = Servers::start(&["--domain", "t.example"]).await;
    servers.begin("app", "v2", 0).await;
    let (list, _) = servers.listed(0).await;
    let id = list["sessions"][0]["id"].as_str().unwrap().to_owned();
    for node in &servers.stage.nodes {
        for host in ["t.example", "app.t.example", "a.example"] {
            for path in ["/sessions", &format!("/sessions/{id}"), "/holds/app", "/app/holds/app", "/shared"] {
                for method in ["GET", "DELETE"] {
                    let lines = format!("Host: {host}\r\nSendit-Passed: - plain 1.1 ask\r\n");
                    let (status, answer) = say(node.public(), &format!("{method} {path}"), &lines, "").await;
                    let words = [&*id, "fence", "secrets"];
                    let is_told = status == 204 || words.iter().any(|word| answer.contains(word));
                    assert!(!is_told, "{method} {path} {host}: {answer}");
                }
            }
        }
    }
    assert_eq!(prefixes(&servers.listed(1).await.0), ["app"]);
}

#[tokio::test]
async fn a_tunnel_is_found_while_the_engine_is_away() {
    if !can_be_tried() {
        return;
    }
    let mut servers = Servers::start(&[]).await;
    servers.begin("app", "v2", 0).await;
    servers.engine.stop().await;
    for node in &servers.stage.nodes {
        assert_eq!(visit(node, "app").await, 200, "{}", servers.stage.said());
    }
}

/// No client is away that nobody knows of. However many wait, it is asked once for all of them who has the prefix.
#[tokio::test]
async fn visitors_of_an_address_that_nobody_knows_are_told_that_while_the_engine_is_away() {
    if !can_be_tried() {
        return;
    }
    let mut servers = Servers::start(&[]).await;
    servers.engine.stop().await;
    let public = servers.stage.nodes[0].public();
    let waiting = (0..40).map(|_| say(public, "GET /nobody/", "Host: a.example\r\n", ""));
    for (status, answer) in join_all(waiting).await {
        assert!(status == 503 && answer.contains("\r\nsendit-error: undecided\r\n"), "{answer}");
        assert!(answer.contains("whether a tunnel is open at this address cannot be found out now"), "{answer}");
    }
    // Each waits for 10 s, and it is asked every 0.1 s: by the server, and where nobody says anything once more.
    let lookups = metric(&servers.metrics(0).await, "sendit_cluster_lookups_total");
    assert!(lookups < 400, "{lookups}");
}

#[tokio::test]
async fn wrong_tokens_are_counted_over_all() {
    if !can_be_tried() {
        return;
    }
    let flags = ["--secret", "a secret of 32 bytes or even more", "--max-failed-opens", "4"];
    let mut servers = Servers::start(&flags).await;
    let nodes: Vec<SocketAddr> = servers.stage.nodes.iter().map(Node::public).collect();
    let v1 = async |at: usize| {
        let lines = "Host: a.example\r\nContent-Type: application/x-www-form-urlencoded\r\n";
        say(nodes[at], &format!("POST {}", v1::OPEN), lines, "token=wrong&prefix=app").await.0
    };
    let v2 = async |at: usize| {
        let lines = "Host: a.example\r\nAuthorization: Bearer wrong\r\n";
        say(nodes[at], &format!("POST {}", v2::OPEN), lines, "{\"prefix\":\"app\"}").await.0
    };
    let seen = [v1(0).await, v2(1).await, v1(1).await, v2(2).await, v1(2).await, v2(0).await];
    assert_eq!(seen, [401, 401, 401, 401, 429, 429]);
    // Without the engine each counts alone.
    servers.engine.stop().await;
    assert_eq!([v1(0).await, v1(0).await, v1(0).await], [401, 401, 429]);
}

/// A client on wire v1 loses its session with a carrier, and may be back at another server.
#[tokio::test]
async fn visitors_of_any_wait_for_a_client_that_lost_its_session() {
    if !can_be_tried() {
        return;
    }
    let mut servers = Servers::start(&[]).await;
    servers.begin("old", "v1", 0).await;
    let mut old = servers.stage.tunnels.remove(0);
    old.client.kill();
    told(&servers.stage.nodes[0], "session lost").await;
    let again = servers.stage.begin("old", "v1", servers.stage.nodes[2].public());
    let again = again.unwrap_or_else(|trouble| panic!("{trouble}"));
    let visits = join_all(servers.stage.nodes.iter().map(|node| visit(node, "old"))).await;
    assert_eq!(visits, [200; 3], "{}", servers.stage.said());

    // One that leaves is not waited for.
    again.client.terminate();
    told(&servers.stage.nodes[2], "session closed").await;
    let visits = join_all(servers.stage.nodes.iter().map(|node| visit(node, "old"))).await;
    assert_eq!(visits, [404; 3]);
}

#[tokio::test]
async fn an_examination_and_the_metrics_tell_of_the_others() {
    if !can_be_tried() {
        return;
    }
    let mut servers = Servers::start(&[]).await;
    servers.begin("app", "v2", 0).await;
    let node = &servers.stage.nodes[1];
    for (prefix, state) in [("app", "taken"), ("free", "free")] {
        let first = format!("POST {}", v2::measure::EXAMINE);
        let asked = format!("{{\"prefix\":\"{prefix}\"}}");
        let (status, answer) = say(node.public(), &first, "Host: a.example\r\n", &asked).await;
        assert!(status == 200 && answer.contains(&format!("\"prefix\":\"{state}\"")), "{answer}");
    }
    let page = servers.metrics(1).await;
    let value = |name: &str| metric(&page, name);
    assert_eq!((value("sendit_cluster_nodes"), value("sendit_cluster_may_answer")), (3, 1));
    assert!(value("sendit_cluster_lookups_total") >= 2);
    assert!(value("sendit_cluster_renewals_total{outcome=\"kept\"}") >= 1);
}

#[tokio::test]
async fn who_knew_where_a_tunnel_was_gives_it_while_its_server_leaves() {
    if !can_be_tried() {
        return;
    }
    let mut servers = Servers::start(&[]).await;
    servers.begin("kept", "v2", 0).await;
    assert_eq!(visit(&servers.stage.nodes[1], "kept").await, 200);
    // Its session stands for a while, and nobody asks for it but who is told where it was.
    servers.stage.tunnels.clear();
    let (public, admin) = (servers.stage.nodes[1].public(), servers.stage.nodes[0].admin());
    let opened = async {
        while ask(admin, "/readyz").await.unwrap().status == 200 {
            sleep(Duration::from_millis(20)).await;
        }
        let open = format!("POST {}", v2::OPEN);
        say(public, &open, "Host: a.example\r\n", r#"{"prefix":"kept"}"#).await
    };
    tokio::select! {
        biased;
        (status, answer) = opened => assert_eq!(status, 200, "{answer}"),
        _ = servers.stage.nodes[0].stop() => panic!("it was given only once its server had ended"),
    }
}

/// A client that is away hears nothing of it, and has what is left of its grace to come back.
#[tokio::test]
async fn a_prefix_outlives_its_server_for_as_long_as_the_client_may_be_away() {
    if !can_be_tried() {
        return;
    }
    let mut servers = Servers::start(&["--grace", "10m"]).await;
    servers.begin("away", "v2", 0).await;
    servers.stage.tunnels[0].client.signal("STOP");
    let stopping = servers.stage.nodes[0].program();
    stopping.terminate();
    let left = async {
        while !servers.engine.tell("get {sendit}:claim:away").await.unwrap().contains(" moving ") {
            sleep(Duration::from_millis(20)).await;
        }
        let told = servers.engine.tell("pttl {sendit}:claim:away").await.unwrap();
        told.trim_start_matches(':').lines().next().unwrap().parse::<u64>().unwrap()
    };
    let left = timeout(PATIENCE, left).await.unwrap();
    assert!((500_000..=600_000).contains(&left), "{left}");
    servers.stage.tunnels[0].client.signal("CONT");
}
