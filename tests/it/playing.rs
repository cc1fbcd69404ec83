//! Requests that were written down, sent to a service without a server.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;
use tokio_util::task::TaskTracker;

use crate::peer::Peer;
use crate::recorder::Recorder;
use crate::target::{Target, down};
use crate::world::{Program, sendit};

/// What playing comes to: exit code, standard output, standard error.
async fn play(dir: &Path, to: &str, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = sendit();
    command.arg("play").args(args).args(["--to", to]).arg(dir);
    let mut program = Program::start(command);
    let code = program.ended().await;
    let output = program.all().await;
    (code, output.stdout, output.stderr)
}

/// Two files, of which the second has its body beside it.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let put = |name: &str, text: &[u8]| fs::write(folder.path().join(name), text).unwrap();
    put(
        "0009-POST-hook.http",
        b"POST /app/hook?a=1 HTTP/1.1\nHost: a.example\nX-Two: 1\nX-Two: 2\nContent-Length: 7\n\n{\"a\":1}\n###\n# < HTTP/1.1 200 OK\n",
    );
    put("0010-PUT-raw.http", b"PUT /app/raw HTTP/1.1\nHost: a.example\n\n< ./raw.bin\n###\n");
    put("raw.bin", b"\x00\r\n\xff");
    folder
}

#[tokio::test]
async fn all_are_sent_in_order_as_they_are() {
    let (folder, target) = (folder(), Target::start());
    let url = target.url();
    let recorder = Recorder::of(target);
    let (code, stdout, stderr) = play(folder.path(), &url, &[]).await;
    assert_eq!((code, &*stderr), (Some(0), ""));
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{stdout}");
    assert!(
        lines[0].starts_with("0009-POST-hook.http: POST /app/hook?a=1 200 ") && lines[0].ends_with(" ok"),
        "{stdout}"
    );
    assert!(lines[1].starts_with("0010-PUT-raw.http: PUT /app/raw 200 ") && lines[1].ends_with(" ok"), "{stdout}");
    let seen = recorder.under("/app");
    assert_eq!(seen.len(), 2);
    assert_eq!((&*seen[0].line, &seen[0].body[..]), ("POST /app/hook?a=1 HTTP/1.1", &b"{\"a\":1}"[..]));
    let lines = ["Host: a.example", "X-Two: 1", "X-Two: 2", "Content-Length: 7"];
    assert_eq!(seen[0].lines[..4], lines, "{:?}", seen[0].lines);
    assert_eq!(seen[1].body, b"\x00\r\n\xff");
}

#[tokio::test]
async fn an_answer_that_is_not_as_expected_fails() {
    let folder = folder();
    let mut target = Target::start();
    let url = target.url();
    TaskTracker::new().spawn(async move {
        while let Some(stream) = target.next().await {
            let mut service = Peer::new(stream);
            service.head().await;
            service.send("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n").await;
            service.rest().await;
        }
    });
    // What was recorded was 200 for the first, and nothing for the second.
    let (code, stdout, stderr) = play(folder.path(), &url, &[]).await;
    assert_eq!((code, &*stderr), (Some(10), "error: 1 of 2 answers are not as expected\n"), "{stdout}");
    assert!(stdout.lines().next().unwrap().ends_with(" not 200"), "{stdout}");
    assert_eq!(play(folder.path(), &url, &["--expect", "5xx"]).await.0, Some(0));
    let (code, stdout, stderr) = play(folder.path(), &url, &["--expect", "2xx", "--json"]).await;
    assert_eq!((code, &*stderr), (Some(10), "error: 2 of 2 answers are not as expected\n"));
    let objects: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 2);
    assert_eq!((&objects[0]["status"], &objects[0]["expected"]), (&500.into(), &"2xx".into()));
    assert_eq!((&objects[0]["ok"], &objects[0]["file"]), (&false.into(), &"0009-POST-hook.http".into()));
}

#[tokio::test]
async fn a_service_that_is_not_there() {
    let socket = down();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let (code, stdout, stderr) = play(folder().path(), &url, &[]).await;
    let sentence = format!("error: nothing listens at `{url}`; is the service running?\n");
    assert_eq!((code, &*stdout, &*stderr), (Some(9), "", &*sentence));
    let (code, _, stderr) = play(folder().path(), "h2c://127.0.0.1:1", &[]).await;
    assert_eq!(
        (code, &*stderr),
        (Some(2), "error: `h2c://127.0.0.1:1` cannot be played to: what was recorded is HTTP/1.1\n")
    );
    let (code, _, stderr) = play(folder().path(), &url, &["--expect", "ok"]).await;
    assert_eq!((code, &*stderr), (Some(2), "error: `ok` is no status to expect; write it like `204` or `2xx`\n"));
}
