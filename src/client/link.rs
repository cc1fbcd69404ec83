//! The HTTP client towards the server: how a session is asked for, and how carriers get there. Proxies that the environment
//! names are used, and redirects never followed blindly, for each request carries a token.

use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::header::{HeaderMap, HeaderValue, LOCATION};
use reqwest::{RequestBuilder, Response, Url};
use tokio::time::timeout;

use super::{Connections, Error, Source, cause};

/// How long the head of an answer may take.
const ANSWER_DEADLINE: Duration = Duration::from_secs(15);

/// How many bytes of a request are worth another second: that is how slow a slow link is for each of several.
const SLOWEST: u64 = 4 * 1024;

/// How many times `open` may be sent on: from `http` to `https`, and once more.
const MAX_REDIRECTS: usize = 2;

/// The way to one server.
pub(super) struct Link {
    connections: Connections,
    source: Source,
}

impl Link {
    pub(super) fn new(source: Source, connections: Connections) -> Self {
        Self { connections, source }
    }

    /// A POST on a connection of its own, never on one that something is about to close: for what cannot be repeated.
    pub(super) fn fresh(&self, url: Url) -> RequestBuilder {
        self.connections.fresh().post(url)
    }

    /// A POST on a connection that may have been used before: for what can be repeated.
    pub(super) fn pooled(&self, url: Url) -> RequestBuilder {
        self.connections.pooled().post(url)
    }

    /// Leaves all connections that there are to the requests on them: the next ones get connections of their own.
    pub(super) fn forget_connections(&self) {
        self.connections.forget();
    }

    /// The proxy that requests go through, as the environment or the system names it; without its password.
    pub(super) fn proxy(&self) -> Option<String> {
        let uri = self.source.url().as_str().parse().ok()?;
        Some(Matcher::from_system().intercept(&uri)?.uri().to_string())
    }

    /// Why a request failed. Where it goes through a proxy, the name that is looked up is the proxy's.
    pub(super) fn why(&self, error: &reqwest::Error) -> String {
        let proxy = self.proxy().and_then(|proxy| Url::parse(&proxy).ok());
        let asked = proxy.as_ref().unwrap_or(self.source.url());
        cause::plain(error, asked.host_str().unwrap_or_default())
    }

    /// The sentence for a request that did not get through.
    pub(super) fn unreachable(&self, error: &reqwest::Error) -> String {
        let host = self.source.url().origin().ascii_serialization();
        format!("the server at `{host}` cannot be reached: {}", self.why(error))
    }

    /// Asks for a session at `path`. Takes 15 s at most for each answer; cancelling it may leave the server with a
    /// session that it ends by its own deadline. Gives the URL that answered in the end.
    pub(super) async fn open(
        &self,
        path: &str,
        fill: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<(Response, Url), Denied> {
        let mut url = self.source.endpoint(path);
        for _ in 0..=MAX_REDIRECTS {
            let response = self.answer(fill(self.fresh(url.clone()))).await.map_err(Denied::Later)?;
            match redirected(&url, &response) {
                Some(Ok(next)) => url = next,
                Some(Err(elsewhere)) => return Err(Denied::elsewhere(&self.source, &elsewhere)),
                None => return Ok((response, url)),
            }
        }
        Err(Denied::NotSendit(format!("`{}` redirects in a circle", self.source)))
    }

    /// Sends a request and waits for the head of its answer, for 15 s at most.
    pub(super) async fn answer(&self, request: RequestBuilder) -> Result<Response, String> {
        self.answer_to(request, 0).await.map_err(|unanswered| unanswered.cause)
    }

    /// The same for a request that brings so many bytes: a second more for each 4 KiB.
    pub(super) async fn answer_to(&self, request: RequestBuilder, bytes: u64) -> Result<Response, Unanswered> {
        let deadline = ANSWER_DEADLINE + Duration::from_secs(bytes / SLOWEST);
        match timeout(deadline, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(Unanswered { cause: self.unreachable(&error), is_unreached: error.is_connect() }),
            Err(_) => {
                let cause = format!(
                    "the server at `{}` has not answered within {} s; a proxy on the way may be holding the request back",
                    self.source.url().origin().ascii_serialization(),
                    deadline.as_secs()
                );
                Err(Unanswered { cause, is_unreached: false })
            }
        }
    }
}

/// Why a request has no answer.
pub(super) struct Unanswered {
    pub(super) cause: String,
    /// There was not even a connection.
    pub(super) is_unreached: bool,
}

/// Why there is no session.
#[derive(Debug)]
pub(super) enum Denied {
    Token(String),
    Prefix(String),
    NotSendit(String),
    /// What answers does not know the wire that can do what is asked for.
    NotV2(String),
    /// The server cannot do what is asked for.
    NotGranted(String),
    /// Whoever runs the server does not want it.
    Dismissed(String),
    /// It wants another certificate of the client's, or one at all.
    Certificate(String),
    /// It may work later.
    Later(String),
    /// It may work after so long, and not before.
    After(Duration, String),
}

/// Why there is no session now, and how long whoever says so wants to be left alone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Setback {
    pub(super) cause: String,
    pub(super) rest: Duration,
}

impl From<String> for Setback {
    fn from(cause: String) -> Self {
        Self { cause, rest: Duration::ZERO }
    }
}

impl Denied {
    /// The error that ends the client, or why it may try again.
    pub(super) fn into_error(self) -> Result<Error, Setback> {
        match self {
            Self::Token(cause) => Ok(Error::Unauthorized(cause)),
            Self::Prefix(cause) => Ok(Error::Prefix(cause)),
            Self::NotSendit(cause) => Ok(Error::NotSendit(cause)),
            Self::NotV2(cause) | Self::NotGranted(cause) => Ok(Error::NotGranted(cause)),
            Self::Dismissed(cause) => Ok(Error::Dismissed(cause)),
            Self::Certificate(cause) => Ok(Error::Certificate(cause)),
            Self::Later(cause) => Err(cause.into()),
            Self::After(rest, cause) => Err(Setback { cause, rest }),
        }
    }

    fn elsewhere(source: &Source, location: &str) -> Self {
        Self::NotSendit(format!(
            "`{source}` redirects to `{location}`, and a token is sent to no other place: give the server's own URL"
        ))
    }
}

/// Where an answer sends the request on to. The token goes along, so only to the same host, or not at all.
fn redirected(from: &Url, response: &Response) -> Option<Result<Url, String>> {
    if !response.status().is_redirection() {
        return None;
    }
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let next = from.join(location).ok();
    let same = next.filter(|next| {
        let upgraded = next.scheme() == from.scheme() || next.scheme() == "https";
        next.host() == from.host() && next.path() == from.path() && upgraded && next != from
    });
    Some(same.ok_or_else(|| location.chars().filter(|char| !char.is_control()).take(200).collect()))
}

/// A header as text, empty where it is missing.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map(HeaderValue::to_str).and_then(Result::ok).unwrap_or_default()
}
