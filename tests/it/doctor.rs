//! `sendit doctor`: what it says where no tunnel would stand, of tokens and prefixes, and through each real proxy.

#[cfg(unix)]
mod through;

use sendit::auth::{self, Audience, Claims, Key, Keys};
use serde_json::Value;

use crate::go::{self, Settings, token};
use crate::target::{Target, down};
use crate::tunnel::{Client, Server};
use crate::world::{Output, Program, sendit};

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

/// A token for the right secret whose time is over.
fn ended() -> String {
    let keys = Keys::new(Key::new(SECRET.as_bytes()).unwrap(), []);
    let born = 1_700_000_000;
    auth::mint(&keys, &Claims { expiry: Some(born + 60), ..Claims::new(Audience::Auth, born) })
}

#[tokio::test]
async fn what_cannot_be() {
    let nobody = down();
    let away = format!("http://{}", nobody.local_addr().unwrap());
    refused(&[&away], 9, &format!("the server at `{away}` cannot be reached: connection refused")).await;

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
    let none = format!(
        "the server at `{host}` asks for a token: give one with `--token-file` or `--token`; `sendit token` makes them, \
         with the server's secret"
    );
    refused(&[&host], 3, &none).await;
    refused(&["--token", "nonsense", &host], 3, &token).await;
    let ended = ended();
    let (code, output) = doctor(&["--token", &ended, &host]).await;
    assert_eq!(code, Some(3));
    assert!(output.stderr.starts_with(&format!("error: {token}; by its own words it ended ")), "{}", output.stderr);
    assert!(output.stderr.ends_with(" days ago\n") && !output.stderr.contains(&ended), "{}", output.stderr);
}

/// The names of all members of an object.
fn members(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                names.push(name.clone());
                members(value, names);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| members(value, names)),
        _ => {}
    }
}

#[tokio::test]
async fn what_the_token_says_and_whose_the_prefix_is() {
    let server = Server::start(&["--secret", SECRET]).await;
    let narrow = mint(&["--prefix", "my-*", "--ttl", "90m30s"]).await;
    let (code, output) = doctor(&["--token", &narrow, "--longest", "100ms", &server.url("/my-app")]).await;
    assert_eq!((code, &*output.stderr), (Some(0), ""));
    let rows =
        ["\ntoken            accepted, for `my-*`, ends in 90 minutes\n", "\nprefix           `my-app` is free\n"];
    assert!(rows.iter().all(|row| output.stdout.contains(row)), "{}", output.stdout);
    assert!(!output.stdout.contains(&narrow), "a token is never shown");

    // What was found is printed all the same.
    let (code, output) = doctor(&["--token", &narrow, "--longest", "100ms", "--json", &server.url("/other")]).await;
    let report: Value = serde_json::from_str(&output.stdout).expect("one JSON object");
    assert_eq!((code, &report["prefix"]["state"]), (Some(4), &Value::from("forbidden")));
    assert_eq!(report["down"]["manner"], "stream");
    let document = std::fs::read_to_string("docs/doctor.md").unwrap();
    let mut names = Vec::new();
    members(&report, &mut names);
    let untold: Vec<_> = names.iter().filter(|name| !document.contains(&format!("`{name}`"))).collect();
    assert!(untold.is_empty(), "the document lacks {untold:?}");
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
