//! What the server's flags do, and who is let in.

use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;

use crate::target::Target;
use crate::tunnel::{Client, Server};
use crate::world::sendit;

#[tokio::test]
async fn the_root_is_alive() {
    for (args, root) in [(&[][..], "/"), (&["--http-prefix", "/deep/er"], "/")] {
        let server = Server::start(args).await;
        let (head, body) = server.get(root, "").await;
        assert_eq!((head.status(), &*body), ("200", ""));
        assert_ne!(server.addr.port(), 0);
    }
}

#[tokio::test]
async fn below_a_prefix_of_its_own() {
    let target = Target::start();
    let url = target.url();
    target.echo_paths();
    let server = Server::start(&["--http-prefix", "/deep/er"]).await;
    let _client = Client::start(&server.url("/deep/er/app"), &url, &[]).await;
    assert_eq!(server.get("/deep/er/app/x?y", "").await.1, "/deep/er/app/x?y");
    for path in ["/app/x", "/deep/app", "/deep/er", "/deep/erapp/app"] {
        assert_eq!(server.get(path, "").await.0.value("sendit-error"), Some("unknown-prefix"), "{path}");
    }
}

#[tokio::test]
async fn plain_http_is_sent_to_https() {
    let target = Target::start();
    let url = target.url();
    target.echo_paths();
    let plain = "X-Forwarded-Proto: http\r\n";
    for (args, location) in [
        (&["--https-redir"][..], "https://a.example/app/x?y=1&z"),
        (&["--https-redir", "--public-url", "https://b.example:8443"], "https://b.example:8443/app/x?y=1&z"),
    ] {
        let server = Server::start(args).await;
        let _client = Client::start(&server.url("/app"), &url, &[]).await;
        let (head, _) = server.get("/app/x?y=1&z", plain).await;
        assert_eq!((head.status(), head.value("location")), ("307", Some(location)));
        for served in ["", "X-Forwarded-Proto: https\r\n"] {
            assert_eq!(server.get("/app/x", served).await.1, "/app/x", "{served}");
        }
    }
    let server = Server::start(&[]).await;
    let _client = Client::start(&server.url("/app"), &url, &[]).await;
    assert_eq!(server.get("/app/x", plain).await.1, "/app/x");
}

/// A token as `sendit token` prints it.
async fn token(args: &[&str]) -> String {
    let output = sendit().arg("token").args(args).stderr(Stdio::null()).output().await.unwrap();
    assert!(output.status.success(), "{args:?}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn write(path: &Path, text: &str) -> String {
    std::fs::write(path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

const NEW: &str = "0123456789abcdef0123456789abcdef";
const OLD: &str = "fedcba9876543210fedcba9876543210";

#[tokio::test]
async fn only_the_servers_tokens_are_accepted() {
    let folder = TempDir::new().unwrap();
    let secret = write(&folder.path().join("secret"), &format!("{NEW}\n"));
    let mut server = Server::start(&["--secret-file", &secret, "--secret", OLD]).await;
    let target = Target::start();
    let good = token(&["--secret", NEW]).await;
    let token_file = write(&folder.path().join("token"), &format!("{good}\n"));

    for args in [
        ["--token-file".to_owned(), token_file],
        ["--token".to_owned(), good],
        ["--token".to_owned(), token(&["--secret-file", &secret, "--ttl", "1h", "--subject", "me"]).await],
        ["--token".to_owned(), token(&["--secret", OLD]).await],
        ["--token".to_owned(), token(&["--secret", NEW, "--prefix", "x*", "--prefix", "a?p"]).await],
    ] {
        // On v2 the server would keep the prefix for its client.
        let args = ["--wire", "v1", args[0].as_str(), &args[1]];
        let mut client = Client::start(&server.url("/app"), &target.url(), &args).await;
        client.program.kill().await;
        gone(&server).await;
    }

    let sentence = format!(
        "the server at `{}` does not accept the token: make one with `sendit token` and the server's secret",
        server.url("")
    );
    let foreign = token(&["--secret", "another-secret-0123456789abcdefg"]).await;
    for args in [["--token", "x"], ["--token", &foreign]] {
        refused(&server, "/app", &args, 3, &sentence).await;
    }
    let mut client = Client::begin(&server.url("/app"), "http://127.0.0.1:1", &["--token", &expired()]);
    assert_eq!(client.program.ended().await, Some(3));
    let said = client.program.all().await.stderr;
    let ended = format!("error: {sentence}; by its own words it ended on 2023-11-14 at 22:14 UTC, ");
    assert!(said.starts_with(&ended) && said.ends_with(" days ago\n"), "{said}");
    let log = server.program.printed(|output| output.stderr.contains("expired")).await.stderr;
    assert!(log.contains("the token expired on 2023-11-14 at 22:14:20 UTC"), "{log}");
    let sentence = format!(
        "the server at `{}` asks for a token: give one with `--token-file` or `--token`; `sendit token` makes them, with \
         the server's secret",
        server.url("")
    );
    for wire in ["v1", "v2"] {
        refused(&server, "/app", &["--wire", wire], 3, &sentence).await;
    }
    let narrow = token(&["--secret", NEW, "--prefix", "x*"]).await;
    let sentence = "the token does not allow the prefix `app`: choose one that it was made for";
    refused(&server, "/app", &["--token", &narrow], 4, sentence).await;
}

/// Waits until a killed client's prefix is free.
async fn gone(server: &Server) {
    let free = async { while server.get("/app", "").await.0.value("sendit-error") != Some("unknown-prefix") {} };
    tokio::time::timeout(crate::world::PATIENCE, free).await.expect("the server notices");
}

async fn refused(server: &Server, path: &str, args: &[&str], code: i32, sentence: &str) {
    let mut client = Client::begin(&server.url(path), "http://127.0.0.1:1", args);
    assert_eq!(client.program.ended().await, Some(code), "{args:?}");
    assert_eq!(client.program.all().await.stderr, format!("error: {sentence}\n"));
}

/// A token for the right secret whose time is over: minted by the library, which is told the time.
fn expired() -> String {
    use sendit::auth::{Audience, Claims, Key, Keys, mint};
    let keys = Keys::new(Key::new(NEW.as_bytes()).unwrap(), []);
    let born = 1_700_000_000;
    mint(&keys, &Claims { expiry: Some(born + 60), ..Claims::new(Audience::Auth, born) })
}

#[tokio::test]
async fn a_secret_may_come_from_the_environment() {
    let mut command = sendit();
    command.args(["serve", "--addr", "127.0.0.1:0"]).env("SENDIT_SECRET", NEW);
    let server = Server::of(command).await;
    let target = Target::start();
    let mut command = sendit();
    command
        .arg("connect")
        .args([server.url("/app"), target.url()])
        .env("SENDIT_TOKEN", token(&["--secret", NEW]).await);
    Client::of(command).ready(1).await;
    let mut client = Client::begin(&server.url("/app"), &target.url(), &[]);
    assert_eq!(client.program.ended().await, Some(3));
}

#[tokio::test]
async fn without_a_secret_there_is_a_warning() {
    let warned = [
        (&["--addr", "127.0.0.1:0"][..], "every program on this machine"),
        (&["--addr", "[::]:0", "--insecure"], "anybody who reaches it"),
    ];
    for (args, who) in warned {
        let mut command = sendit();
        command.arg("serve").args(args);
        let mut server = Server::of(command).await;
        let sentence = format!("\nwarning: there is no secret, so {who} can open tunnels\n");
        server.program.printed(|output| output.stderr.contains(&sentence)).await;
    }
}
