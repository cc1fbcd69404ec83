//! What passes through a running client, asked for by the commands, and written down to be played.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::recorder::Recorder;
use crate::target::{Target, down};
use crate::tunnel::{Client, Server};
use crate::world::{Program, sendit};

/// A client with an inspector, its server, and where the inspector is.
async fn inspected(target: &str) -> (Server, Client, String) {
    let server = Server::start(&[]).await;
    let args = ["--inspect", "127.0.0.1:0"];
    let mut client = Client::start(&server.url("/app"), target, &args).await;
    let said = client.program.printed(|output| output.stderr.contains("Inspector: ")).await.stderr;
    let inspect =
        said.lines().find_map(|line| line.strip_prefix("Inspector: http://")).expect("it says where").to_owned();
    (server, client, inspect)
}

/// A command that asks the inspector.
fn ask(inspect: &str, args: &[&str]) -> Command {
    let mut command = sendit();
    command.args(args).args(["--inspect", inspect]);
    command
}

/// What it comes to: exit code, standard output, standard error.
async fn end(command: Command) -> (Option<i32>, String, String) {
    let mut program = Program::start(command);
    let code = program.ended().await;
    let output = program.all().await;
    (code, output.stdout, output.stderr)
}

const ORDER: &str = "POST /app/hook?a=1 HTTP/1.1\r\nHost: a.example\r\nX-Two: 1\r\nAuthorization: Bearer x\r\n\
                     Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n";
const RAW: &[u8] =
    b"PUT /app/raw HTTP/1.1\r\nHost: a.example\r\nX-Latin: caf\xe9\r\nContent-Length: 4\r\n\r\n\x00\r\n\xff";

#[tokio::test]
async fn what_was_recorded_is_played() {
    let target = Target::start();
    let url = target.url();
    let recorder = Recorder::of(target);
    let (server, mut client, inspect) = inspected(&url).await;
    let mut visitor = server.visit().await;
    for request in [ORDER.as_bytes(), RAW] {
        visitor.send(request).await;
        assert_eq!(visitor.head().await.status(), "200");
    }
    client.program.printed(|output| output.stderr.contains("#2 PUT /app/raw 200 ")).await;
    let folder = TempDir::new().unwrap();
    let dir = folder.path().join("hooks");
    let (code, _, stderr) = end(ask(&inspect, &["record", dir.to_str().unwrap()])).await;
    let warning = "warning: 1 of them hold passwords, tokens or cookies in their headers or queries; look before you commit them\n";
    assert_eq!((code, &*stderr), (Some(0), &*format!("2 exchanges written to `{}`\n{warning}", dir.display())));
    let text = fs::read_to_string(dir.join("0001-POST-app-hook.http")).unwrap();
    assert!(
        text.starts_with("POST /app/hook?a=1 HTTP/1.1\n") && text.contains("\n\n{\"a\":1}\n###\n# < HTTP/1.1 200 OK\n"),
        "{text}"
    );
    assert_eq!(fs::read(dir.join("0002-PUT-app-raw.request.bin")).unwrap(), b"\x00\r\n\xff");
    let latin = fs::read(dir.join("0002-PUT-app-raw.http")).unwrap();
    assert!(latin.windows(7).any(|line| line == b": caf\xe9\n"), "what is no UTF-8 stays as it was");
    // The same exchanges give the same files.
    let before = contents(&dir);
    assert_eq!(end(ask(&inspect, &["record", dir.to_str().unwrap()])).await.0, Some(0));
    assert_eq!(contents(&dir), before);

    client.program.kill().await;
    let mut command = sendit();
    command.args(["play", "--to", &url]).arg(&dir);
    let (code, stdout, _) = end(command).await;
    assert_eq!((code, stdout.lines().count()), (Some(0), 2), "{stdout}");
    let seen = recorder.under("/app");
    let [sent, raw, again, raw_again] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!((&again.line, &again.body, &raw_again.body), (&sent.line, &sent.body, &raw.body));
    let own = |line: &&String| {
        !["content-length", "transfer-encoding", "connection"]
            .iter()
            .any(|own| line.to_ascii_lowercase().starts_with(own))
    };
    let lines = |lines: &[String]| lines.iter().filter(own).cloned().collect::<Vec<_>>();
    assert_eq!(lines(&again.lines), lines(&sent.lines));
}

