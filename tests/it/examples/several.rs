//! The examples of several servers: what each would start is a server, by the words that are filled in there, and the files
//! around it are what their own programs take.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::time::timeout;
use trials::cluster::Engine;

use super::{check, example, flown, listed, words};
use crate::certificates::{Authority, GOOD};
use crate::left_out;
use crate::operations::admin;
use crate::origin::Target;
use crate::tunnel::{Client, Server};
use crate::visitor::Visitor;
use crate::world::{PATIENCE, Program, program};

/// The words of an example, with what a platform fills in, and this Redis.
fn filled(redis: SocketAddr, words: Vec<String>) -> Vec<String> {
    let engine = format!("redis://{redis}");
    let known = [
        ("redis://sendit-redis:6379", &*engine),
        ("redis://my-sendit-redis.internal:6379", &engine),
        ("redis://redis:6379", &engine),
        ("$REDIS_URL", &engine),
        ("$(POD_IP)", "127.0.0.1"),
        ("$HEROKU_PRIVATE_IP", "127.0.0.1"),
        ("fly-local-6pn", "127.0.0.1"),
        ("http://192.0.2.11:", "http://127.0.0.1:"),
    ];
    let fill = |word: String| known.iter().fold(word, |word, (shown, real)| word.replace(shown, real));
    words.into_iter().map(fill).collect()
}

#[tokio::test]
async fn what_examples_of_several_start_is_a_server() {
    if !left_out::is_here("redis-server", "what examples of several servers start") {
        return;
    }
    let redis = Engine::start().await.unwrap();
    let filled = |words| filled(redis.address(), words);
    check(filled(listed(&example("kubernetes/sendit-cluster.yaml"), "          args:\n"))).await;
    check(filled(flown(&example("fly/fly-cluster.toml")))).await;

    let heroku = example("heroku/cluster/Procfile");
    let (_, line) = heroku.trim().split_once("exec target/release/sendit ").unwrap();
    check(filled(words(line))).await;
    let app: serde_json::Value = serde_json::from_str(&example("heroku/cluster/app.json")).unwrap();
    for name in ["SENDIT_SECRET", "CLUSTER_SECRET"] {
        assert_eq!(app["env"][name]["generator"], "secret", "{name}");
    }

    let compose = example("compose/compose.yaml");
    let mut first = listed(&compose, "    command: &command\n");
    let (_, advertised) = compose.split_once("SENDIT_ADVERTISE: \"").unwrap();
    first.push(format!("--advertise={}", advertised.split('"').next().unwrap()));
    check(filled(first)).await;
}

/// A program that looks at files, and finds no fault.
async fn finds_no_fault(command: &str, args: &[&str], folder: &Path) {
    let mut command = program(command);
    let looking = command.args(args).current_dir(folder).stdin(Stdio::null()).output();
    let output = timeout(PATIENCE, looking).await.expect("it ends in time").expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {said}");
}

#[tokio::test]
async fn kubernetes_has_names_for_all_of_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let validate = root.join("target/apps/python/bin/kubernetes-validate");
    if left_out::is_at(&validate, "the check of the examples for Kubernetes") {
        let files = ["--strict", "sendit.yaml", "sendit-cluster.yaml"];
        finds_no_fault(validate.to_str().unwrap(), &files, &root.join("dist/kubernetes")).await;
    }
}

#[tokio::test]
async fn compose_understands_its_example() {
    if left_out::is_here("docker-compose", "the check of the example for compose") {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dist/compose");
        finds_no_fault("docker-compose", &["--file", "compose.yaml", "config", "--quiet"], &folder).await;
    }
}

/// `HAProxy` by the lines for several servers, of which the first is there and says that it is ready.
#[tokio::test]
async fn haproxy_shares_out_to_those_that_are_ready() {
    if !left_out::is_here("haproxy", "the lines for several servers behind HAProxy") {
        return;
    }
    let (authority, folder, target) = (Authority::new(), TempDir::new().unwrap(), Target::start().await);
    let (certificate, key) = authority.issue(&[], GOOD);
    let both = authority.write("both.pem", &(certificate + &key));
    let mut server = Server::start(&["--admin", "127.0.0.1:0"]).await;
    let ready = admin(&mut server).await.port();
    // Neither can tell which port it found; nobody listens at the other.
    let [public, nobody] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let words = [
        ("bind :443 ", format!("bind {public} ")),
        ("/etc/ssl/example.com.pem", both),
        ("192.0.2.11:5050", server.addr.to_string()),
        // Where it is looked at is the same for all, on one machine: these say so by themselves.
        ("192.0.2.12:5050", format!("{nobody} port {}", nobody.port())),
        ("192.0.2.13:5050", format!("{nobody} port {}", nobody.port())),
        ("check port 5051", format!("check port {ready}")),
    ];
    let lines = words.iter().fold(example("proxies/haproxy-cluster.cfg"), |lines, (shown, real)| {
        assert!(lines.contains(shown), "no `{shown}`");
        lines.replace(shown, real)
    });
    fs::write(folder.path().join("defaults.cfg"), example("compose/defaults.cfg")).unwrap();
    fs::write(folder.path().join("sendit.cfg"), lines).unwrap();
    let mut command = program("haproxy");
    command.args(["-db", "-f", "defaults.cfg", "-f", "sendit.cfg"]).current_dir(folder.path());
    let mut haproxy = Program::start(command);
    haproxy.printed(|output| output.stdout.contains("sendit/sendit-2 is DOWN")).await;

    let (source, url) = (format!("https://{public}/app"), format!("http://{}", target.address));
    let _client = Client::start(&source, &url, &["--ca-file", &authority.path("ca.pem")]).await;
    let (public, _relay) = authority.secured(public).await;
    Visitor::who_keeps_none(public, "app").tour(&target).await;
}
