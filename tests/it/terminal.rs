//! What `connect` tells a person at a terminal, a file and a script.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;
use trials::terminal::{Screen, plain};

use crate::target::Target;
use crate::tunnel::{Client, Server, Tunnel};
use crate::world::{Program, sendit};

const COLOURS: &str = "xterm-256color";

/// A client at a terminal so many characters wide, and its server.
async fn at_terminal(target: &str, wide: u16, args: &[&str], env: &[(&str, &str)]) -> (Server, Program, Screen) {
    let server = Server::start(&[]).await;
    let mut command = connect(&server, target, args);
    command.env("TERM", COLOURS).env_remove("NO_COLOR").envs(env.iter().copied());
    let (mut screen, theirs) = Screen::wide(wide).unwrap();
    command.stderr(theirs);
    let program = Program::unheard(command);
    screen.shows("streams up").await.unwrap();
    (server, program, screen)
}

fn connect(server: &Server, target: &str, args: &[&str]) -> Command {
    let mut command = sendit();
    command.arg("connect").args(args).args([&server.url("/app"), target]);
    command
}

#[tokio::test]
async fn a_person_sees_where_it_is_and_what_passes() {
    let target = Target::start();
    let url = target.url();
    let (server, mut program, mut screen) = at_terminal(&url, 100, &[], &[]).await;
    target.echo_paths();
    server.get("/app/hello", "").await;
    let seen = screen.shows("/app/hello").await.unwrap();
    let public = server.url("/app");
    assert!(seen.starts_with(&format!("\u{1b}[2mpublic   \u{1b}[0m  \u{1b}[1m{public}\u{1b}[0m\r\n")), "{seen:?}");
    assert!(seen.contains(&format!("\u{1b}[2mtarget   \u{1b}[0m  {url}\r\n")), "{seen:?}");
    assert!(seen.contains("\u{1b}[2mlink     \u{1b}[0m  "), "{seen:?}");
    assert!(!seen.contains("Ready; "), "{seen:?}");
    let line = seen.lines().find(|line| line.contains("/app/hello")).expect("a line");
    assert!(line.contains(" GET    /app/hello "), "{line:?}");
    assert!(line.contains(" \u{1b}[32m200\u{1b}[0m ") && line.contains("   0 B in    10 B out"), "{line:?}");
    assert!(line.contains("  #1\u{1b}[0m"), "{line:?}");

    program.signal("-INT").await;
    assert_eq!(program.ended().await, Some(0));
    let seen = screen.shows("good-bye after ").await.unwrap();
    let last = seen.lines().last().unwrap();
    assert!(last.contains(": 1 exchange, 0 errors, ") && last.ends_with(" out"), "{last:?}");
}

#[tokio::test]
async fn colours_are_left_out_where_they_are_not_wished() {
    for env in [[("NO_COLOR", "1")], [("TERM", "dumb")]] {
        let target = Target::start();
        let (server, _program, mut screen) = at_terminal(&target.url(), 80, &["--qr"], &env).await;
        target.echo_paths();
        server.get("/app/hello", "").await;
        let seen = screen.shows("/app/hello").await.unwrap();
        assert!(!seen.contains('\u{1b}'), "{seen:?}");
        // The code is there all the same, by its blocks.
        assert!(seen.lines().filter(|line| line.starts_with("████")).count() > 10, "{seen}");
    }
}

