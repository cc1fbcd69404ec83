//! `sendit run`: a program with a tunnel, as long as it runs.
#![cfg(unix)]

use std::fs;

use tempfile::TempDir;
use tokio::process::Command;

use crate::left_out;
use crate::tunnel::Server;
use crate::world::{Program, sendit};

/// A shell that says when it is there, and that a signal came, by an exit code.
const TRAPS: &str = "trap 'exit 5' TERM HUP; echo there; while :; do sleep 0.05; done";

fn run(server: &Server, args: &[&str], program: &[&str]) -> Program {
    let mut command: Command = sendit();
    command.args(["run", "--server", &server.url(""), "--prefix", "app"]).args(args).arg("--").args(program);
    Program::start(command)
}

#[tokio::test]
async fn a_program_is_told_where_it_is_and_its_exit_code_is_ours() {
    let server = Server::start(&[]).await;
    let script = "echo \"$PUBLIC_URL $HTTP_PREFIX $BASE_PATH $PORT\"; exit 3";
    for (args, seen) in [
        (&["--port", "4711"][..], "/app /app 4711"),
        (&["--port", "4711", "--strip-prefix"], " /app 4711"),
        (&["--port=4711", "--port-var=OTHER"], "/app /app "),
    ] {
        let mut program = run(&server, args, &["sh", "-c", script]);
        assert_eq!(program.ended().await, Some(3));
        let output = program.all().await;
        assert_eq!(output.stdout, format!("{} {seen}\n", server.url("/app")));
        let sentence = "error: `sh` ended with exit code 3 before anything listened on port 4711\n";
        assert!(output.stderr.ends_with(sentence), "{}", output.stderr);
    }
    // The prefix is free again.
    assert_eq!(server.get("/app", "").await.0.status(), "404");
}

/// No path stands before the program's, whatever becomes of the prefix elsewhere.
#[tokio::test]
async fn a_program_is_told_of_a_host_of_its_own() {
    let server = Server::start(&["--domain", "t.example"]).await;
    let script = "echo \"$PUBLIC_URL [$HTTP_PREFIX] [$BASE_PATH]\"";
    for args in [&[][..], &["--strip-prefix"]] {
        let mut program = run(&server, args, &["sh", "-c", script]);
        assert_eq!(program.ended().await, Some(0));
        let said = program.all().await.stdout;
        assert_eq!(said, format!("http://app.t.example:{} [] []\n", server.addr.port()));
    }
}

#[tokio::test]
async fn a_visitor_reaches_the_program() {
    if !left_out::is_here("python3", "a program that is run with a tunnel") {
        return;
    }
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("page"), "by a program\n").unwrap();
    let (server, place) = (Server::start(&[]).await, folder.path().to_str().unwrap());
    let script = format!("exec python3 -m http.server --directory {place} \"$PORT\"");
    let mut program = run(&server, &["--strip-prefix"], &["sh", "-c", &script]);
    program.printed(|output| output.stderr.contains("`sh` listens on port ")).await;
    assert_eq!(server.get("/app/page", "").await.1, "by a program\n");
    program.terminate().await;
    // 128 and the number of SIGTERM.
    assert_eq!(program.ended().await, Some(143));
}

#[tokio::test]
async fn signals_are_passed_on() {
    let server = Server::start(&[]).await;
    for signal in ["-TERM", "-HUP"] {
        let mut program = run(&server, &[], &["sh", "-c", TRAPS]);
        program.printed(|output| output.stdout.contains("there")).await;
        program.signal(signal).await;
        assert_eq!(program.ended().await, Some(5), "{signal}");
        assert!(!program.all().await.stderr.contains("error: "), "it is no surprise");
    }
}

#[tokio::test]
async fn what_cannot_be_started_is_told() {
    let server = Server::start(&[]).await;
    let folder = TempDir::new().unwrap();
    let text = folder.path().join("text");
    fs::write(&text, "no program").unwrap();
    let text = text.to_str().unwrap();
    for (name, code, cause) in
        [("no-such-program", 127, "there is no such file or directory"), (text, 126, "permission denied")]
    {
        let mut program = run(&server, &[], &[name]);
        assert_eq!(program.ended().await, Some(code));
        let said = program.all().await.stderr;
        assert!(said.ends_with(&format!("error: cannot start `{name}`: {cause}\n")), "{said}");
    }
}

#[tokio::test]
async fn without_a_tunnel_there_is_no_program() {
    let server = Server::start(&["--secret", "0123456789abcdef0123456789abcdef"]).await;
    let mut program = run(&server, &[], &["sh", "-c", "echo started"]);
    assert_eq!(program.ended().await, Some(3));
    assert_eq!(program.all().await.stdout, "");
}

#[tokio::test]
async fn a_program_ends_with_its_tunnel() {
    let (folder, secret) = (TempDir::new().unwrap(), "0123456789abcdef0123456789abcdef");
    let list = folder.path().join("revoked");
    fs::write(&list, "# nobody yet\n").unwrap();
    let server = Server::start(&["--secret", secret, "--revoked-file", list.to_str().unwrap()]).await;
    let minted = sendit().args(["token", "--secret", secret, "--subject", "jo"]).output().await.unwrap();
    let token = String::from_utf8(minted.stdout).unwrap();
    let script = TRAPS.replace("exit 5", "echo asked; exit 5");
    let mut program = run(&server, &["--token", token.trim()], &["sh", "-c", &script]);
    program.printed(|output| output.stdout.contains("there")).await;
    fs::write(&list, "sub:jo\n").unwrap();
    server.program.signal("-HUP").await;
    assert_eq!(program.ended().await, Some(3));
    assert!(program.all().await.stdout.ends_with("asked\n"));
}
