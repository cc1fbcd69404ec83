//! A `sendit.toml` that a stranger has put into the working folder.

use std::fs;
use std::net::TcpListener;

use super::{Folder, SECRET, port, token};
use crate::certificates::Authority;
use crate::target::Target;
use crate::tunnel::{Client, Server};
use crate::world::Program;

/// Where a stranger waits for what is sent to it.
struct Stranger(TcpListener);

impl Stranger {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    /// That nobody has come, which would still wait to be accepted.
    #[track_caller]
    fn has_nothing(&self, case: &str) {
        assert_eq!(self.0.accept().map(drop).map_err(|e| e.kind()), Err(std::io::ErrorKind::WouldBlock), "{case}");
    }
}

const COMMANDS: [&[&str]; 3] = [&["connect", "3000"], &["start", "web"], &["run", "--", "true"]];

#[tokio::test]
async fn what_a_person_says_does_not_go_to_a_strangers_server() {
    let (stranger, token) = (Stranger::new(), token().await);
    let folder = Folder::with(&format!("server = '{}'\n[tunnels.web]\ntarget = 3000\n", stranger.url()));
    folder.write("mine", &token);
    for command in COMMANDS {
        for (flags, variable, place) in [
            (&["--token", token.trim()][..], None, "`--token`"),
            (&["--token-file", "mine"], None, "`--token-file`"),
            (&["--basic-auth", "u:p"], None, "`--basic-auth`"),
            (&[], Some(("SENDIT_TOKEN", token.trim())), "environment variable `SENDIT_TOKEN`"),
            (&[], Some(("SENDIT_TOKEN_FILE", "mine")), "environment variable `SENDIT_TOKEN_FILE`"),
        ] {
            let mut started = folder.command(&[&command[..1], flags, &command[1..]].concat());
            started.envs(variable);
            let mut program = Program::start(started);
            let code = program.ended().await;
            let sentence = format!(
                "error: only `sendit.toml` names the server `{}`, so what {place} says is not sent there; give `--server`, \
                 or say with `--config sendit.toml` that the file is meant\n",
                stranger.url()
            );
            assert_eq!((code, program.all().await.stderr), (Some(2), sentence), "{command:?} {place}");
            stranger.has_nothing(place);
        }
    }
}

/// Who stands in for the server, by a certificate of an authority that the folder brings along, learns no token.
#[tokio::test]
async fn a_strangers_authority_vouches_for_no_server_that_a_person_names() {
    let (authority, token, target) = (Authority::new(), token().await, Target::start());
    let server = authority.serve(&[], &["--secret", SECRET]).await;
    let folder = Folder::with("ca_file = 'ca.pem'\n[tunnels.web]\ntarget = 3000\n");
    folder.write("ca.pem", &fs::read_to_string(authority.path("ca.pem")).unwrap());
    let (url, port) = (format!("https://{}", server.addr), port(&target));
    let start = |args: &[&str]| {
        let mut command = folder.command(args);
        command.envs([("SENDIT_SERVER", &*url), ("SENDIT_TOKEN", token.trim())]);
        Client::of(command)
    };
    for args in [&["connect", &*port][..], &["start", "web"], &["connect", &format!("{url}/app"), &target.url()]] {
        let mut client = start(args);
        let said = client.program.printed(|output| output.stderr.contains("trying again")).await.stderr;
        assert!(said.contains("its issuer is unknown here"), "{said}");
        assert!(said.contains("`ca_file` in `sendit.toml`, line 1, does not count, "), "{said}");
    }
    start(&["connect", "--config", "sendit.toml", &port]).ready(1).await;
    start(&["connect", "--ca-file", "ca.pem", &port]).ready(1).await;
}

