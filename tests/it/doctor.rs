//! `sendit doctor`: what it says of the way through each real proxy, that the tunnel does what it foretold, and that
//! what it advises cures what it found.
#![cfg(unix)]
#![expect(clippy::print_stdout, reason = "the findings of a passing test are worth reading too")]

use std::path::Path;

use serde_json::Value;
use trials::intermediaries::{ALL, Examination, Intermediary};

use crate::go::{self, Settings, token};
use crate::left_out::is_here;
use crate::target::{Target, down};
use crate::tunnel::{Client, Server};
use crate::world::{Output, Program, sendit};

/// What a doctor has to find.
struct Expected {
    /// The manners, down and up.
    manners: [&'static str; 2],
    /// What becomes of the pieces of a stream, down and up.
    holding: [&'static str; 2],
    http_at_server: &'static str,
    /// What is in the names that the way gives itself.
    named: &'static str,
    /// The largest request; none where none is too large.
    largest: Option<u64>,
    /// The lines that are advised.
    lines: &'static [&'static str],
}

/// A way that is as good as none.
const CLEAR: Expected = Expected {
    manners: ["stream", "stream"],
    holding: ["nothing", "nothing"],
    http_at_server: "1.1",
    named: "",
    largest: None,
    lines: &[],
};

const NGINX: Expected = Expected { named: "server: nginx/", ..CLEAR };

const HTTP_1_1: &str = "proxy_http_version 1.1;";
const REQUESTS: &str = "proxy_request_buffering off;";
const ANSWERS: &str = "proxy_buffering off;";
const BODIES: &str = "client_max_body_size 0;";

#[tokio::test]
async fn nginx() {
    let expected = Expected {
        manners: ["stream", "batch"],
        holding: ["nothing", "all"],
        http_at_server: "1.0",
        largest: Some(1024 * 1024),
        lines: &[HTTP_1_1, REQUESTS, BODIES],
        ..NGINX
    };
    check("nginx", &expected).await;
}

#[tokio::test]
async fn nginx_unbuffered() {
    check("nginx, unbuffered", &Expected { largest: Some(1024 * 1024), lines: &[BODIES], ..NGINX }).await;
}

#[tokio::test]
async fn nginx_unbuffered_and_unlimited() {
    check("nginx, unbuffered, unlimited", &NGINX).await;
}

#[tokio::test]
async fn nginx_with_small_bodies() {
    let expected = Expected {
        manners: ["stream", "batch"],
        holding: ["nothing", "all"],
        http_at_server: "1.0",
        largest: Some(64 * 1024),
        lines: &[HTTP_1_1, REQUESTS, BODIES],
        ..NGINX
    };
    check("nginx, 64 KiB bodies", &expected).await;
}

#[tokio::test]
async fn nginx_that_buffers_whatever_is_asked() {
    let expected = Expected {
        manners: ["batch", "batch"],
        holding: ["ends", "all"],
        largest: Some(1024 * 1024),
        lines: &[REQUESTS, ANSWERS, BODIES],
        ..NGINX
    };
    check("nginx, buffering whatever is asked", &expected).await;
}

#[tokio::test]
async fn haproxy() {
    let expected = Expected {
        manners: ["batch", "batch"],
        holding: ["small", "small"],
        lines: &["option http-no-delay"],
        ..CLEAR
    };
    check("HAProxy", &expected).await;
}

#[tokio::test]
async fn haproxy_without_delay() {
    check("HAProxy, no delay", &CLEAR).await;
}

#[tokio::test]
async fn apache() {
    let expected = Expected {
        manners: ["stream", "batch"],
        holding: ["nothing", "beginning"],
        named: "server: Apache/",
        lines: &["SetEnv proxy-prefetch-nonblocking 1"],
        ..CLEAR
    };
    check("Apache", &expected).await;
}

#[tokio::test]
async fn caddy() {
    check("Caddy", &Expected { named: "server: Caddy", ..CLEAR }).await;
}

#[tokio::test]
async fn varnish() {
    check("Varnish", &Expected { named: "varnish", ..CLEAR }).await;
}

#[tokio::test]
async fn squid_that_the_client_is_told_of() {
    let report = check("Squid, forward", &Expected { named: "squid", ..CLEAR }).await;
    assert!(
        report.is_none_or(|report| report["proxy"].as_str().is_some_and(|url| url.starts_with("http://127.0.0.1")))
    );
}

#[tokio::test]
async fn squid_before_the_server() {
    check("Squid, reverse", &Expected { named: "squid", ..CLEAR }).await;
}

/// Examines the way through a proxy, and once more with the lines that were advised.
async fn check(name: &str, expected: &Expected) -> Option<Value> {
    let intermediary = ALL.iter().find(|intermediary| intermediary.name == name).expect("it is in the table");
    // What lies where only its owner looks is found too.
    if intermediary.find().is_none() && !is_here(intermediary.program, &format!("the doctor through {name}")) {
        return None;
    }
    let (examined, report) = examine(intermediary, &[]).await;
    compare(name, expected, &examined, &report);
    if !expected.lines.is_empty() {
        let lines: Vec<String> = expected.lines.iter().map(|&line| line.to_owned()).collect();
        let (examined, report) = examine(intermediary, &lines).await;
        compare(&format!("{name}, amended"), &Expected { named: expected.named, ..CLEAR }, &examined, &report);
    }
    Some(report)
}

async fn examine(intermediary: &Intermediary, lines: &[String]) -> (Examination, Value) {
    let binary = Path::new(env!("CARGO_BIN_EXE_sendit"));
    let name = intermediary.name;
    let examined = intermediary.examine(binary, &["--json", "--longest", "1s"], lines).await;
    let examined = examined.unwrap_or_else(|trouble| panic!("{name}: {trouble}"));
    println!("{name} {lines:?}: {}", examined.report);
    assert_eq!((examined.code, &*examined.said), (Some(0), ""), "{name}: {}", examined.report);
    let report = serde_json::from_str(&examined.report).expect("one JSON object");
    (examined, report)
}

#[track_caller]
fn compare(name: &str, expected: &Expected, examined: &Examination, report: &Value) {
    for (at, direction) in ["down", "up"].iter().enumerate() {
        let found = &report[direction];
        assert_eq!(found["manner"], expected.manners[at], "{name}: {report:#}");
        assert_eq!(found["holding"]["kind"], expected.holding[at], "{name}: {report:#}");
        assert_eq!(found["why"].is_null(), expected.manners[at] == "stream", "{name}: {report:#}");
    }
    let words = expected.manners.map(|manner| if manner == "stream" { "streams" } else { "batches" });
    let foretold = format!("wire v2: {} down, {} up", words[0], words[1]);
    assert!(examined.link.starts_with(&foretold), "{name}: the tunnel says `{}`, {report:#}", examined.link);
    assert_eq!(report["http_at_server"], expected.http_at_server, "{name}: {report:#}");
    let names = report["between"].as_array().expect("a list");
    let named = names.iter().any(|line| line.as_str().is_some_and(|line| line.contains(expected.named)));
    assert!(named || expected.named.is_empty(), "{name}: {report:#}");
    for manner in ["largest_batch", "largest_stream"] {
        let largest = &report["up"][manner];
        assert_eq!(largest["limited"], expected.largest.is_some(), "{name}: {report:#}");
        assert!(expected.largest.is_none_or(|bytes| largest["bytes"] == bytes), "{name}: {report:#}");
    }
    let advice = report["advice"].as_array().expect("a list");
    let lines: Vec<&str> = advice
        .iter()
        .flat_map(|advice| advice["lines"].as_array().expect("a list"))
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(lines, expected.lines, "{name}: {report:#}");
    for life in [&report["down"]["life"], &report["up"]["life"]] {
        assert!(life.is_null() || (life["ms"] == 1_000 && life["cut"] == false), "{name}: {report:#}");
    }
}

const SECRET: &str = "a secret of 32 bytes or even more";

/// What a doctor comes to: exit code and what it printed.
async fn doctor(args: &[&str]) -> (Option<i32>, Output) {
    let mut command = sendit();
    command.arg("doctor").args(args);
    let mut program = Program::start(command);
    (program.ended().await, program.all().await)
}

/// A doctor that has found out that no tunnel would stand, and says no more.
async fn refused(args: &[&str], code: i32, sentence: &str) {
    let (seen, output) = doctor(args).await;
    let expected = (Some(code), "", format!("error: {sentence}\n"));
    assert_eq!((seen, &*output.stdout, output.stderr), expected, "{args:?}");
}

async fn mint(args: &[&str]) -> String {
    let mut command = sendit();
    command.args(["token", "--secret", SECRET]).args(args);
    let mut program = Program::start(command);
    program.ended().await;
    program.all().await.stdout.trim().to_owned()
}

#[tokio::test]
async fn what_cannot_be() {
    let nobody = down();
    let away = format!("http://{}", nobody.local_addr().unwrap());
    refused(&[&away], 8, &format!("the server at `{away}` cannot be reached: connection refused")).await;

    let target = Target::start();
    let url = target.url();
    target.echo_paths();
    let sentence = format!(
        "there is no sendit server at `{url}/app`: it answered with 200 OK; check the URL, the prefix is its last part"
    );
    refused(&[&format!("{url}/app")], 5, &sentence).await;

    let server = Server::start(&["--secret", SECRET]).await;
    let host = server.url("");
    let token = format!(
        "the server at `{host}` does not accept the token: make one with `sendit token` and the server's secret"
    );
    refused(&[&host], 3, &token).await;
    refused(&["--token", "nonsense", &host], 3, &token).await;
    let ended = go::token::mint(SECRET, "auth", r#","exp":1000000000"#);
    let (code, output) = doctor(&["--token", &ended, &host]).await;
    assert_eq!(code, Some(3));
    assert!(output.stderr.starts_with(&format!("error: {token}; by its own words it ended ")), "{}", output.stderr);
    assert!(output.stderr.ends_with(" days ago\n") && !output.stderr.contains(&ended), "{}", output.stderr);
}

#[tokio::test]
async fn what_the_token_says_and_whose_the_prefix_is() {
    let server = Server::start(&["--secret", SECRET]).await;
    let narrow = mint(&["--prefix", "my-*", "--ttl", "30d"]).await;
    let (code, output) = doctor(&["--token", &narrow, "--longest", "100ms", &server.url("/my-app")]).await;
    assert_eq!((code, &*output.stderr), (Some(0), ""));
    let rows = ["\ntoken            accepted, for `my-*`, ends in 29 days\n", "\nprefix           `my-app` is free\n"];
    assert!(rows.iter().all(|row| output.stdout.contains(row)), "{}", output.stdout);
    assert!(!output.stdout.contains(&narrow), "a token is never shown");

    // What was found is printed all the same.
    let (code, output) = doctor(&["--token", &narrow, "--longest", "100ms", "--json", &server.url("/other")]).await;
    let report: Value = serde_json::from_str(&output.stdout).expect("one JSON object");
    assert_eq!((code, &report["prefix"]["state"]), (Some(4), &Value::from("forbidden")));
    assert_eq!(report["down"]["manner"], "stream");
    let sentence = "error: the token does not allow the prefix `other`: choose one that it was made for\n";
    assert_eq!(output.stderr, sentence);
}

#[tokio::test]
async fn a_tunnel_that_stands_is_not_disturbed() {
    let server = Server::start(&["--secret", SECRET]).await;
    let (target, own, other) = (Target::start(), mint(&[]).await, mint(&["--subject", "other"]).await);
    let url = target.url();
    target.echo_paths();
    let client = Client::start(&server.url("/app"), &url, &["--token", &own]).await;
    for (token, code, state) in [(&own, 0, "yields"), (&other, 4, "taken")] {
        let args = ["--token", token, "--longest", "100ms", "--json", &server.url("/app")];
        let (seen, output) = doctor(&args).await;
        let report: Value = serde_json::from_str(&output.stdout).expect("one JSON object");
        assert_eq!((seen, &report["prefix"]["state"]), (Some(code), &Value::from(state)), "{}", output.stderr);
        assert_eq!(server.get("/app/x", "").await.1, "/app/x");
    }
    let said = client.program.output().stderr;
    assert!(said.matches("Ready; Forwarding ").count() == 1 && !said.contains("no tunnel"), "{said}");
}

#[tokio::test]
async fn a_server_that_knows_wire_v1_alone() {
    let server = go::server::Server::start(SECRET, Settings::default()).await;
    let (host, token) = (format!("http://{}", server.address()), token::mint(SECRET, "auth", ""));
    let (code, output) = doctor(&["--token", &token, "--json", &host]).await;
    assert_eq!((code, &*output.stderr), (Some(0), ""));
    let report: Value = serde_json::from_str(&output.stdout).expect("one JSON object");
    assert_eq!((&report["wires"], &report["down"]), (&serde_json::json!(["v1"]), &Value::Null));
    assert_eq!(server.opened(), 0, "nothing is opened");
    let sentence = format!(
        "the server at `{host}` does not accept the token: make one with `sendit token` and the server's secret"
    );
    refused(&["--token", "wrong", &host], 3, &sentence).await;
}
