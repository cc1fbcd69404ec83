//! The API of a client that runs on this machine, as the commands ask it that look at exchanges. Knows paths and errors of the
//! API, and not what its answers mean.

mod detail;
mod search;

use std::time::Duration;

use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

pub(crate) use detail::Detail;

use super::ask::{Trouble, ask};
use super::exit::{Exit, Failure};
use super::inspect;
use super::sources::Sources;
use crate::inspect::api::Summary;

/// What an inspector's address looks like.
const USUAL: &str = "127.0.0.1:4040";

/// Where it lists exchanges.
pub(crate) const LIST: &str = "/api/requests";

/// How long what is named as an inspector may take to show that it is one.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// How long an answer may take. A replay's has its target to wait for, which is given up after 60 s without a byte.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10 * 60);

/// The most that is read of an answer: a list of as many exchanges as anybody asks for.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// A running client.
pub(crate) struct Running {
    /// Its host and port.
    address: String,
    /// Its public URL.
    url: String,
    /// What shows that who asks can read its answers.
    token: String,
}

/// What a client says of itself.
#[derive(Deserialize)]
struct Status {
    url: String,
    token: String,
}

/// What a client says of several exchanges.
#[derive(Deserialize)]
struct List {
    exchanges: Vec<Summary>,
}

/// What a client says where it cannot do what it is asked for.
#[derive(Deserialize)]
struct Refused {
    error: String,
}

impl Running {
    /// The client that the flag names, else the variable, else the one that runs. Takes [`CONNECT_DEADLINE`] at most.
    pub(crate) async fn named(flag: Option<String>, from: &Sources<'_>) -> Result<Self, Failure> {
        let Some(address) = from.read(flag, "--inspect", read)? else {
            return search::only(search::all(inspect::PORTS).await, &inspect::PORTS);
        };
        let late = || absent(&address, "it says nothing");
        timeout(CONNECT_DEADLINE, Self::at(&address)).await.unwrap_or_else(|_| Err(late()))
    }

    /// The client whose inspector is there. Waits for it without end.
    async fn at(address: &str) -> Result<Self, Failure> {
        let nobody = Self { address: address.to_owned(), url: String::new(), token: String::new() };
        let (status, body) = nobody.exchange(Method::GET, "/api/status", None).await?;
        match serde_json::from_slice(&body) {
            Ok(Status { url, token }) if status.is_success() => Ok(Self { url, token, ..nobody }),
            _ => Err(foreign(address)),
        }
    }

    /// What it answers at a path. Takes as long as [`ANSWER_DEADLINE`] at most, as all of these do.
    pub(crate) async fn bytes(&self, path: &str) -> Result<Bytes, Failure> {
        self.ask(Method::GET, path, None).await
    }

    /// What it answers at a path, read as JSON.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.understood(&self.bytes(path).await?)
    }

    /// The exchanges that it lists for these parameters, the newest first.
    pub(crate) async fn list(&self, query: &str) -> Result<Vec<Summary>, Failure> {
        let List { exchanges } = self.get(&format!("{LIST}?{query}")).await?;
        Ok(exchanges)
    }

    /// What it answers to a change that it is asked for.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.understood(&self.ask(Method::POST, path, Some(&self.token)).await?)
    }

    fn understood<T: DeserializeOwned>(&self, answer: &[u8]) -> Result<T, Failure> {
        serde_json::from_slice(answer).map_err(|cause| {
            let sentence = format!("what answers at `{}` is no inspector of this version: {cause}", self.address);
            Failure::new(Exit::Unexpected, sentence)
        })
    }

    async fn ask(&self, method: Method, path: &str, token: Option<&str>) -> Result<Bytes, Failure> {
        let broken =
            |cause: String| Failure::new(Exit::Unreachable, format!("the client at `{}` {cause}", self.address));
        let asked = timeout(ANSWER_DEADLINE, self.exchange(method, path, token)).await;
        let late = || broken(format!("has not answered within {} s", ANSWER_DEADLINE.as_secs()));
        let (status, body) = asked.map_err(|_| late())??;
        if status.is_success() {
            return Ok(body);
        }
        let said =
            serde_json::from_slice::<Refused>(&body).map_or_else(|_| status.to_string(), |refused| refused.error);
        let exit = if status == StatusCode::BAD_GATEWAY { Exit::Unreachable } else { Exit::Usage };
        Err(Failure::new(exit, said))
    }

    async fn exchange(&self, method: Method, path: &str, token: Option<&str>) -> Result<(StatusCode, Bytes), Failure> {
        let Self { address, .. } = self;
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header("sendit-token", token);
        }
        ask(address, request, MAX_ANSWER).await.map_err(|trouble| match trouble {
            Trouble::Absent(cause) => absent(address, &cause),
            Trouble::Foreign => foreign(address),
        })
    }
}

/// Parameters of a list: how many, and of those which, where anything is asked for.
pub(crate) fn query(limit: usize, filters: &[(&str, &Option<String>)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", &limit.to_string());
    query.extend_pairs(filters.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))));
    query.finish()
}

/// The host and port that a person means.
fn read(text: &str) -> Result<String, String> {
    if text == "off" {
        return Err("`off` names no client; write where its inspector is, like `--inspect 127.0.0.1:4040`".to_owned());
    }
    let address = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
    let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port);
    match port.and_then(|port| port.parse::<u16>().ok()) {
        Some(_) if !address.contains('/') => Ok(address.to_owned()),
        _ => Err(format!("`{text}` is no address of an inspector; write it like `{USUAL}`")),
    }
}

fn absent(address: &str, cause: &str) -> Failure {
    let sentence = format!(
        "no running `sendit connect` answers at `{address}`: {cause}; start one, or name its inspector with `--inspect`"
    );
    Failure::new(Exit::Unreachable, sentence)
}

/// Somebody else answers there.
fn foreign(address: &str) -> Failure {
    let sentence =
        format!("there is no inspector at `{address}`, something else answers; name that of a client with `--inspect`");
    Failure::new(Exit::Unreachable, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::env::{self, Env};

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        assert_eq!(read(text), expected.map(ToOwned::to_owned).map_err(ToOwned::to_owned));
    }

    #[test]
    fn addresses() {
        check("localhost:4041", Ok("localhost:4041"));
        check("http://127.0.0.1:4041/", Ok("127.0.0.1:4041"));
        check("[::1]:4040", Ok("[::1]:4040"));
        for wrong in ["4040", ":4040", "localhost", "localhost:x", "http://localhost:1/x"] {
            let sentence = format!("`{wrong}` is no address of an inspector; write it like `127.0.0.1:4040`");
            check(wrong, Err(&sentence));
        }
        check("off", Err("`off` names no client; write where its inspector is, like `--inspect 127.0.0.1:4040`"));
    }

    #[tokio::test]
    async fn a_variable_that_names_no_client() {
        let env = Env::from([(env::INSPECT, "off")]);
        let failure = Running::named(None, &Sources::new("replay", &env, [])).await.err().unwrap();
        let sentence = "wrong environment variable `SENDIT_INSPECT`: `off` names no client; write where its inspector is, \
                        like `--inspect 127.0.0.1:4040`";
        assert_eq!(failure, Failure::usage(sentence));
    }
}
