//! Why a server gives no session, told from its answer.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{Response, StatusCode};

use super::link::{Denied, text};
use super::{Source, Token};
use crate::wire::UNCERTIFIED;

/// The longest that a client rests because somebody asks it to.
const LONGEST_REST: Duration = Duration::from_secs(5 * 60);

/// What can be told from an answer to `open` that gives no session.
pub(super) struct Seen<'a> {
    status: StatusCode,
    code: &'a str,
    kind: &'a str,
    /// It asks for another kind of authentication than ours.
    challenged: bool,
    /// How long it wants to be left alone (RFC 9110, section 10.2.3). A date there depends on two clocks, and is not heeded.
    rest: Option<Duration>,
    line: &'a str,
}

impl<'a> Seen<'a> {
    /// What an answer shows; `code` and `line` stand in it where each wire has them.
    pub(super) fn of(response: &'a Response, code: &'a str, line: &'a str) -> Self {
        Self {
            status: response.status(),
            code,
            kind: text(response.headers(), CONTENT_TYPE.as_str()),
            rest: text(response.headers(), RETRY_AFTER.as_str()).parse().ok().map(Duration::from_secs),
            challenged: response.headers().contains_key(WWW_AUTHENTICATE),
            line,
        }
    }

    /// What follows from it, for who has asked at `source` with this token.
    pub(super) fn judge(&self, source: &Source, token: Option<&Token>) -> Denied {
        match (self.meant(source, token), self.rest) {
            (Denied::Later(cause), Some(rest)) => Denied::After(rest.min(LONGEST_REST), cause),
            (denied, _) => denied,
        }
    }

