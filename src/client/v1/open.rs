//! What the server says to `open`, and what follows from it.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{RequestBuilder, Response, StatusCode, Url};
use tokio::time::timeout;

use super::super::link::{Denied, text};
use super::super::refusal::Seen;
use super::super::session::Client;
use super::super::{Config, Token};
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

/// Asks for a session.
pub(super) async fn open(client: &Client) -> Result<Grant, Denied> {
    let token = client.config.token.as_ref().map(Token::as_str).unwrap_or_default();
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("prefix", client.config.source.prefix().as_str())
        .append_pair("token", token)
        .finish();
    let fill =
        |request: RequestBuilder| request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form.clone());
    let (response, url) = client.link.open(v1::OPEN, fill).await?;
    read(response, url, &client.config).await
}

/// Reads no more than the first line of an answer: a Go server keeps it open.
async fn read(mut response: Response, url: Url, config: &Config) -> Result<Grant, Denied> {
    let Ok(line) = timeout(LINE_DEADLINE, first_line(&mut response)).await else {
        let cause = "the server's answer has not come within 15 s; a proxy on the way may be holding it back";
        return Err(Denied::Later(cause.to_owned()));
    };
    if response.status() == StatusCode::OK && is_token(&line) {
        let key = text(response.headers(), FAULT_KEY_HEADER);
        let fault_key = Some(key.to_owned()).filter(|key| !key.is_empty());
        return Ok(Grant { token: line, open: url, fault_key, _answer: response });
    }
    let code = text(response.headers(), ERROR_HEADER);
    Err(Seen::of(&response, code, &line).judge(&config.source, config.token.as_ref()))
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

#[cfg(test)]
mod tests {
    use super::*;

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
