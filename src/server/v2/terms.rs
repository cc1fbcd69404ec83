//! What a client asks of the server's hop at `open`, and what it gets of it.

use std::time::Duration;

use http::HeaderValue;
use http::uri::Authority;

use super::super::open::Terms;
use super::super::{Server, random};
use crate::proxy::{Access, Path, Protocol};
use crate::wire::v2::{Asked, WAITS, Wish};

/// The host that a client asks for is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`host_header` is a host, with a port or without")]
pub(super) struct InvalidHost;

/// The terms of a session, and by name which wishes they grant: on this server all of them.
pub(super) fn settle<'a>(server: &Server, asked: &'a Asked) -> Result<(Terms<'a>, Vec<String>), InvalidHost> {
    let mut terms = Terms::plain(&asked.prefix, server);
    terms.attempt.clone_from(&asked.attempt);
    terms.tells_waits = asked.waits;
    if let Some(millis) = asked.hold_ms {
        terms.hold = Duration::from_millis(millis).min(server.0.config.max_hold);
    }
    let rules = &mut terms.rules;
    rules.access = Access::new(asked.allow_ip.clone(), asked.basic_auth.as_ref(), random());
    rules.host = asked.host_header.as_deref().map(host).transpose()?;
    if asked.strip_prefix {
        rules.path = Path::Stripped;
    }
    if asked.http2 {
        rules.protocol = Protocol::Http2;
    }
    let names = asked.wishes().map(Wish::as_str).chain(asked.waits.then_some(WAITS));
    Ok((terms, names.map(str::to_owned).collect()))
}

/// What visitors may write into `Host` a client may have written there.
fn host(text: &str) -> Result<HeaderValue, InvalidHost> {
    let plain = text.parse::<Authority>().is_ok_and(|host| !host.as_str().contains('@') && !host.host().is_empty());
    HeaderValue::from_str(text).ok().filter(|_| plain).ok_or(InvalidHost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Config;

    #[track_caller]
    fn check(asked: &str, hold: u64, path: Path, protocol: Protocol, host: Option<&str>, granted: &[&str]) {
        let mut config = Config::new(None, || 0);
        config.max_hold = Duration::from_secs(30);
        let (server, asked) = (Server::new(config), serde_json::from_str(asked).unwrap());
        let (terms, names) = settle(&server, &asked).ok().unwrap();
        let rules = &terms.rules;
        let seen = (
            terms.hold.as_millis(),
            rules.path,
            rules.protocol,
            rules.host.as_ref().and_then(|host| host.to_str().ok()),
        );
        assert_eq!(seen, (hold.into(), path, protocol, host));
        assert_eq!(names, granted);
    }

    #[tokio::test]
    async fn what_is_asked_for_is_granted() {
        let (kept, stripped, h1, h2) = (Path::Kept, Path::Stripped, Protocol::Http1, Protocol::Http2);
        check(r#"{"prefix":"foo"}"#, 10_000, kept, h1, None, &[]);
        check(r#"{"prefix":"foo","hold_ms":0,"made_up":true}"#, 0, kept, h1, None, &[]);
        check(r#"{"prefix":"foo","hold_ms":30001}"#, 30_000, kept, h1, None, &[]);
        check(
            r#"{"prefix":"foo","basic_auth":"u:p","allow_ip":["::1"],"host_header":"b:1","strip_prefix":true,"http2":true,"waits":true}"#,
            10_000,
            stripped,
            h2,
            Some("b:1"),
            &["basic_auth", "allow_ip", "host_header", "strip_prefix", "http2", "waits"],
        );
    }

    #[test]
    fn hosts() {
        for (text, valid) in [
            ("a", true),
            ("a.example:81", true),
            ("[::1]:81", true),
            ("", false),
            ("u@a", false),
            ("a/b", false),
            ("a\nb", false),
            (":81", false),
        ] {
            assert_eq!(host(text).is_ok(), valid, "{text:?}");
        }
    }
}
