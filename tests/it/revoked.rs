//! Tokens that are good no more, and what those of one subject may have together.

use std::path::PathBuf;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::target::Target;
use crate::tunnel::{Client, Server};
use crate::v2::{SECRET, Session, ask};
use crate::world::{PATIENCE, sendit};

/// A list in a folder of its own.
struct List {
    path: PathBuf,
    _folder: TempDir,
}

impl List {
    fn new(text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let list = Self { path: folder.path().join("revoked"), _folder: folder };
        list.write(text);
        list
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.path, text).unwrap();
    }

    async fn serve(&self) -> Server {
        Server::start(&["--secret", SECRET, "--revoked-file", self.path.to_str().unwrap()]).await
    }
}

/// A token as `sendit token` prints it.
async fn token(args: &[&str]) -> String {
    let output = sendit().args(["token", "--secret", SECRET]).args(args).output().await.unwrap();
    assert!(output.status.success(), "{args:?}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

#[tokio::test]
async fn a_token_is_revoked_while_its_tunnel_stands() {
    let (mut target, list) = (Target::start(), List::new("# nobody yet\n"));
    let mut server = list.serve().await;
    let plain = token(&["--prefix", "by-*"]).await;
    let digest = Sha256::digest(&plain).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let of_id = token(&["--subject", "jo", "--id", "7"]).await;
    let (of_jo, of_joe) = (token(&["--subject", "jo"]).await, token(&["--subject", "joe", "--id", "77"]).await);
    for wire in ["v1", "v2"] {
        list.write("# nobody yet\n");
        let mut entries = String::new();
        let spared = ["--wire", wire, "--token", &of_joe];
        let mut spared = Client::start(&server.url(&format!("/spared-{wire}")), &target.url(), &spared).await;
        for (path, token, entry) in [
            ("/by-digest", &plain, format!("sha256:{digest}")),
            ("/by-id", &of_id, "jti:7".to_owned()),
            ("/by-subject", &of_jo, "sub:jo".to_owned()),
        ] {
            let args = ["--wire", wire, "--token", token];
            let opened = async {
                // The list of the wire before is in force for a moment.
                while ask(server.addr, token, json!({ "prefix": "by-now" }).to_string()).await.code() == "revoked" {}
            };
            tokio::time::timeout(PATIENCE, opened).await.expect("it is let in again");
            let mut client = Client::start(&server.url(path), &target.url(), &args).await;
            let mut visitor = server.visit().await;
            visitor.send(format!("GET {path} HTTP/1.1\r\nHost: a.example\r\n\r\n")).await;
            target.accept().await.head().await;

            entries.extend([&entry, "\n"]);
            list.write(&entries);
            assert_eq!(client.program.ended().await, Some(3), "{wire} {path}");
            let sentence = format!(
                "error: the server at `http://{}` has revoked the token: ask who runs it for another\n",
                server.addr
            );
            let said = client.program.all().await.stderr;
            assert!(said.ends_with(&sentence), "{said}");
            assert_eq!(visitor.head().await.status(), "502", "what was under way ends with it");
            let mut again = Client::begin(&server.url(path), &target.url(), &args);
            assert_eq!(again.program.ended().await, Some(3));
            assert_eq!(again.program.all().await.stderr, sentence);
        }
        let mut visitor = server.visit().await;
        visitor.send(format!("GET /spared-{wire} HTTP/1.1\r\nHost: a.example\r\n\r\n")).await;
        let mut service = target.accept().await;
        service.send("HTTP/1.1 204 No Content\r\n\r\n").await;
        assert_eq!(visitor.head().await.status(), "204", "nobody else has noticed");
        assert!(!spared.program.output().stderr.contains("trying again"));
        spared.program.kill().await;
    }
    let log = server.program.printed(|output| output.stderr.contains("is in force entries=3")).await.stderr;
    let signatures = [&plain, &of_id, &of_jo, &of_joe].map(|token| token.rsplit('.').next().unwrap());
    assert!(signatures.iter().all(|signature| !log.contains(signature)), "{log}");
    assert!(log.contains("session opened") && log.contains("jti=\"7\""), "{log}");
}

/// The carriers would live for a day; the token does not.
#[tokio::test]
async fn a_tunnel_ends_when_its_token_does() {
    let target = Target::start();
    let mut server = Server::start(&["--secret", SECRET]).await;
    let token = token(&["--ttl", "8s"]).await;
    let client = async |wire| {
        let (url, args) = (server.url(&format!("/on-{wire}")), ["--wire", wire, "--max-ttl", "24h", "--token", &token]);
        Client::start(&url, &target.url(), &args).await
    };
    let (mut v1, mut v2) = tokio::join!(client("v1"), client("v2"));
    assert_eq!((v1.program.ended().await, v2.program.ended().await), (Some(3), Some(3)));
    let sentence = format!(
        "error: the token for the server at `http://{}` has expired: ask who runs it for another; by its own words it ended on ",
        server.addr
    );
    let said = v2.program.all().await.stderr;
    let last = said.lines().next_back().unwrap();
    assert!(last.starts_with(&sentence) && last.ends_with(" ago"), "{said}");
    for path in ["/on-v1", "/on-v2"] {
        assert_eq!(server.get(path, "").await.0.status(), "404", "{path}");
    }
    server.program.printed(|output| output.stderr.matches("the token of a session has expired").count() == 2).await;
}

/// A list that is gone, cut short or not understood lets nobody in, and says so once.
#[tokio::test]
async fn a_broken_list_opens_no_door() {
    let list = List::new("sub:jo\n");
    let mut server = list.serve().await;
    let of_jo = token(&["--subject", "jo"]).await;
    let body = json!({ "prefix": "my-app" }).to_string();
    let complaint = "the list of revoked tokens cannot be used; the one before stays in force";
    for (number, text) in [None, Some(""), Some("jo\n")].into_iter().enumerate() {
        match text {
            None => std::fs::remove_file(&list.path).unwrap(),
            Some(text) => list.write(text),
        }
        server.program.printed(|output| output.stderr.matches(complaint).count() == number + 1).await;
        let answer = ask(server.addr, &of_jo, &body).await;
        assert_eq!((answer.status(), &*answer.code()), ("401", "revoked"), "{text:?}");
    }
    // A pipe that nobody writes into would keep the reader for ever.
    std::fs::remove_file(&list.path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&list.path).status().unwrap().success());
    server.program.printed(|output| output.stderr.contains("it is no regular file")).await;
    std::fs::remove_file(&list.path).unwrap();
    list.write("sub:somebody-else\nsub:another\n");
    server.program.printed(|output| output.stderr.contains("is in force entries=2 sessions=0")).await;
    Session::open(&server, &of_jo, "my-app").await;
}

#[tokio::test]
async fn no_server_starts_with_a_list_that_it_cannot_obey() {
    let list = List::new("");
    let path = list.path.to_str().unwrap();
    let empty = format!(
        "error: the list `{path}` cannot be used: it is empty; where nothing is revoked a line with `#` says so\n"
    );
    let useless = "error: `--revoked-file` is of no use without a secret: nobody is asked for a token\n".to_owned();
    for (text, args, code, sentence) in [("", &["--secret", SECRET][..], 7, empty), ("#", &[], 2, useless)] {
        list.write(text);
        let output = sendit().args(["serve", "--revoked-file", path]).args(args).output().await.unwrap();
        assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(code), sentence));
    }
}

