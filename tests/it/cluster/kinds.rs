//! The engines that there are: by TLS, with users and passwords, behind sentinels, and one of a cluster of them.

use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use ::trials::cluster::ask;

use super::engine::{Engine, free_port};
use super::member::{Member, World, is_held_by, until};
use crate::certificates::{Authority, GOOD};
use crate::world::{PATIENCE, Program, sendit};

/// A server that believes these authorities says this of its readiness.
async fn says(engine: &str, authorities: &str, status: u16, sentence: &str) {
    let folder = TempDir::new().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "what the servers have in common, and long enough").unwrap();
    let mut command = sendit();
    command.args(["serve", "--cluster", engine, "--advertise", "http://127.0.0.1:0"]);
    command.args(["--addr", "127.0.0.1:0", "--admin", "127.0.0.1:0"]).arg("--cluster-secret-file").arg(secret);
    command.env("SSL_CERT_FILE", authorities);
    let mut server = Program::start(command);
    let output = server.printed(|output| output.stderr.contains("Admin: ")).await.stderr;
    let admin = output.lines().find_map(|line| line.strip_prefix("Admin: ")?.parse().ok()).expect("an address");
    let looking = async {
        loop {
            let told = ask(admin, "/readyz").await.unwrap();
            if told.status == status && told.body.contains(sentence) {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("`{sentence}`: {:?}", server.output()));
}

#[tokio::test]
async fn an_engine_by_tls() {
    let (ours, other, port) = (Authority::new(), Authority::new(), free_port());
    let [certificate, key] = ours.renew(&[], GOOD);
    let tls =
        ["--tls-port", &port, "--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-auth-clients", "no"];
    let Some(_engine) = Engine::start(&tls) else { return };
    let at = |scheme: &str| format!("{scheme}://127.0.0.1:{port}");
    says(&at("rediss"), &ours.path("ca.pem"), 200, "").await;
    says(&at("rediss"), &other.path("ca.pem"), 503, "is not reached: invalid peer certificate: ").await;
    says(&at("redis"), &ours.path("ca.pem"), 503, "is not reached: ").await;
}

/// Two nodes agree by it.
async fn agree(one: &Member, two: &Member) {
    let claim = one.claim("app").await;
    is_held_by(two.try_claim("app").await, 1);
    drop(claim);
    drop(two.claim("app").await);
}

#[tokio::test]
async fn a_user_with_a_password() {
    let port = free_port();
    let Some(engine) = Engine::start(&["--port", &port]) else { return };
    engine.say::<()>(&["ACL", "SETUSER", "tunnels", "on", ">p@ss/word", "~{sendit}:*", "+@all", "-@admin"]);
    engine.say::<()>(&["ACL", "SETUSER", "default", "off"]);
    let world = World::default();
    let url = format!("redis://tunnels:p%40ss%2Fword@127.0.0.1:{port}");
    let (one, two) = world.pair(&url).await;
    agree(&one, &two).await;
    let wrong = world.join(&url.replace("word", "words"), 3).await.err().unwrap();
    assert!(wrong.contains("refuses the user or password"), "{wrong}");
}

#[tokio::test]
async fn a_primary_that_sentinels_know() {
    let [first, second, port] = [(); 3].map(|()| free_port());
    let Some(mut primary) = Engine::start(&["--port", &first]) else { return };
    let follows = ["--port", &second, "--replicaof", "127.0.0.1", &first, "--repl-diskless-sync-delay", "0"];
    let Some(replica) = Engine::start(&follows) else { return };
    let Some(sentinel) = Engine::start(&["--port", &port, "--sentinel"]) else { return };
    until(|| async { replica.say::<String>(&["INFO"]).contains("master_link_status:up").then_some(()) }).await;
    sentinel.say::<()>(&["SENTINEL", "MONITOR", "main", "127.0.0.1", &first, "1"]);
    sentinel.say::<()>(&["SENTINEL", "SET", "main", "down-after-milliseconds", "500"]);
    until(|| async { sentinel.say::<String>(&["INFO"]).contains(",slaves=1,").then_some(()) }).await;

    let world = World::default();
    let unknown = world.join(&format!("redis+sentinel://127.0.0.1:{port}/other"), 3).await.err().unwrap();
    let sentence =
        format!("the sentinel at `127.0.0.1:{port}` knows no `other`: name it as its `sentinel monitor` line does");
    assert_eq!(unknown, sentence);
    // One of those that are named is not there.
    let (one, two) = world.pair(&format!("redis+sentinel://127.0.0.1:{port},127.0.0.1:1/main")).await;
    agree(&one, &two).await;
    let claim = one.claim("kept").await;
    primary.end();
    until(|| async { replica.say::<bool>(&["EXISTS", "{sendit}:claim:kept"]).then_some(()) }).await;
    until(|| async { replica.say::<String>(&["INFO"]).contains("role:master").then_some(()) }).await;
    one.recovers().await;
    two.recovers().await;
    is_held_by(until(|| async { Some(two.try_claim("kept").await).filter(|it| !is_unavailable(it)) }).await, 1);
    assert!(claim.stands());
}

#[tokio::test]
async fn one_of_a_cluster_of_engines() {
    const SLOTS: [[&str; 2]; 3] = [["0", "5460"], ["5461", "10922"], ["10923", "16383"]];
    let ports = [(); 3].map(|()| [free_port(), free_port()]);
    let mut engines = Vec::new();
    for ([port, bus], [first, last]) in ports.iter().zip(SLOTS) {
        let Some(engine) = Engine::start(&["--port", port, "--cluster-enabled", "yes", "--cluster-port", bus]) else {
            return;
        };
        engine.say::<()>(&["CLUSTER", "ADDSLOTSRANGE", first, last]);
        engines.push(engine);
    }
    for [port, bus] in &ports[1..] {
        engines[0].say::<()>(&["CLUSTER", "MEET", "127.0.0.1", port, bus]);
    }
    for engine in &engines {
        until(|| async { engine.say::<String>(&["CLUSTER", "INFO"]).contains("cluster_state:ok").then_some(()) }).await;
    }
    let slot: usize = engines[0].say(&["CLUSTER", "KEYSLOT", "{sendit}:era"]);
    let owner = SLOTS.iter().position(|[_, last]| slot <= last.parse().unwrap()).unwrap();

    // Whichever is asked first, it is the one that has all of it which answers.
    let world = World::default();
    let url = |at: usize| format!("redis://127.0.0.1:{}", ports[at % 3][0]);
    let (one, two) = (world.join(&url(owner + 1), 1).await.unwrap(), world.join(&url(owner + 2), 2).await.unwrap());
    agree(&one, &two).await;
    let claim = one.claim("kept").await;
    assert!(engines[owner].say::<bool>(&["EXISTS", "{sendit}:claim:kept"]));
    engines[owner].restart();
    is_held_by(until(|| async { Some(two.try_claim("kept").await).filter(|it| !is_unavailable(it)) }).await, 1);
    one.recovers().await;
    assert!(claim.stands());
}

/// Nobody can say yet.
fn is_unavailable<T>(outcome: &Result<T, sendit::cluster::Unclaimed>) -> bool {
    use sendit::cluster::Unclaimed::{Unavailable, Young};
    matches!(outcome, Err(Unavailable | Young(_)))
}