/// Whatever strangers say, a line is one, and nothing of theirs moves the cursor.
#[tokio::test]
async fn strangers_words_do_nothing_to_a_terminal() {
    let mut target = Target::start();
    let (server, _program, mut screen) = at_terminal(&target.url(), 80, &[], &[]).await;
    let mut visitor = server.visit().await;
    let path = format!("/app/%1b%5b2J{}\u{202e}/end", "x".repeat(300));
    visitor.send(format!("GET {path} HTTP/1.1\r\nHost: a.example\r\n\r\n")).await;
    let mut service = target.accept().await;
    service.head().await;
    service.send("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    let seen = screen.shows("…").await.unwrap();
    let line = plain(seen.lines().find(|line| line.contains('…')).unwrap());
    assert!(line.chars().count() < 80 && line.contains(" /app/%1b%5") && line.contains("%AE/end  5"), "{line:?}");

    let mut visitor = server.visit().await;
    visitor.send("GET /app/%1b/second HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
    let mut service = target.accept().await;
    service.head().await;
    service.send("HTTP/1.1 200 \u{1b}[31mred\u{7}\r\nContent-Length: 0\r\n\u{1b}X: \u{9b}2J\r\n\r\n").await;
    let seen = screen.shows("/second").await.unwrap();
    let own = ["[0m", "[1m", "[2m", "[31m", "[32m", "[33m"];
    for piece in seen.split('\u{1b}').skip(1) {
        assert!(own.iter().any(|own| piece.starts_with(own)), "{piece:?}");
    }
    let shown: String = seen.lines().map(plain).collect();
    assert!(!shown.contains(|c: char| c.is_control() || c == '\u{202e}'), "{shown:?}");
}

#[tokio::test]
async fn a_stream_of_events_has_its_line_when_it_begins() {
    let mut target = Target::start();
    let Tunnel { server, mut client } = Tunnel::to(&target.url()).await;
    let mut visitor = server.visit().await;
    visitor.send("GET /app/events HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n").await;
    let mut service = target.accept().await;
    service.head().await;
    service.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n").await;
    let line = "#1 GET /app/events 200 open 0 B in 0 B out, events\n";
    client.program.printed(|output| output.stderr.contains(line)).await;
    service.send("data: x\n\n").await;
    service.finish().await;
    visitor.rest().await;
    client.program.terminate().await;
    let all = client.program.all().await.stderr;
    assert_eq!(all.matches("/app/events").count(), 1, "{all}");
    assert!(!all.contains('\u{1b}'), "{all}");
}

#[tokio::test]
async fn the_quiet_say_how_the_link_is() {
    let target = Target::start();
    let Tunnel { server, mut client } = Tunnel::with(&target.url(), &[], &["--quiet"]).await;
    client.streams().await;
    target.echo_paths();
    server.get("/app/hello", "").await;
    client.program.terminate().await;
    assert_eq!(client.program.ended().await, Some(0));
    let said = client.program.all().await.stderr;
    assert!(!said.contains("hello") && !said.contains("good-bye"), "{said}");
}

#[tokio::test]
async fn a_script_waits_for_events() {
    let target = Target::start();
    let args = ["--log-format", "json"];
    let Tunnel { server, mut client } = Tunnel::with(&target.url(), &[], &args).await;
    client.streams().await;
    let url = target.url();
    target.echo_paths();
    server.get("/app/hello?a=1", "").await;
    client.program.printed(|output| output.stderr.contains("\"event\":\"exchange\"")).await;
    client.program.terminate().await;
    assert_eq!(client.program.ended().await, Some(0));
    let said = client.program.all().await.stderr;
    let events: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let find = |name: &str, member: &str, value: &str| {
        let found = events.iter().find(|event| event["event"] == name && (event[member] == value));
        found.unwrap_or_else(|| panic!("no `{name}` with `{value}` in {said}"))
    };
    assert_eq!(find("ready", "url", &server.url("/app"))["target"], url.as_str());
    let exchange = find("exchange", "path", "/app/hello?a=1");
    assert_eq!((&exchange["id"], &exchange["method"], &exchange["status"]), (&1.into(), &"GET".into(), &200.into()));
    assert_eq!((&exchange["state"], &exchange["kind"]), (&"done".into(), &"http".into()));
    assert_eq!((&exchange["response_bytes"], &exchange["resumed"]), (&14.into(), &false.into()));
    assert!(exchange["duration_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{exchange}");
    assert!(find("state", "state", "link")["text"].as_str().is_some_and(|text| text.contains("streams up")));
    let stopped = find("state", "state", "stopped");
    assert_eq!((&stopped["exchanges"], &stopped["errors"]), (&1.into(), &0.into()));
}

#[tokio::test]
async fn a_script_is_told_why_it_ends() {
    let args =
        ["connect", "--log-format", "json", "--token-file", "/nowhere", "http://127.0.0.1:1/app", "http://127.0.0.1:1"];
    let mut command = sendit();
    command.args(args);
    let mut program = Program::start(command);
    assert_eq!(program.ended().await, Some(7));
    // Before there is a format to speak of, it is a sentence.
    assert!(program.all().await.stderr.starts_with("error: cannot read the token file"));
    let server = Server::start(&["--secret", "0123456789abcdef0123456789abcdef"]).await;
    let mut client = Client::begin(&server.url("/app"), "http://127.0.0.1:1", &["--log-format", "json"]);
    assert_eq!(client.program.ended().await, Some(3));
    let said = client.program.all().await.stderr;
    let event: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!((&event["event"], &event["exit"], &event["level"]), (&"error".into(), &3.into(), &"ERROR".into()));
}

#[tokio::test]
async fn a_file_holds_the_url_as_long_as_the_tunnel_is_there() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("url");
    let name = file.to_str().unwrap();
    let target = Target::start();
    let Tunnel { server, mut client } = Tunnel::with(&target.url(), &[], &["--url-file", name]).await;
    client.streams().await;
    assert_eq!(fs::read_to_string(&file).unwrap(), server.url("/app") + "\n");
    client.program.terminate().await;
    assert_eq!(client.program.ended().await, Some(0));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    // What is no URL is neither lost nor removed, and no tunnel is opened first.
    fs::write(&file, "eyJh.eyJz.c2ln\n").unwrap();
    let mut client = Client::begin(&server.url("/app"), &target.url(), &["--url-file", name]);
    assert_eq!(client.program.ended().await, Some(2));
    assert!(!client.program.all().await.stderr.contains("Ready"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "eyJh.eyJz.c2ln\n");

    let nowhere = folder.path().join("gone").join("url");
    let args = ["--url-file", nowhere.to_str().unwrap()];
    let mut client = Client::begin(&server.url("/app"), &target.url(), &args);
    assert_eq!(client.program.ended().await, Some(7));
    let sentence =
        format!("error: cannot write the URL to the file `{}`: there is no such file or directory", nowhere.display());
    let said = client.program.all().await.stderr;
    assert!(!said.contains("Ready"), "{said}");
    assert_eq!(said.lines().last(), Some(&*sentence), "{said}");
}