    fn meant(&self, source: &Source, token: Option<&Token>) -> Denied {
        let prefix = source.prefix();
        let host = source.url().origin().ascii_serialization();
        // A Go server has no codes, only its sentences.
        match (self.status, self.code) {
            (StatusCode::UNAUTHORIZED, _) if !self.challenged && token.is_none() => Denied::Token(format!(
                "the server at `{host}` asks for a token: give one with `--token-file` or `--token`; `sendit token` makes \
                 them, with the server's secret"
            )),
            (StatusCode::UNAUTHORIZED, "revoked") => revoked(source),
            (StatusCode::UNAUTHORIZED, _) if !self.challenged => Denied::Token(format!(
                "the server at `{host}` does not accept the token: make one with `sendit token` and the server's secret"
            )),
            (StatusCode::FORBIDDEN, "forbidden-prefix") => Denied::Prefix(format!(
                "the token does not allow the prefix `{prefix}`: choose one that it was made for"
            )),
            (StatusCode::FORBIDDEN, UNCERTIFIED) => Denied::Certificate(format!(
                "the server at `{host}` does not let this client in: {}; give its certificate with `--client-cert` and \
                 `--client-key`",
                self.line
            )),
            (StatusCode::BAD_REQUEST | StatusCode::CONFLICT, "prefix-in-use") => Self::in_use(source),
            (StatusCode::BAD_REQUEST, "invalid-prefix") => Self::invalid(source),
            (StatusCode::BAD_REQUEST, "bad-request") => {
                Denied::NotGranted(format!("the server at `{host}` cannot do what it is asked for: {}", self.line))
            }
            (StatusCode::BAD_REQUEST, _) if self.line.contains("in use") => Self::in_use(source),
            (StatusCode::BAD_REQUEST, _) if self.line.contains("invalid prefix") => Self::invalid(source),
            (StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS, "limit") => {
                Denied::Later(format!("the server at `{host}` takes no session now: {}", self.line))
            }
            (StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS, _) => self.later(&host),
            // Neither passes: whoever says so knows no POST, or no HTTP/1.1.
            (StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED, _) => self.not_sendit(source),
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

/// What follows where the server says that the token is good no more.
pub(super) fn revoked(source: &Source) -> Denied {
    let host = source.url().origin().ascii_serialization();
    Denied::Token(format!("the server at `{host}` has revoked the token: ask who runs it for another"))
}

/// What follows where the server says that the token's time is over.
pub(super) fn expired(source: &Source) -> Denied {
    let host = source.url().origin().ascii_serialization();
    Denied::Token(format!("the token for the server at `{host}` has expired: ask who runs it for another"))
}

/// What follows where whoever runs the server has ended the session.
pub(super) fn dismissed(source: &Source) -> Denied {
    let host = source.url().origin().ascii_serialization();
    Denied::Dismissed(format!(
        "whoever runs the server at `{host}` has ended the session: ask before you connect again"
    ))
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::super::Token;
    use super::*;

    #[track_caller]
    fn check(status: u16, code: &str, line: &str, expected: &str) {
        let mut config = Config::new("https://host/foo".parse().unwrap(), "http://localhost:1".parse().unwrap());
        config.token = Some(Token::new("x"));
        judged(status, code, line, &config, expected);
    }

    #[track_caller]
    fn judged(status: u16, code: &str, line: &str, config: &Config, expected: &str) {
        let status = StatusCode::from_u16(status).unwrap();
        let seen = Seen { status, code, kind: "text/html; charset=x", challenged: false, rest: None, line };
        assert_eq!(format!("{:?}", seen.judge(&config.source, config.token.as_ref())), expected);
    }

    #[test]
    fn refusals() {
        let token = "Token(\"the server at `https://host` does not accept the token: make one with `sendit token` and the server's secret\")";
        check(401, "bad-token", "", token);
        check(401, "", "token contains an invalid number of segments", token);
        let revoked = "Token(\"the server at `https://host` has revoked the token: ask who runs it for another\")";
        check(401, "revoked", "", revoked);
        let in_use = "Later(\"the prefix `foo` is in use by another client\")";
        check(400, "prefix-in-use", "", in_use);
        check(400, "", "prefix already in use", in_use);
        let invalid = "Prefix(\"the server refuses the prefix `foo`\")";
        check(400, "invalid-prefix", "", invalid);
        check(400, "", "invalid prefix value", invalid);
        let malformed = "NotGranted(\"the server at `https://host` cannot do what it is asked for: what\")";
        check(400, "bad-request", "what", malformed);
        check(
            403,
            "forbidden-prefix",
            "",
            "Prefix(\"the token does not allow the prefix `foo`: choose one that it was made for\")",
        );
        let certificate = "Certificate(\"the server at `https://host` does not let this client in: it has expired; give its certificate with `--client-cert` and `--client-key`\")";
        check(403, "client-certificate", "it has expired", certificate);
        check(503, "limit", "full", "Later(\"the server at `https://host` takes no session now: full\")");
        let full = "Later(\"the server at `https://host` takes no session now: the token has its share\")";
        check(429, "limit", "the token has its share", full);
        for status in ["500 Internal Server Error", "504 Gateway Timeout", "408 Request Timeout"] {
            let number = status[..3].parse().unwrap();
            check(number, "", "", &format!("Later(\"`https://host` answered with {status}\")"));
        }
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
        check(405, "", "", &other("405 Method Not Allowed"));
        check(501, "", "", &other("501 Not Implemented"));
        check(505, "", "", &other("505 HTTP Version Not Supported"));
    }

    #[track_caller]
    fn rests(status: u16, code: &str, retry_after: &str, expected: Option<u64>) {
        let answer = http::Response::builder().status(status).header("retry-after", retry_after).body("").unwrap();
        let denied = Seen::of(&answer.into(), code, "full").judge(&"https://host/foo".parse().unwrap(), None);
        let rest = denied.into_error().err().map(|setback| setback.rest);
        assert_eq!(rest, expected.map(Duration::from_secs), "{status} {code} {retry_after}");
    }

    #[test]
    fn who_is_asked_to_rest_rests_and_not_for_ever() {
        rests(429, "limit", "17", Some(17));
        rests(503, "limit", "10", Some(10));
        rests(503, "", "120", Some(120));
        rests(429, "", "86400", Some(300));
        for nothing in ["", "-1", "1.5", "Fri, 31 Dec 1999 23:59:59 GMT"] {
            rests(429, "limit", nothing, Some(0));
        }
        rests(400, "invalid-prefix", "17", None);
    }

    #[test]
    fn who_has_no_token_is_told_where_to_get_one() {
        let config = Config::new("https://host/foo".parse().unwrap(), "http://localhost:1".parse().unwrap());
        let sentence = "Token(\"the server at `https://host` asks for a token: give one with `--token-file` or `--token`; `sendit token` makes them, with the server's secret\")";
        judged(401, "bad-token", "", &config, sentence);
        judged(401, "", "token is malformed", &config, sentence);
    }
}
