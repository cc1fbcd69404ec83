//! What is said of webhooks: by the examples that their senders document, or that their packages give.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::inspect::exchange::{Body, Message};

mod event;
mod twilio;

/// Secrets by their senders' names.
pub(super) fn secrets(given: &[(Provider, &str)]) -> Secrets {
    let mut secrets = Secrets::default();
    for (provider, text) in given {
        secrets.add(*provider, text).unwrap();
    }
    secrets
}

/// A request to `/hook` that was seen whole.
pub(super) fn seen(headers: &str, body: &[u8]) -> Exchange {
    let head = format!("POST /hook HTTP/1.1\r\nHost: a.example\r\n{headers}\r\n").into_bytes();
    let body = Body { kept: body.to_vec(), size: body.len() as u64 };
    Exchange::of(Message { head, body, ..Message::default() })
}

/// What is said of it, in one line.
pub(super) fn line(verdict: &Verdict) -> String {
    let reason = verdict.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    format!("{}{reason}", verdict.signature.name())
}

#[track_caller]
fn says(provider: Provider, secret: &str, exchange: &Exchange, now: u64, expected: &str) {
    let verdict = check(provider, exchange, &secrets(&[(provider, secret)]), None, Duration::from_secs(now));
    assert_eq!(line(&verdict), expected);
}

const ANOTHER: &str = "invalid: the secret is another one, or what was signed has been changed since";

/// From GitHub's documentation.
const GITHUB: (&str, &str, &[u8]) = (
    "It's a Secret to Everybody",
    "X-Hub-Signature-256: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17\r\n",
    b"Hello, World!",
);

#[test]
fn github() {
    let (secret, signature, body) = GITHUB;
    let check =
        |headers: &str, body: &[u8], expected| says(Provider::GitHub, secret, &seen(headers, body), 0, expected);
    check(signature, body, "valid");
    check(signature, b"Hello, World", ANOTHER);
    check("", body, "invalid: there is no header `X-Hub-Signature-256`");
    check(
        "X-Hub-Signature: sha1=0",
        body,
        "unchecked: it is signed by SHA-1 alone, `X-Hub-Signature`, which is not checked",
    );
    let malformed =
        "invalid: the header `X-Hub-Signature-256` is malformed: it has to be `sha256=` and 64 hexadecimal digits";
    for value in [
        "",
        "sha1=1",
        "sha256=",
        &format!("sha256={}", "g".repeat(64)),
        &format!("sha256={}", "é".repeat(32)),
        "\u{ff}",
    ] {
        check(&format!("X-Hub-Signature-256: {value}\r\n"), body, malformed);
    }
    says(Provider::GitHub, "another", &seen(signature, body), 0, ANOTHER);
    says(
        Provider::GitHub,
        &format!(" {secret}\n"),
        &seen(signature, body),
        0,
        "invalid: holds for the secret without the white space around it",
    );
}

