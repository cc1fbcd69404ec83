//! `sendit.toml`: found, obeyed, refused, and the tunnels that it has.

mod check;
mod strangers;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::certificates::{Authority, GOOD};
use crate::target::Target;
use crate::tunnel::{Client, Server};
use crate::world::{Program, sendit};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A folder to start commands in, called `my-app`.
struct Folder(TempDir);

impl Folder {
    /// With this file in it.
    fn with(text: &str) -> Self {
        let folder = Self(TempDir::new().unwrap());
        fs::create_dir(folder.0.path().join("my-app")).unwrap();
        folder.write("sendit.toml", text);
        folder
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("my-app").join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = sendit();
        command.args(args).current_dir(self.0.path().join("my-app"));
        command
    }

    /// What a command comes to: exit code, standard output, standard error.
    async fn run(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let mut program = Program::start(self.command(args));
        let code = program.ended().await;
        let output = program.all().await;
        (code, output.stdout, output.stderr)
    }
}

async fn token() -> String {
    let output = sendit().args(["token", "--secret", SECRET]).output().await.unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn port(target: &Target) -> String {
    target.url().rsplit(':').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_port_is_all_that_is_left_to_say() {
    let server = Server::start(&["--secret", SECRET]).await;
    let target = Target::start();
    let folder = Folder::with(&format!("server = '{}/'\ntoken_file = 'token'\n", server.url("")));
    folder.write("token", &token().await);
    for (args, path) in [(&["connect"][..], "/my-app"), (&["connect", "--prefix", "other"], "/other")] {
        let mut client = Client::of(folder.command(&[args, &[&port(&target)]].concat()));
        client.ready(1).await;
        let said = client.program.output().stderr;
        let first = format!("settings are those of `sendit.toml`; the server is `{}/`\n", server.url(""));
        let ready = format!("Ready; Forwarding {} -> http://localhost:{}\n", server.url(path), port(&target));
        assert!(said.starts_with(&(first + &ready)), "{said}");
    }
}

#[tokio::test]
async fn tunnels_of_a_file_stand_together_and_are_told_apart() {
    let server = Server::start(&[]).await;
    let (mut web, mut api, other) = (Target::start(), Target::start(), Target::start());
    let folder = Folder::with(&format!(
        "server = '{}'\n[tunnels.web]\ntarget = {}\n[tunnels.api]\nprefix = 'v2-api'\ntarget = '{}'\n\
         strip_prefix = true\n[tunnels.other]\ntarget = '{}'\n",
        server.url(""),
        port(&web),
        api.url(),
        other.url(),
    ));
    let mut command = folder.command(&["start", "web", "api"]);
    command.env("SENDIT_INSPECT", "127.0.0.1:0");
    let mut client = Client::of(command);
    client.ready(2).await;
    assert_eq!(server.get("/other", "").await.0.status(), "404", "what is not named is not started");
    for (path, seen, target) in [("/web/x", "/web/x", &mut web), ("/v2-api/y", "/y", &mut api)] {
        let mut visitor = server.visit().await;
        visitor.send(format!("GET {path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")).await;
        let mut service = target.accept().await;
        assert_eq!(service.head().await.start, format!("GET {seen} HTTP/1.1"));
        service.send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await;
        assert_eq!(visitor.head().await.status(), "204");
    }
    let output = client.program.printed(|output| output.stderr.contains("#2 GET /y 204")).await;
    assert!(output.stderr.contains("out, api\n") && output.stderr.contains("out, web\n"), "{}", output.stderr);

    // One inspector has both, and a replay goes where its request went.
    let inspect = output.stderr.lines().find_map(|line| line.strip_prefix("Inspector: http://")).unwrap().to_owned();
    let (code, listed, said) = folder.run(&["requests", "--json", "--inspect", &inspect]).await;
    assert_eq!(code, Some(0), "{said}");
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let tunnels: Vec<_> = listed["exchanges"].as_array().unwrap().iter().map(|row| row["tunnel"].clone()).collect();
    assert_eq!(tunnels, ["api", "web"]);
    let mut replay = Program::start(folder.command(&["replay", "1", "--inspect", &inspect]));
    let mut service = web.accept().await;
    assert_eq!(service.head().await.start, "GET /web/x HTTP/1.1");
    service.send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await;
    assert_eq!(replay.ended().await, Some(0));
}

/// Which the certificate is for that an authority of the file's own vouches for.
#[tokio::test]
async fn each_tunnel_of_a_file_has_a_host_of_its_own() {
    let (authority, target) = (Authority::new(), Target::start());
    let server = authority.serve(&["t.example", "*.t.example"], &["--domain", "t.example"]).await;
    let folder = Folder::with(&format!(
        "server = 'https://{}'\nca_file = 'ca.pem'\n[tunnels.web]\ntarget = '{url}'\n[tunnels.api]\ntarget = '{url}'\n",
        server.addr,
        url = target.url(),
    ));
    folder.write("ca.pem", &std::fs::read_to_string(authority.path("ca.pem")).unwrap());
    let mut client = Client::of(folder.command(&["start", "--all", "--inspect", "off"]));
    client.ready(2).await;
    let said = client.program.output().stderr;
    for name in ["web", "api"] {
        let ready = format!("Ready; Forwarding https://{name}.t.example:{} -> {}\n", server.addr.port(), target.url());
        assert!(said.contains(&ready), "{said}");
    }
}

/// Its paths begin at the file's own folder.
#[tokio::test]
async fn a_server_of_a_file_speaks_tls_and_has_a_domain() {
    let (authority, target) = (Authority::new(), Target::start());
    let folder = Folder::with("[serve]\naddr = '127.0.0.1:0'\ntls_cert = 'c'\ntls_key = 'k'\ndomain = 't.example'\n");
    let (certificate, key) = authority.issue(&[], GOOD);
    folder.write("c", &certificate);
    folder.write("k", &key);
    let mut command = folder.command(&["serve", "--config", "my-app/sendit.toml"]);
    command.current_dir(folder.0.path());
    let server = Server::of(command).await;
    let source = format!("https://{}/my-app", server.addr);
    let mut client = Client::begin(&source, &target.url(), &["--ca-file", &authority.path("ca.pem")]);
    client.ready(1).await;
    let said = client.program.output().stderr;
    assert!(said.contains(&format!("https://my-app.t.example:{} ", server.addr.port())), "{said}");
    let (code, _, said) = folder.run(&["config", "check"]).await;
    assert_eq!(code, Some(0), "{said}");
    folder.write("k", "");
    let (code, _, said) = folder.run(&["config", "check"]).await;
    assert_eq!(code, Some(12), "{said}");
}

#[tokio::test]
async fn all_of_them_and_a_script_that_follows() {
    let server = Server::start(&[]).await;
    let target = Target::start();
    let folder = Folder::with(&format!(
        "server = '{}'\n[tunnels.web]\ntarget = '{url}'\n[tunnels.api]\ntarget = '{url}'\n",
        server.url(""),
        url = target.url(),
    ));
    target.echo_paths();
    let mut client = Client::of(folder.command(&["start", "--all", "--log-format", "json"]));
    client.ready(2).await;
    server.get("/api/x", "").await;
    let said = client.program.printed(|output| output.stderr.contains("\"event\":\"exchange\"")).await.stderr;
    let events: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let of = |name: &str, key: &str| {
        let found = events.iter().filter(|event| event["event"] == name).map(|event| event[key].clone());
        let mut found: Vec<_> = found.map(|value| value.as_str().unwrap_or_default().to_owned()).collect();
        found.sort();
        found
    };
    assert_eq!(
        (of("ready", "tunnel"), of("exchange", "tunnel")),
        (vec!["api".into(), "web".into()], vec!["api".into()])
    );
}

#[tokio::test]
async fn a_tunnel_that_cannot_stand_ends_all() {
    let server = Server::start(&["--secret", SECRET]).await;
    let minted = sendit().args(["token", "--secret", SECRET, "--prefix", "web"]).output().await.unwrap();
    let token = String::from_utf8(minted.stdout).unwrap();
    let folder = Folder::with(&format!(
        "server = '{}'\ntoken = '{}'\n[tunnels.web]\ntarget = 1\n[tunnels.api]\ntarget = 1\n",
        server.url(""),
        token.trim(),
    ));
    let (code, _, said) = folder.run(&["start", "--all"]).await;
    let last = said.lines().last().unwrap();
    assert_eq!(code, Some(4), "{said}");
    assert!(last.starts_with("error: tunnel `api`: "), "{said}");
    assert!(said.contains("; the other tunnels end as well, and their exchanges in flight have 30 s\n"), "{said}");
    assert!(said.contains("warning: `sendit.toml` holds a secret, and others can read it; "), "{said}");
}

/// Whatever it is called, and wherever the other setting stands.
#[tokio::test]
async fn what_does_not_go_together_is_told_with_its_file_and_line() {
    for (text, args, sentence) in [
        (
            "server = 'https://host'\n[tunnels.a_b]\ntarget = 1",
            &["start", "a_b"][..],
            "the name of the tunnel `a_b` in `sendit.toml`, line 2, is no prefix, so give it a `prefix`: a prefix is 3 to \
             64 of `a-z`, `0-9` and `-`",
        ),
        (
            "server = 'https://host'\nstrip_prefix = true\nwire = 'v1'",
            &["connect", "3000"],
            "wrong `wire` in `sendit.toml`, line 3: `--strip-prefix` takes wire v2: leave `--wire v1` away",
        ),
        (
            "",
            &["connect", "--config", "../my-app/sendit.toml", "3000"],
            "no server is given; write `--server URL`, or `server = \"URL\"` into `../my-app/sendit.toml`",
        ),
    ] {
        let folder = Folder::with(text);
        let expected = (Some(2), String::new(), format!("error: {sentence}\n"));
        assert_eq!(folder.run(args).await, expected, "{text}");
    }
}

/// Each of these in one sentence, before anything is opened.
#[tokio::test]
async fn what_cannot_be_meant_is_told_with_its_line() {
    for (text, args, code, sentence) in [
        (
            "sevrer = 'https://host'",
            &["connect", "3000"][..],
            2,
            "unknown key `sevrer` in `sendit.toml`, line 1; did you mean `server`?",
        ),
        (
            "# two\nquiet = 'yes'",
            &["connect", "3000"],
            2,
            "wrong `quiet` in `sendit.toml`, line 2: write `quiet = true` or `quiet = false`",
        ),
        (
            "server = 'https://host'\n[tunnels.web]\ntarget = 1\n[tunnels.api]\nprefix = 'web'\ntarget = 2",
            &["start", "web"],
            2,
            "wrong `api` in `sendit.toml`, line 4: it has the prefix `web`, and so has `web`, line 2; give one of them \
             another `prefix`",
        ),
        (
            "server = 'https://host'\nmax_ttl = '15'",
            &["connect", "3000"],
            2,
            "wrong `max_ttl` in `sendit.toml`, line 2: `15` has no unit; write it like `15s`, `1m30s`, `500ms` or `30d`",
        ),
        (
            "server = 'host'",
            &["connect", "3000"],
            2,
            "wrong `server` in `sendit.toml`, line 1: `host/my-app` must start with `https://` or `http://`, like \
             `https://host/prefix`",
        ),
        (
            "",
            &["connect", "3000"],
            2,
            "no server is given; write `--server URL`, or `server = \"URL\"` into `sendit.toml`",
        ),
        (
            "server = 'https://host'\ntoken_file = 'gone'",
            &["connect", "3000"],
            7,
            "cannot read the token file `gone`: there is no such file or directory",
        ),
        (
            "[tunnels.web]\n[tunnels.api]",
            &["start"],
            2,
            "name the tunnels of `sendit.toml`, or write `--all`: it has `api`, `web`",
        ),
        ("", &["start", "--all"], 2, "`sendit.toml` has no tunnels; give it tables like `[tunnels.web]`"),
        ("[tunnels.web]", &["start", "wbe"], 2, "there is no tunnel `wbe` in `sendit.toml`; did you mean `web`?"),
        (
            "[tunnels.web]",
            &["start", "web"],
            2,
            "the tunnel `web` in `sendit.toml`, line 1, has no target; write `target = 3000` into its table",
        ),
        (
            "[serve]\naddr = '5050'",
            &["serve"],
            2,
            "wrong `addr` in `sendit.toml`, line 2: `5050` is no address to listen on; write it like `127.0.0.1:5050`",
        ),
        (
            "",
            &["connect", "--config", "gone.toml", "3000"],
            7,
            "cannot read the configuration file `gone.toml`: there is no such file or directory",
        ),
        (
            "wire = 'v3'",
            &["config", "check"],
            2,
            "wrong `wire` in `sendit.toml`, line 1: `v3` is no wire; choose `auto`, `v1` or `v2`",
        ),
        (
            "server = 'host'",
            &["config", "check"],
            2,
            "wrong `server` in `sendit.toml`, line 1: `host/some` must start with `https://` or `http://`, like \
             `https://host/prefix`",
        ),
        (
            "token_file = 'gone'",
            &["config", "check"],
            7,
            "cannot read the token file `gone`: there is no such file or directory",
        ),
        ("", &["config", "chekc"], 2, "`chekc` is nothing that `config` does; write `sendit config check`"),
    ] {
        let folder = Folder::with(text);
        let expected = (Some(code), String::new(), format!("error: {sentence}\n"));
        assert_eq!(folder.run(args).await, expected, "{text}");
    }
}

#[tokio::test]
async fn a_server_has_its_table() {
    let folder = Folder::with(&format!("[serve]\naddr = '127.0.0.1:0'\nsecret = '{SECRET}'\nhttp_prefix = 'deep'\n"));
    let mut server = Server::of(folder.command(&["serve", "--log", "info"])).await;
    server.program.printed(|output| output.stderr.contains("others can read it")).await;
    let target = Target::start();
    let (source, token) = (server.url("/deep/app"), token().await);
    Client::start(&source, &target.url(), &["--token", token.trim()]).await;
    let mut client = Client::begin(&source, &target.url(), &[]);
    assert_eq!(client.program.ended().await, Some(3));
}
