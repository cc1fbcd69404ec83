//! `sendit sessions`: those of a running server, for whoever runs it.

mod table;

use std::time::Duration;

use argh::{ArgsInfo, FromArgs};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use tokio::time::timeout;

use super::ask::{Trouble, ask};
use super::env::Env;
use super::exit::{Exit, Failure};
use super::sources::Sources;
use super::{output, secret};
use crate::server::admin::{Listed, Sessions as List, Silent, Token};

/// Where the admin endpoints usually are.
const USUAL: &str = "127.0.0.1:5051";

/// How long an answer may take.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);

/// The most that is read of it: tens of thousands of sessions.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// Lists the sessions of a running server, the oldest first, or ends one.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "sessions",
    help_triggers("-h", "--help"),
    example = "Who is connected:
  {command_name} --admin-token-file admin-token",
    example = "An end to what has the prefix `my-app`:
  {command_name} --admin-token-file admin-token end my-app",
    note = "It asks the server that was started with --admin and --admin-token-file. A session is named
by its prefix, or by its id or the first 12 digits of that, as the list has them. One of several
servers asks the others as well.",
    note = "
The client of a session that is ended is told so, and ends with exit code 11. One on wire v1
cannot be told, and one that is away learns nothing: both open another session. What keeps
a client out is a revoked token."
)]
pub(crate) struct Sessions {
    /// address that `serve --admin` was given (default: 127.0.0.1:5051)
    #[argh(option, arg_name = "HOST:PORT")]
    admin: Option<String>,

    /// file that holds the admin token
    #[argh(option, arg_name = "FILE")]
    admin_token_file: Option<String>,

    /// print JSON instead of lines
    #[argh(switch)]
    json: bool,

    /// the word end and a session, to end that one
    #[argh(positional, arg_name = "end SESSION")]
    words: Vec<String>,
}

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    List,
    End(String),
}

/// Prints the list, or ends a session.
pub(crate) async fn run(args: Sessions, env: &Env) -> Result<(), Failure> {
    let Sessions { admin, admin_token_file, json, words } = args;
    let wanted = wanted(&words)?;
    let server = Server::named(admin, admin_token_file, &Sources::new("sessions", env, []))?;
    match wanted {
        Wanted::List => {
            let list = server.list().await?;
            list.silent.iter().for_each(tell);
            if json { output::object(&list) } else { output::answer(table::of(&list.sessions)) }
        }
        Wanted::End(which) => {
            let ended = server.end(&which).await?;
            output::answer(format_args!("ended: session {} of {}", &ended.id[..12], ended.prefix))
        }
    }
}

/// Tells of a server whose sessions are not in the list.
fn tell(Silent { server, address }: &Silent) {
    output::warn(format_args!(
        "the server `{server}` does not answer the others at `{address}`: its sessions are missing"
    ));
}

fn wanted(words: &[String]) -> Result<Wanted, Failure> {
    match words {
        [] => Ok(Wanted::List),
        [verb, session] if verb == "end" => Ok(Wanted::End(session.clone())),
        [verb, ..] if verb == "end" => {
            Err(Failure::usage("`end` takes one session: write its prefix or its id behind it"))
        }
        [verb, ..] => {
            Err(Failure::usage(format!("`{verb}` is nothing that can be done with sessions; write `end` or nothing")))
        }
    }
}

/// A server's admin endpoints.
struct Server {
    address: String,
    token: Token,
}

impl Server {
    fn named(address: Option<String>, token: Option<String>, from: &Sources<'_>) -> Result<Self, Failure> {
        let address = from.read(address, "--admin", read)?.unwrap_or_else(|| USUAL.to_owned());
        let token = from.one(token, "--admin-token-file").ok_or_else(|| {
            Failure::usage("give the admin token with `--admin-token-file`: it is that of `serve --admin-token-file`")
        })?;
        Ok(Self { address, token: secret::admin_token(&token.path()?)? })
    }

    async fn list(&self) -> Result<List, Failure> {
        let (_, body) = self.ask(Method::GET, "/sessions").await?;
        serde_json::from_slice(&body).map_err(|_| self.foreign())
    }

