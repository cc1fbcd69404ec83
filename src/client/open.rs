//! What the server says to `open`, and what follows from it.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use reqwest::{Response, StatusCode, Url};
use tokio::time::timeout;

use super::link::text;
use super::{Error, Source};
use crate::wire::{ERROR_HEADER, FAULT_KEY_HEADER, v1};

/// How long the answer's first line may take, once its head is there.
const LINE_DEADLINE: Duration = Duration::from_secs(15);

/// The most that is read of an answer: a token has 4 KiB at most.
const MAX_LINE: usize = 4 * 1024 + 1;

/// A session that the server has given.
pub(super) struct Grant {
    token: String,
    /// Where `open` was answered: the carriers go there too.
    open: Url,
    /// What our own failures are marked with, where the server knows how to read it.
    pub(super) fault_key: Option<String>,
    /// A Go server ends the session if its answer to `open` is cut before the tunnel stands, and it may go on for ever.
    _answer: Response,
}

impl Grant {
    /// The URL of a carrier.
    pub(super) fn endpoint(&self, path: &str) -> Url {
        let base = self.open.path().strip_suffix(v1::OPEN).unwrap_or_default();
        let mut url = self.open.clone();
        url.set_path(&format!("{base}{path}"));
        url.query_pairs_mut().append_pair("token", &self.token);
        url
    }
}

/// Why there is no session.
#[derive(Debug)]
pub(super) enum Denied {
    Token(String),
    Prefix(String),
    NotSendit(String),
    /// It may work later.
    Later(String),
    /// Nothing that could answer was reached.
    Unreachable(String),
}

impl Denied {
    /// The error that ends the client, or why it may try again.
    pub(super) fn into_error(self) -> Result<Error, String> {
        match self {
            Self::Token(cause) => Ok(Error::Unauthorized(cause)),
            Self::Prefix(cause) => Ok(Error::Prefix(cause)),
            Self::NotSendit(cause) => Ok(Error::NotSendit(cause)),
            Self::Later(cause) | Self::Unreachable(cause) => Err(cause),
        }
    }

    pub(super) fn elsewhere(source: &Source, location: &str) -> Self {
        Self::NotSendit(format!(
            "`{source}` redirects to `{location}`, and a token is sent to no other place: give the server's own URL"
        ))
    }
}

/// An answer to `open`.
pub(super) struct Answer {
    response: Response,
    url: Url,
}

impl Answer {
    pub(super) fn of(response: Response, url: Url) -> Self {
        Self { response, url }
    }

    /// Reads no more than the first line: a Go server keeps its answer open.
    pub(super) async fn read(mut self, source: &Source) -> Result<Grant, Denied> {
        let Ok(line) = timeout(LINE_DEADLINE, first_line(&mut self.response)).await else {
            let cause = "the server's answer has not come within 15 s; a proxy on the way may be holding it back";
            return Err(Denied::Later(cause.to_owned()));
        };
        if self.response.status() == StatusCode::OK && is_token(&line) {
            let key = text(self.response.headers(), FAULT_KEY_HEADER);
            let fault_key = Some(key.to_owned()).filter(|key| !key.is_empty());
            return Ok(Grant { token: line, open: self.url, fault_key, _answer: self.response });
        }
        let seen = Seen {
            status: self.response.status(),
            code: text(self.response.headers(), ERROR_HEADER),
            kind: text(self.response.headers(), CONTENT_TYPE.as_str()),
            challenged: self.response.headers().contains_key(WWW_AUTHENTICATE),
            line: &line,
        };
        Err(seen.judge(source))
    }
}

async fn first_line(response: &mut Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < MAX_LINE && !bytes.contains(&b'\n') {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk[..chunk.len().min(MAX_LINE)]),
            Ok(None) | Err(_) => break,
        }
    }
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    String::from_utf8_lossy(line).trim().to_owned()
}

/// Three parts of base64url with dots between them.
fn is_token(line: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    line.split('.').count() == 3 && line.split('.').all(part)
}

/// What can be told from a refusal.
struct Seen<'a> {
    status: StatusCode,
    code: &'a str,
    kind: &'a str,
    /// It asks for another kind of authentication than ours.
    challenged: bool,
    line: &'a str,
}