/// However many sessions a subject has, its visitors take no more than their share of the server.
#[tokio::test]
async fn a_subject_has_its_share_of_exchanges() {
    let mut target = Target::start();
    let server = Server::start(&["--secret", SECRET, "--max-exchanges-per-token", "2"]).await;
    let mut clients = Vec::new();
    for (path, subject) in [("/one", "me"), ("/two", "me"), ("/other", "you")] {
        // Two tokens of the same subject.
        let token = token(&["--subject", subject, "--id", path]).await;
        clients.push(Client::start(&server.url(path), &target.url(), &["--token", &token]).await);
    }
    let mut under_way = Vec::new();
    for path in ["/one", "/two", "/other"] {
        let mut visitor = server.visit().await;
        visitor.send(format!("GET {path} HTTP/1.1\r\nHost: a.example\r\n\r\n")).await;
        let mut service = target.accept().await;
        service.head().await;
        under_way.push((visitor, service));
    }
    for path in ["/one", "/two"] {
        let (head, body) = server.get(path, "").await;
        assert_eq!((head.status(), head.value("sendit-error")), ("503", Some("limit")), "{path}");
        assert_eq!(body, "the server is busy; try again shortly\n");
        assert!(head.value("retry-after").is_some());
    }
    let (answer, mut service) = tokio::join!(server.get("/other", ""), async {
        let mut service = target.accept().await;
        service.head().await;
        service.send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await;
        service
    });
    service.rest().await;
    assert_eq!(answer.0.status(), "204");
    // What ends makes room, in either session.
    let (mut visitor, mut service) = under_way.remove(0);
    service.send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await;
    assert_eq!(visitor.head().await.status(), "204");
    let mut visitor = server.visit().await;
    visitor.send("GET /two HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
    target.accept().await.head().await;
}