#[test]
fn a_body_that_was_changed() {
    let signed = |body: &[u8]| {
        let all = secrets(&[(Provider::GitHub, "s")]);
        let exchange = seen("", body);
        let signed = sign(Provider::GitHub, &Request::of(&exchange.request), &all, None, Duration::ZERO).unwrap();
        format!("{}: {}\r\n", signed.headers[0].0, signed.headers[0].1)
    };
    let check = |was: &[u8], is: &[u8], how| {
        let expected =
            format!("invalid: the body was changed: {how}; its length was {} and is {}", was.len(), is.len());
        says(Provider::GitHub, "s", &seen(&signed(was), is), 0, &expected);
    };
    check(b"a\n", b"a", "the line feed at its end was taken off");
    check(b"a", b"a\n", "a line feed was put at its end");
    check(b"a", b"a\r\n", "a line feed was put at its end");
    check(br#"{"c":1}"#, br#"{"c":1} "#, "white space was put at its end");
    check(b"a\nb", b"a\r\nb", "its line feeds were made CR LF");
    check(b"a\r\nb\r\n", b"a\nb\n", "its CR LF were made line feeds");
    check(
        br#"{"a b":"\" {","c":1}"#,
        br#"{ "a b" : "\" {", "c": 1 }"#,
        "white space was put between the parts of its JSON",
    );
}

#[test]
fn several_secrets() {
    let (secret, signature, body) = GITHUB;
    let all = secrets(&[(Provider::GitHub, "old"), (Provider::GitHub, secret), (Provider::Slack, "x")]);
    let verdict = check(Provider::GitHub, &seen(signature, body), &all, None, Duration::ZERO);
    assert_eq!(verdict, Verdict::VALID);
    let none = check(Provider::Stripe, &seen("", b""), &all, None, Duration::ZERO);
    assert_eq!(line(&none), "unchecked: no secret is known; `--webhook-secret stripe=SECRET` gives one");
}

#[test]
fn bodies_that_are_not_whole() {
    let (secret, signature, body) = GITHUB;
    let mut exchange = seen(signature, body);
    exchange.request.body.size = 5_000_000;
    let sentence = "unchecked: only 13 of the 5000000 bytes of the body were kept, so it cannot be checked";
    says(Provider::GitHub, secret, &exchange, 0, sentence);
    let mut exchange = seen(&format!("Content-Length: 20\r\n{signature}"), body);
    let sentence = "unchecked: the body was cut: its length is 13, and 20 were promised, so it cannot be checked";
    says(Provider::GitHub, secret, &exchange, 0, sentence);
    exchange.state = State::Asked;
    says(Provider::GitHub, secret, &exchange, 0, "unchecked: the body is still under way");
}

#[test]
fn what_holds_and_is_refused() {
    let (secret, signature, body) = GITHUB;
    let mut exchange = seen(signature, body);
    let mut check = |status: u16, expected: &str| {
        let head = format!("HTTP/1.1 {status} X\r\n\r\n").into_bytes();
        exchange.response = Some(Message { head, ..Message::default() });
        says(Provider::GitHub, secret, &exchange, 0, expected);
    };
    check(200, "valid");
    check(500, "valid");
    let why = "it may know another secret, or check the body after parsing it";
    check(401, &format!("valid: the service answered 401 all the same: {why}"));
    check(403, &format!("valid: the service answered 403 all the same: {why}"));
}

/// Signed by Stripe's own package for Python.
const STRIPE: (&str, u64, &str, &[u8]) = (
    "whsec_test",
    1_700_000_000,
    "a3f7d2647ca8af4e7ebbd79c4f9380dbd98ee11b35cf0485b700ca327380e947",
    br#"{"id":"evt_1","type":"charge.succeeded"}"#,
);

#[test]
fn stripe() {
    let (secret, at, digits, body) = STRIPE;
    let check = |value: &str, now, expected: &str| {
        says(Provider::Stripe, secret, &seen(&format!("Stripe-Signature: {value}\r\n"), body), now, expected);
    };
    let good = format!("t={at},v1={digits}");
    check(&good, at, "valid");
    check(&good, at + 300, "valid");
    check(&good, at + 301, "invalid: the timestamp is 301 s old, and 300 s are allowed");
    check(&good, at + 412, "invalid: the timestamp is 412 s old, and 300 s are allowed");
    // Stripe's libraries look at the past alone.
    check(&good, at - 412, "valid");
    let zeros = "0".repeat(64);
    check(&format!("t={at},v1={zeros},v0={zeros},v1={digits}"), at, "valid");
    check(&format!("t={at}, v0={digits}, v1={zeros}"), at, ANOTHER);
    check(&format!("t={},v1={digits}", at + 1), at, ANOTHER);
    let malformed = "invalid: the header `Stripe-Signature` is malformed: it has to be `t=`, a number, `,v1=` and 64 hexadecimal digits";
    for value in
        ["", "t=1", &format!("v1={digits}"), &format!("t=x,v1={digits}"), &format!("t={at},v0={digits}"), "t=1,v1=abc"]
    {
        check(value, at, malformed);
    }
    says(Provider::Stripe, secret, &seen("", body), at, "invalid: there is no header `Stripe-Signature`");
    let bare = seen(&format!("Stripe-Signature: {good}\r\n"), body);
    says(Provider::Stripe, "test", &bare, at, ANOTHER);
}

/// From Slack's documentation.
const SLACK: (&str, u64, &str, &[u8]) = (
    "8f742231b10e8888abcd99yyyzzz85a5",
    1_531_420_618,
    "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar\
      &user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com\
      %2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d\
      10d2c447fce8b6703c",
);

#[test]
fn slack() {
    let (secret, at, signature, body) = SLACK;
    let check = |time: &str, signature: &str, now, expected: &str| {
        let headers = format!("X-Slack-Request-Timestamp: {time}\r\nX-Slack-Signature: {signature}\r\n");
        says(Provider::Slack, secret, &seen(&headers, body), now, expected);
    };
    check(&at.to_string(), signature, at, "valid");
    check(&at.to_string(), signature, at + 412, "invalid: the timestamp is 412 s old, and 300 s are allowed");
    check(&at.to_string(), signature, at - 412, "invalid: the timestamp is 412 s ahead, and 300 s are allowed");
    check(&(at + 1).to_string(), signature, at, ANOTHER);
    let malformed = |name: &str, form: &str| format!("invalid: the header `{name}` is malformed: it has to be {form}");
    check("now", signature, at, &malformed("X-Slack-Request-Timestamp", "a number of seconds"));
    check("1", "v1=1", at, &malformed("X-Slack-Signature", "`v0=` and 64 hexadecimal digits"));
    let missing = |headers: &str, name: &str| {
        says(Provider::Slack, secret, &seen(headers, body), at, &format!("invalid: there is no header `{name}`"));
    };
    missing("X-Slack-Request-Timestamp: 1\r\n", "X-Slack-Signature");
    missing(&format!("X-Slack-Signature: {signature}\r\n"), "X-Slack-Request-Timestamp");
}

/// From the specification's libraries.
const STANDARD: (&str, u64, &str, &[u8]) = (
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    1_614_265_330,
    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    br#"{"test": 2432232314}"#,
);

#[test]
fn standard_webhooks() {
    let (secret, at, signature, body) = STANDARD;
    let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    let headers = |names: &str, time: &str, signature: &str| {
        format!("{names}-id: {id}\r\n{names}-timestamp: {time}\r\n{names}-signature: {signature}\r\n")
    };
    let check = |time: &str, signature: &str, now, expected: &str| {
        for names in ["webhook", "Svix"] {
            let expected = expected.replace("webhook-", &format!("{}-", names.to_lowercase()));
            says(Provider::Standard, secret, &seen(&headers(names, time, signature), body), now, &expected);
        }
    };
    let time = at.to_string();
    check(&time, signature, at, "valid");
    check(&time, &format!("v1,AAAA v1a,x {signature}"), at, "valid");
    check(&time, "v1,AAAA", at, ANOTHER);
    check(&time, signature, at + 412, "invalid: the timestamp is 412 s old, and 300 s are allowed");
    check(&time, signature, at - 412, "invalid: the timestamp is 412 s ahead, and 300 s are allowed");
    check(&time, "v1a,AAAA", at, "unchecked: it is signed by a key pair alone, `v1a`, which is not checked");
    check(&time, "AAAA", at, "invalid: the header `webhook-signature` is malformed: it has to be `v1,` and base64");
    check(
        "1.5",
        signature,
        at,
        "invalid: the header `webhook-timestamp` is malformed: it has to be a number of seconds",
    );
    let without = seen(&format!("webhook-id: {id}\r\nwebhook-timestamp: 1\r\n"), body);
    says(Provider::Standard, secret, &without, at, "invalid: there is no header `webhook-signature`");
    // With the mark or without, with padding or without.
    for secret in ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw=="] {
        says(Provider::Standard, secret, &seen(&headers("webhook", &time, signature), body), at, "valid");
    }
}