impl Seen<'_> {
    fn judge(&self, source: &Source) -> Denied {
        let prefix = source.prefix();
        let host = source.url().origin().ascii_serialization();
        // A Go server has no codes, only its sentences.
        match (self.status, self.code) {
            (StatusCode::UNAUTHORIZED, _) if !self.challenged => Denied::Token(format!(
                "the server at `{host}` does not accept the token: make one with `sendit token` and the server's secret"
            )),
            (StatusCode::FORBIDDEN, "forbidden-prefix") => Denied::Prefix(format!(
                "the token does not allow the prefix `{prefix}`: choose one that it was made for"
            )),
            (StatusCode::BAD_REQUEST, "prefix-in-use") => Self::in_use(source),
            (StatusCode::BAD_REQUEST, "invalid-prefix") => Self::invalid(source),
            (StatusCode::BAD_REQUEST, _) if self.line.contains("in use") => Self::in_use(source),
            (StatusCode::BAD_REQUEST, _) if self.line.contains("invalid prefix") => Self::invalid(source),
            (StatusCode::SERVICE_UNAVAILABLE, "limit") => {
                Denied::Later(format!("the server at `{host}` takes no session now: {}", self.line))
            }
            (StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS, _) => self.later(&host),
            (status, _) if status.is_server_error() => self.later(&host),
            _ => self.not_sendit(source),
        }
    }

    fn later(&self, host: &str) -> Denied {
        Denied::Later(format!("`{host}` answered with {}", self.status))
    }

    fn in_use(source: &Source) -> Denied {
        Denied::Later(format!("the prefix `{}` is in use by another client", source.prefix()))
    }

    fn invalid(source: &Source) -> Denied {
        Denied::Prefix(format!("the server refuses the prefix `{}`", source.prefix()))
    }

    fn not_sendit(&self, source: &Source) -> Denied {
        let what = match self.kind.split(';').next().unwrap_or_default().trim() {
            "" => self.status.to_string(),
            kind => format!("{} and `{}`", self.status, kind.escape_default()),
        };
        Denied::NotSendit(format!(
            "there is no sendit server at `{source}`: it answered with {what}; check the URL, the prefix is its last part"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, code: &str, line: &str, expected: &str) {
        let source: Source = "https://host/foo".parse().unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        let seen = Seen { status, code, kind: "text/html; charset=x", challenged: false, line };
        assert_eq!(format!("{:?}", seen.judge(&source)), expected);
    }

    #[test]
    fn refusals() {
        let token = "Token(\"the server at `https://host` does not accept the token: make one with `sendit token` and the server's secret\")";
        check(401, "bad-token", "", token);
        check(401, "", "token contains an invalid number of segments", token);
        let in_use = "Later(\"the prefix `foo` is in use by another client\")";
        check(400, "prefix-in-use", "", in_use);
        check(400, "", "prefix already in use", in_use);
        let invalid = "Prefix(\"the server refuses the prefix `foo`\")";
        check(400, "invalid-prefix", "", invalid);
        check(400, "", "invalid prefix value", invalid);
        check(
            403,
            "forbidden-prefix",
            "",
            "Prefix(\"the token does not allow the prefix `foo`: choose one that it was made for\")",
        );
        check(503, "limit", "full", "Later(\"the server at `https://host` takes no session now: full\")");
        check(502, "", "", "Later(\"`https://host` answered with 502 Bad Gateway\")");
        check(429, "", "", "Later(\"`https://host` answered with 429 Too Many Requests\")");
        let other = |status: &str| {
            format!(
                "NotSendit(\"there is no sendit server at `https://host/foo`: it answered with {status} and `text/html`; check the URL, the prefix is its last part\")"
            )
        };
        check(404, "", "", &other("404 Not Found"));
        check(200, "", "<html>", &other("200 OK"));
        check(403, "", "", &other("403 Forbidden"));
    }

    #[test]
    fn tokens() {
        for (line, expected) in [
            ("a.b-_.9", true),
            ("a.b", false),
            ("a..b", false),
            ("a.b.c.d", false),
            ("<html>", false),
            ("a.b.c d", false),
        ] {
            assert_eq!(is_token(line), expected, "{line}");
        }
    }
}
