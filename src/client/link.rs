//! The HTTP client towards the server: the control requests and the pairs of carriers. Proxies that the environment
//! names are used, and redirects never followed blindly, for each request carries a token.

use std::error::Error;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::open::{Answer, Denied, Grant};
use super::{Source, tls};
use crate::pipe::v1::{Incoming, SwapError, Swapper, carrier};
use crate::wire::v1;

/// How long a connection to the server may take to be made.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// How long the head of an answer may take.
const ANSWER_DEADLINE: Duration = Duration::from_secs(15);

/// How many times `open` may be sent on: from `http` to `https`, and once more.
const MAX_REDIRECTS: usize = 2;

/// The way to one server.
pub(super) struct Link {
    http: Client,
    source: Source,
}

/// Why a pair of carriers could not be brought.
#[derive(Debug)]
pub(super) enum PairError {
    /// The server does not know the session any more.
    Gone(String),
    /// This pair failed; the one before, if any, goes on.
    Refused(String),
    /// The pipe is lost.
    Lost(String),
}

impl Link {
    pub(super) fn new(source: Source) -> Result<Self, String> {
        let http = Client::builder()
            .tls_backend_preconfigured(tls::to_server(&source)?)
            .redirect(Policy::none())
            .http1_only()
            .connect_timeout(CONNECT_DEADLINE)
            .tcp_nodelay(true)
            // A carrier starts on a connection of its own, never on one that something is about to close.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("sendit/", env!("CARGO_PKG_VERSION")))
            .build();
        let http = http.map_err(|error| format!("no HTTP client can be made: {}", innermost(&error)))?;
        Ok(Self { http, source })
    }

    /// Asks for a session. Takes 15 s at most for each answer; cancelling it may leave the server with a session that
    /// it ends by its own deadline.
    pub(super) async fn open(&self, form: String) -> Result<Grant, Denied> {
        let mut url = self.source.endpoint(v1::OPEN);
        for _ in 0..=MAX_REDIRECTS {
            let request = self.http.post(url.clone()).body(form.clone());
            let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
            let response = self.answer(request).await.map_err(Denied::Unreachable)?;
            match redirected(&url, &response) {
                Some(Ok(next)) => url = next,
                Some(Err(elsewhere)) => return Err(Denied::elsewhere(&self.source, &elsewhere)),
                None => return Answer::of(response, url).read(&self.source).await,
            }
        }
        Err(Denied::NotSendit(format!("`{}` redirects in a circle", self.source)))
    }

    /// Brings a session a fresh pair of carriers: both requests start together, in any order.
    pub(super) async fn bring_pair(
        &self,
        grant: &Grant,
        swapper: &Swapper,
        tasks: &TaskTracker,
    ) -> Result<(), PairError> {
        let (outgoing, body) = carrier();
        let progress = body.progress();
        let write = self.http.post(grant.endpoint(v1::WRITE)).body(reqwest::Body::wrap(body)).send();
        let (early, answered_early) = tokio::sync::oneshot::channel();
        let owner = swapper.clone();
        tasks.spawn(async move {
            let answer = write.await;
            if !progress.is_finished() {
                let cause = describe_early(&answer);
                // During the handshake the swap hears of it; after that the pipe fails.
                if early.send(cause.clone()).is_err() {
                    owner.fail(&cause);
                }
            }
        });
        let swap = async {
            let read = self.answer(self.http.post(grant.endpoint(v1::READ))).await.map_err(PairError::Refused)?;
            match read.status() {
                StatusCode::OK => {}
                status @ (StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED) => {
                    return Err(PairError::Gone(format!("the server does not know the session any more ({status})")));
                }
                status => return Err(PairError::Refused(format!("`read` was answered with {status}"))),
            }
            let incoming = Incoming::new(reqwest::Body::from(read));
            swapper.swap(incoming, outgoing).await.map_err(|error| match error {
                SwapError::Refused(cause) => PairError::Refused(cause),
                SwapError::Lost(cause) => PairError::Lost(cause),
            })
        };
        tokio::select! {
            brought = swap => brought,
            Ok(cause) = answered_early => Err(PairError::Refused(cause)),
        }
    }

    /// Asks the server for no more exchanges. False where the server does not know that.
    pub(super) async fn drain(&self, grant: &Grant) -> bool {
        let answer = self.answer(self.http.post(grant.endpoint(v1::DRAIN))).await;
        answer.is_ok_and(|response| response.status() == StatusCode::NO_CONTENT)
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Response, String> {
        let host = self.source.url().origin().ascii_serialization();
        match timeout(ANSWER_DEADLINE, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(format!("the server at `{host}` cannot be reached: {}", innermost(&error))),
            Err(_) => Err(format!(
                "the server at `{host}` has not answered within 15 s; a proxy on the way may be holding the request back"
            )),
        }
    }
}

fn describe_early(answer: &Result<Response, reqwest::Error>) -> String {
    match answer {
        Ok(response) => format!("`write` was answered with {} before its end", response.status()),
        Err(error) => format!("`write` was cut: {}", innermost(error)),
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

/// The cause at the bottom of an error, which says what happened; what stands above it repeats URLs, and those carry
/// tokens.
fn innermost(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let text = innermost.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

/// A header as text, empty where it is missing.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map(HeaderValue::to_str).and_then(Result::ok).unwrap_or_default()
}