#[test]
fn secrets_that_are_used_in_another_way() {
    let signed = |signer, secret: &str| {
        let all = secrets(&[(signer, secret)]);
        let exchange = seen("webhook-id: m\r\nwebhook-timestamp: 0\r\nwebhook-signature: v1,\r\n", b"{}");
        // The scheme is that of Standard Webhooks, the key what another sender would make of the secret.
        let key = all.of(signer).next().unwrap().key();
        let request = Request::of(&exchange.request);
        let made = (standard::SCHEME.sign)(&request, &|before| content::mac(key, before, b"{}"), 0);
        made.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect::<Vec<_>>().concat()
    };
    let whole = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let check = |signer, secret: &str, expected| {
        says(Provider::Standard, whole, &seen(&signed(signer, secret), b"{}"), 0, expected);
    };
    check(Provider::Standard, whole, "valid");
    check(Provider::GitHub, whole, "invalid: holds for the secret as it is written, not decoded from base64");
    check(Provider::GitHub, &whole[6..], "invalid: holds for the secret without `whsec_` before it");
}

#[test]
fn secrets_that_are_none() {
    let add = |provider, text| Secrets::default().add(provider, text);
    assert_eq!(add(Provider::GitHub, " \n"), Err(InvalidSecret::Empty));
    assert_eq!(add(Provider::Standard, "whsec_!"), Err(InvalidSecret::NotBase64));
    assert_eq!(add(Provider::Standard, "whsec_"), Err(InvalidSecret::NotBase64));
    assert_eq!(add(Provider::Standard, "whsec_AAAA"), Ok(()));
    assert!(Secrets::default().is_empty());
}

