//! `sendit sessions`, and what becomes of a client whose session is ended.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::{Run, TOKEN, ask};
use crate::peer::End;
use crate::target::Target;
use crate::tunnel::{Client, Server};
use crate::world::{PATIENCE, sendit};

impl Run {
    /// The exit code of `sendit sessions`, and what it prints.
    async fn sessions(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let admin = format!("http://{}/", self.admin);
        let flags = ["sessions", "--admin", &admin, "--admin-token-file", &self.token];
        let output = sendit().args(flags).args(args).output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    async fn listed(&self) -> Vec<Value> {
        let (code, listed, _) = self.sessions(&["--json"]).await;
        assert_eq!(code, Some(0));
        let mut listed: Value = serde_json::from_str(&listed).unwrap();
        serde_json::from_value(listed["sessions"].take()).unwrap()
    }
}

#[tokio::test]
async fn sessions_are_listed_and_one_is_ended() {
    let target = Target::start();
    let mut run = Run::start(&["--threads", "1"]).await;
    let start = async |path: &str, wire| Client::start(&run.server.url(path), &target.url(), &["--wire", wire]).await;
    let (mut ended, mut spared, _old) =
        (start("/ended", "v2").await, start("/spared", "v2").await, start("/old", "v1").await);
    let mut listed = run.listed().await;
    for session in &mut listed {
        let session = session.as_object_mut().unwrap();
        assert!(session.remove("id").unwrap().as_str().unwrap().len() == 64);
        assert!(session.remove("since").unwrap().as_str().unwrap().ends_with('Z'));
        assert_eq!((session.remove("down").is_some(), session.remove("up").is_some()), (true, true));
    }
    listed.sort_by_key(|session| session["prefix"].as_str().map(str::to_owned));
    let session = |prefix, wire| {
        json!({
            "prefix": prefix, "subject": null, "from": "127.0.0.1", "wire": wire, "client": "attended", "thread": 1, "exchanges": 0,
            "bytes_up": 0, "bytes_down": 0
        })
    };
    assert_eq!(listed, [session("ended", "v2"), session("old", "v1"), session("spared", "v2")]);

    let (code, said, _) = run.sessions(&["end", "ended"]).await;
    assert!(code == Some(0) && said.starts_with("ended: session ") && said.ends_with(" of ended\n"), "{said}");
    assert_eq!(ended.program.ended().await, Some(11));
    let sentence = format!(
        "error: whoever runs the server at `http://{}` has ended the session: ask before you connect again\n",
        run.server.addr
    );
    let told = ended.program.all().await.stderr;
    assert!(told.ends_with(&sentence), "{told}");
    run.server.program.printed(|output| output.stderr.contains("session closed")).await;
    let (_, table, _) = run.sessions(&[]).await;
    let mut prefixes: Vec<&str> = table.lines().filter_map(|line| line.split(' ').next()).collect();
    // Those of one second stand by their prefixes.
    prefixes.sort_unstable();
    assert_eq!(prefixes, ["PREFIX", "old", "spared"], "{table}");

    let listed = run.listed().await;
    let spared_one = listed.iter().find(|session| session["prefix"] == "spared").unwrap();
    let id = spared_one["id"].as_str().unwrap().to_owned();
    for wrong in ["ended", &id[..11], "end"] {
        let sentence = format!("error: there is no session `{wrong}`; `sendit sessions` lists them\n");
        assert_eq!(run.sessions(&["end", wrong]).await, (Some(2), String::new(), sentence));
    }
    assert_eq!(run.sessions(&["end", &id[..12]]).await.0, Some(0));
    assert_eq!(spared.program.ended().await, Some(11));
}

/// Nobody ends what is not theirs: not without the token, and not where there is none.
#[tokio::test]
async fn sessions_are_for_who_shows_the_token() {
    let target = Target::start();
    let run = Run::start(&[]).await;
    let client = Client::start(&run.server.url("/app"), &target.url(), &[]).await;
    let id = run.listed().await[0]["id"].as_str().unwrap().to_owned();
    for token in [None, Some(&TOKEN[1..]), Some("")] {
        for request in ["GET /sessions".to_owned(), format!("DELETE /sessions/{id}")] {
            let (head, said) = ask(run.admin, &request, token).await;
            assert_eq!((head.status(), head.value("www-authenticate")), ("401", Some("Bearer")), "{request}");
            assert!(!said.contains("app"), "{said}");
        }
    }
    assert_eq!(run.listed().await.len(), 1);
    assert!(!client.program.output().stderr.contains("error"));
    let (wrong, _folder) = super::token_file();
    std::fs::write(&wrong, TOKEN.replace('0', "1")).unwrap();
    let asked = async |admin: &str| {
        let output =
            sendit().args(["sessions", "--admin", admin, "--admin-token-file", &wrong]).output().await.unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let admin = run.admin.to_string();
    let sentence = format!(
        "error: the server at `{admin}` does not accept the admin token: give the one that it was started with\n"
    );
    assert_eq!(asked(&admin).await, (Some(3), sentence));
    let mut open = Server::start(&["--admin", "127.0.0.1:0"]).await;
    let admin = super::admin(&mut open).await.to_string();
    let sentence = format!(
        "error: what answers at `{admin}` tells of no sessions: start `sendit serve` with `--admin-token-file`\n"
    );
    assert_eq!(asked(&admin).await, (Some(9), sentence));
}

/// The thread of the session that has this prefix.
fn thread(listed: &[Value], prefix: &str) -> u64 {
    let session = listed.iter().find(|session| session["prefix"] == prefix);
    session.and_then(|session| session["thread"].as_u64()).unwrap_or_else(|| panic!("{prefix}: {listed:?}"))
}

/// Visits a tunnel again and again on one connection, until that is to end.
async fn visit(server: &Server, prefix: &str) {
    let mut visitor = server.visit().await;
    loop {
        visitor.send(format!("GET {prefix} HTTP/1.1\r\nHost: a.example\r\n\r\n")).await;
        let head = visitor.head().await;
        assert_eq!((head.status(), head.value("content-length")), ("200", Some(&*prefix.len().to_string())));
        visitor.expect(prefix).await;
        if head.value("connection") == Some("close") {
            break;
        }
    }
    assert_eq!(visitor.rest().await, (String::new(), End::Closed));
}

/// It moves, or they do; and so do the connections that have come for who has moved, once they are answered.
#[tokio::test]
async fn a_flooded_session_does_not_stay_with_others() {
    let target = Target::start();
    let to = target.url();
    target.echo_paths();
    let run = Run::start(&["--threads", "2"]).await;
    let mut clients = Vec::new();
    for prefix in ["/flooded", "/idle", "/beside"] {
        clients.push(Client::start(&run.server.url(prefix), &to, &["--quiet"]).await);
    }
    let listed = run.listed().await;
    assert_eq!(thread(&listed, "flooded"), thread(&listed, "beside"), "there are three sessions and two threads");
    let told = Notify::new();
    let come = async |prefix| {
        loop {
            visit(&run.server, prefix).await;
            told.notify_one();
        }
    };
    let moved = async {
        told.notified().await;
        let listed = run.listed().await;
        assert_ne!(thread(&listed, "flooded"), thread(&listed, "beside"), "{listed:?}");
    };
    tokio::select! {
        moved = timeout(PATIENCE, moved) => moved.expect("a session moves"),
        _ = join_all((0..32).map(|_| come("/flooded"))) => {}
        _ = join_all((0..2).map(|_| come("/beside"))) => {}
    }
}