#[tokio::test]
async fn a_server_or_a_file_that_a_person_names_is_meant() {
    let server = Server::start(&["--secret", SECRET]).await;
    let (target, token) = (Target::start(), token().await);
    let folder = Folder::with(&format!("server = '{}'\n", server.url("")));
    for named in [&["--server", &server.url("")][..], &["--config", "sendit.toml"]] {
        let mut command = folder.command(&[&["connect"], named, &[&port(&target)]].concat());
        command.env("SENDIT_TOKEN", token.trim());
        Client::of(command).ready(1).await;
    }
}

#[tokio::test]
async fn a_strangers_file_names_none_outside_of_its_folder() {
    let (stranger, token) = (Stranger::new(), token().await);
    let folder = Folder::with("");
    let outer = folder.0.path().join("credentials");
    fs::write(&outer, &token).unwrap();
    for path in [outer.to_str().unwrap(), "../credentials"] {
        for (key, text) in [("token_file", path.to_owned()), ("webhook_secret", format!("github=@{path}"))] {
            let text = format!("server = '{}'\n{key} = '{text}'\n[tunnels.web]\ntarget = 3000\n", stranger.url());
            folder.write("sendit.toml", &text);
            for command in COMMANDS {
                let sentence = format!(
                    "error: wrong `{key}` in `sendit.toml`, line 2: it leads out of this folder; if `sendit.toml` is meant, \
                     say so with `--config sendit.toml`\n"
                );
                assert_eq!(folder.run(command).await, (Some(2), String::new(), sentence), "{text}");
                stranger.has_nothing(&text);
            }
        }
    }
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{chown, symlink};

    use super::*;

    fn pipe(path: &std::path::Path) {
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    }

    #[tokio::test]
    async fn a_pipe_keeps_no_command_waiting() {
        let folder = Folder::with("");
        let file = folder.path("sendit.toml");
        fs::remove_file(&file).unwrap();
        pipe(&file);
        let sentence = "error: `sendit.toml` is no regular file; name the configuration file with `--config`, or move it \
                        away\n";
        for command in [&["connect", "--server", "http://127.0.0.1:1", "3000"][..], &["serve"], &["config", "check"]] {
            assert_eq!(folder.run(command).await, (Some(2), String::new(), sentence.to_owned()), "{command:?}");
        }
        fs::remove_file(&file).unwrap();
        folder.write("sendit.toml", "server = 'http://127.0.0.1:1'\ntoken_file = 'token'");
        pipe(&folder.path("token"));
        let sentence = "error: wrong `token_file` in `sendit.toml`, line 2: `token` is no regular file\n";
        assert_eq!(folder.run(&["connect", "3000"]).await, (Some(2), String::new(), sentence.to_owned()));
    }

    #[tokio::test]
    async fn a_link_that_leads_nowhere_is_not_passed_over() {
        for (to, cause) in [("gone", "there is no such file or directory"), ("sendit.toml", "")] {
            let folder = Folder::with("");
            fs::remove_file(folder.path("sendit.toml")).unwrap();
            symlink(to, folder.path("sendit.toml")).unwrap();
            let (code, _, said) = folder.run(&["connect", "--server", "http://127.0.0.1:1", "3000"]).await;
            let sentence = format!("error: cannot read the configuration file `sendit.toml`: {cause}");
            assert!(code == Some(7) && said.starts_with(&sentence), "{code:?} {said}");
        }
    }

    #[tokio::test]
    async fn a_file_of_somebody_else_is_not_obeyed() {
        let folder = Folder::with("server = 'http://127.0.0.1:1'\n[tunnels.web]\ntarget = 3000\n");
        // Only root can give a file away.
        if chown(folder.path("sendit.toml"), Some(65534), None).is_err() {
            return;
        }
        let sentence = "error: `sendit.toml` belongs to somebody else, so it is not obeyed; if it is meant, say so with \
                        `--config sendit.toml`\n";
        for command in COMMANDS {
            assert_eq!(folder.run(command).await, (Some(2), String::new(), sentence.to_owned()), "{command:?}");
        }
        let (code, _, said) = folder.run(&["config", "check", "--config", "sendit.toml"]).await;
        assert_eq!(code, Some(0), "{said}");
    }
}