    /// Ends the session that is meant.
    async fn end(&self, which: &str) -> Result<Listed, Failure> {
        let nobody = || Failure::usage(format!("there is no session `{which}`; `sendit sessions` lists them"));
        let is_meant = |session: &Listed| {
            session.prefix == which || session.id == which || (which.len() >= 12 && session.id.starts_with(which))
        };
        let session = self.list().await?.sessions.into_iter().find(is_meant).ok_or_else(nobody)?;
        match self.ask(Method::DELETE, &format!("/sessions/{}", session.id)).await? {
            (StatusCode::NOT_FOUND, _) => Err(nobody()),
            (StatusCode::SERVICE_UNAVAILABLE, _) => Err(Failure::new(
                Exit::Unreachable,
                format!("the server that has the session `{which}` does not answer; try again"),
            )),
            _ => Ok(session),
        }
    }

    async fn ask(&self, method: Method, path: &str) -> Result<(StatusCode, Bytes), Failure> {
        let bearer = format!("Bearer {}", self.token.reveal());
        let is_list = method == Method::GET;
        let request = Request::builder().method(method).uri(path).header("authorization", bearer);
        let asked = timeout(ANSWER_DEADLINE, ask(&self.address, request, MAX_ANSWER)).await;
        let (status, body) =
            asked.unwrap_or_else(|_| Err(Trouble::Absent("it says nothing".to_owned()))).map_err(|trouble| {
                match trouble {
                    Trouble::Absent(cause) => self.absent(&cause),
                    Trouble::Foreign => self.foreign(),
                }
            })?;
        match status {
            StatusCode::UNAUTHORIZED => Err(Failure::new(
                Exit::Unauthorized,
                format!(
                    "the server at `{}` does not accept the admin token: give the one that it was started with",
                    self.address
                ),
            )),
            StatusCode::NOT_FOUND if is_list => Err(Failure::new(
                Exit::Unreachable,
                format!(
                    "what answers at `{}` tells of no sessions: start `sendit serve` with `--admin-token-file`",
                    self.address
                ),
            )),
            StatusCode::NOT_FOUND | StatusCode::SERVICE_UNAVAILABLE => Ok((status, body)),
            status if status.is_success() => Ok((status, body)),
            _ => Err(self.foreign()),
        }
    }

    fn absent(&self, cause: &str) -> Failure {
        let sentence = format!(
            "no server answers at `{}`: {cause}; start `sendit serve` with `--admin`, or name its address with `--admin`",
            self.address
        );
        Failure::new(Exit::Unreachable, sentence)
    }

    fn foreign(&self) -> Failure {
        let sentence =
            format!("what answers at `{}` is no sendit server; name its address with `--admin`", self.address);
        Failure::new(Exit::Unreachable, sentence)
    }
}

/// The host and port that a person means.
fn read(text: &str) -> Result<String, String> {
    let address = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
    let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port);
    match port.and_then(|port| port.parse::<u16>().ok()) {
        Some(_) if !address.contains('/') => Ok(address.to_owned()),
        _ => Err(format!("`{text}` is no address of a server; write it like `{USUAL}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_done() {
        let check = |words: &[&str], expected: Result<Wanted, &str>| {
            let seen = wanted(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
            assert_eq!(seen, expected.map_err(Failure::usage), "{words:?}");
        };
        check(&[], Ok(Wanted::List));
        check(&["end", "my-app"], Ok(Wanted::End("my-app".to_owned())));
        for words in [&["end"][..], &["end", "one", "two"]] {
            check(words, Err("`end` takes one session: write its prefix or its id behind it"));
        }
        check(&["my-app"], Err("`my-app` is nothing that can be done with sessions; write `end` or nothing"));
    }

    #[test]
    fn addresses() {
        for address in ["localhost:1", "http://localhost:1", "http://localhost:1/"] {
            assert_eq!(read(address), Ok("localhost:1".to_owned()));
        }
        for wrong in ["5051", ":5051", "localhost", "http://localhost:1/x", "https://localhost:1"] {
            assert_eq!(
                read(wrong),
                Err(format!("`{wrong}` is no address of a server; write it like `127.0.0.1:5051`"))
            );
        }
    }
}