fn contents(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let mut contents: Vec<_> =
        entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect();
    contents.sort();
    contents
}

#[tokio::test]
async fn what_passes_later_is_recorded_as_well() {
    let target = Target::start();
    let (server, mut client, inspect) = inspected(&target.url()).await;
    target.echo_paths();
    server.get("/app/first", "").await;
    let folder = TempDir::new().unwrap();
    let dir = folder.path().to_str().unwrap();
    let mut recorder = Program::start(ask(&inspect, &["record", "--follow", "--path", "/app/", dir]));
    recorder.printed(|output| output.stderr.contains("writing to `")).await;
    server.get("/app/second", "").await;
    client.program.printed(|output| output.stderr.contains("/app/second 200")).await;
    client.program.terminate().await;
    assert_eq!(client.program.ended().await, Some(0));
    // It asks twice in a second, and the client may have gone before it has asked.
    assert_eq!(recorder.ended().await, Some(0));
    let said = recorder.all().await.stderr;
    assert!(said.contains("the client has ended\n"), "{said}");
    assert!(folder.path().join("0001-GET-app-first.http").exists(), "{said}");
}

#[tokio::test]
async fn a_request_is_listed_and_sent_again() {
    let target = Target::start();
    let (server, mut client, inspect) = inspected(&target.url()).await;
    target.echo_paths();
    for path in ["/app/one", "/app/two"] {
        server.get(path, "").await;
    }
    client.program.printed(|output| output.stderr.contains("/app/two 200")).await;
    let (code, stdout, _) = end(ask(&inspect, &["requests"])).await;
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!((code, lines.len()), (Some(0), 2), "{stdout}");
    assert!(lines[0].contains(" #1 GET /app/one 200 ") && lines[1].contains(" #2 GET /app/two 200 "), "{stdout}");
    let (_, stdout, _) = end(ask(&inspect, &["requests", "--json", "--limit", "1"])).await;
    let list: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(list["exchanges"][0]["path"], "/app/two");

    let (code, stdout, stderr) = end(ask(&inspect, &["replay", "1"])).await;
    assert_eq!((code, &*stderr), (Some(0), ""), "{stdout}");
    assert!(stdout.contains(" #3 GET /app/one 200 ") && stdout.contains(", replay of #1\n"), "{stdout}");
    assert!(stdout.ends_with("the answer is that of #1\n"), "{stdout}");
    client.program.printed(|output| output.stderr.contains("#3 GET /app/one 200 ")).await;
    let (_, stdout, _) = end(ask(&inspect, &["replay", "#2", "--json"])).await;
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&report["replay_of"], &report["status"]), (&2.into(), &200.into()));
    assert_eq!(report["differences"].as_array().map(Vec::len), Some(0), "{stdout}");

    let folder = TempDir::new().unwrap();
    for (more, files) in [(&[][..], 2), (&["--replays"], 4)] {
        let record = [&["record", folder.path().to_str().unwrap()], more].concat();
        assert_eq!(end(ask(&inspect, &record)).await.0, Some(0));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), files);
    }

    let (code, _, stderr) = end(ask(&inspect, &["replay", "99"])).await;
    assert_eq!((code, &*stderr), (Some(2), "error: there is no such request here, or it is kept no more\n"));
}

#[tokio::test]
async fn nobody_is_there_to_be_asked() {
    let socket = down();
    let address = socket.local_addr().unwrap().to_string();
    for args in [&["requests"][..], &["replay", "1"], &["record", "/nowhere/hooks"]] {
        let (code, stdout, stderr) = end(ask(&address, args)).await;
        let sentence = format!(
            "error: no running `sendit connect` answers at `{address}`: connection refused; start one, or name its inspector with `--inspect`\n"
        );
        assert_eq!((code, &*stdout), (Some(9), ""), "{stderr}");
        assert!(stderr.ends_with(&sentence), "{stderr}");
    }
    let (code, _, stderr) = end(ask(&address, &["replay", "first"])).await;
    assert_eq!((code, &*stderr), (Some(2), "error: `first` is no exchange's number; `sendit requests` lists them\n"));
}
