//! Secrets that change while a server runs: who is let in, and who is not cut off.
#![cfg(unix)]

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::target::Target;
use crate::tunnel::{Client, Server};
use crate::world::sendit;

const OLD: &str = "0123456789abcdef0123456789abcdef";
const NEW: &str = "fedcba9876543210fedcba9876543210";

const CHANGED: &str = "the secrets have changed count=1";
const UNUSABLE: &str = "the secrets cannot be read again; those before stay in force";

async fn token(secret: &str) -> String {
    let output = sendit().args(["token", "--secret", secret]).output().await.unwrap();
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// A secret in a file, and how a server is told of it.
struct Place {
    file: PathBuf,
    args: Vec<String>,
    text: fn(&str) -> String,
    _folder: TempDir,
}

impl Place {
    fn new(name: &str, flag: &str, text: fn(&str) -> String) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join(name);
        let args = vec![flag.to_owned(), file.to_str().unwrap().to_owned()];
        Self { file, args, text, _folder: folder }
    }

    fn write(&self, secret: &str) {
        fs::write(&self.file, (self.text)(secret)).unwrap();
    }
}

#[tokio::test]
async fn a_secret_is_changed_and_no_connection_is_cut() {
    let in_table: fn(&str) -> String = |secret| format!("[serve]\nsecret = '{secret}'\n");
    for (place, signal) in [
        (Place::new("secret", "--secret-file", ToOwned::to_owned), Some("-HUP")),
        (Place::new("sendit.toml", "--config", in_table), Some("-HUP")),
        (Place::new("secret", "--secret-file", ToOwned::to_owned), None),
    ] {
        place.write(OLD);
        let args: Vec<&str> = place.args.iter().map(String::as_str).collect();
        let (mut server, mut target) = (Server::start(&args).await, Target::start());
        let (old, new) = (token(OLD).await, token(NEW).await);
        let mut client = Client::start(&server.url("/app"), &target.url(), &["--token", &old]).await;
        let mut visitor = server.visit().await;
        visitor.send("GET /app HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n").await;
        let mut service = target.accept().await;
        service.head().await;

        place.write(NEW);
        if let Some(signal) = signal {
            server.program.signal(signal).await;
        }
        server.program.printed(|output| output.stderr.contains(CHANGED)).await;
        let mut refused = Client::begin(&server.url("/other"), &target.url(), &["--token", &old]);
        assert_eq!(refused.program.ended().await, Some(3));
        Client::start(&server.url("/other"), &target.url(), &["--token", &new]).await;
        service.send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await;
        assert_eq!(visitor.head().await.status(), "204", "what was under way goes on");
        assert!(!client.program.output().stderr.contains("lost"), "{:?}", client.program.output());
        client.program.terminate().await;
        assert_eq!(client.program.ended().await, Some(0));
    }
}

#[tokio::test]
async fn what_cannot_be_read_opens_no_door() {
    let place = Place::new("secret", "--secret-file", ToOwned::to_owned);
    place.write(OLD);
    let args: Vec<&str> = place.args.iter().map(String::as_str).collect();
    let (mut server, target) = (Server::start(&args).await, Target::start());
    let old = token(OLD).await;
    for (times, text) in [None, Some("")].into_iter().enumerate() {
        match text {
            None => fs::remove_file(&place.file).unwrap(),
            Some(text) => place.write(text),
        }
        server.program.signal("-HUP").await;
        server.program.printed(|output| output.stderr.matches(UNUSABLE).count() == times + 1).await;
        let mut stranger = Client::begin(&server.url("/app"), &target.url(), &[]);
        assert_eq!(stranger.program.ended().await, Some(3));
        Client::start(&server.url("/app"), &target.url(), &["--token", &old]).await;
    }
}