#[test]
fn what_is_signed_anew_holds() {
    let texts = [
        (Provider::GitHub, "a"),
        (Provider::Stripe, "b"),
        (Provider::Slack, "c"),
        (Provider::Twilio, "d"),
        (Provider::Standard, "AAAA"),
    ];
    let all = secrets(&texts);
    let now = Duration::from_secs(2_000_000_000);
    for provider in Provider::ALL {
        let mut exchange = seen(
            "webhook-id: m\r\nwebhook-timestamp: 1\r\nX-HUB-signature-256: old\r\nX-Hub-Signature-256: older\r\n",
            b"x",
        );
        let request = Request::of(&exchange.request);
        let signed = sign(provider, &request, &all, None, now).unwrap();
        let mut replay = Replay::of(&exchange);
        signed.put_into(&mut replay);
        exchange.request.head = replay.to_bytes().unwrap();
        exchange.request.head.truncate(exchange.request.head.len() - replay.body.len());
        let verdict = check(provider, &exchange, &all, None, now);
        assert_eq!(verdict, Verdict::VALID, "{provider:?}");
        assert_eq!(sign(provider, &Request::of(&exchange.request), &Secrets::default(), None, now), None);
        if provider == Provider::GitHub {
            let names: Vec<_> = replay.headers.iter().map(|(name, _)| String::from_utf8_lossy(name)).collect();
            assert_eq!(names, ["Host", "webhook-id", "webhook-timestamp", "X-HUB-signature-256"]);
        }
        if provider == Provider::Standard {
            assert_eq!(exchange.request.header("webhook-id"), Some(&b"m"[..]), "the delivery is the same one");
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(head: Vec<u8>, body: Vec<u8>, value in "[ -~]{0,80}", now: u64) {
        let texts = [(Provider::GitHub, "a"), (Provider::Stripe, "b"), (Provider::Slack, "c"), (Provider::Twilio, "d"), (Provider::Standard, "AAAA")];
        let all = secrets(&texts);
        let site = "https://a.example/x".parse().ok();
        let names = ["X-GitHub-Event", "X-Hub-Signature-256", "Stripe-Signature", "X-Slack-Signature", "X-Slack-Request-Timestamp",
            "X-Twilio-Signature", "webhook-id", "webhook-signature", "webhook-timestamp", "Content-Type", "X-Forwarded-Host", "Authorization"];
        let headers: String = names.map(|name| [name, ": ", &value, "\r\n"].concat()).concat();
        let mut exchange = seen(&headers, &body);
        for head in [exchange.request.head.clone(), head] {
            exchange.request.head = head;
            let _ = recognise(&exchange.request);
            for provider in Provider::ALL {
                let now = Duration::from_secs(now);
                let _ = check(provider, &exchange, &all, site.as_ref(), now);
                let signed = sign(provider, &Request::of(&exchange.request), &all, site.as_ref(), now);
                if let Some(signed) = signed {
                    signed.put_into(&mut Replay::of(&exchange));
                }
            }
        }
    }
}
