//! What flags, files and environment come to.

use std::time::Duration;

use super::*;
use crate::cmd::env::{self, Env};
use crate::cmd::exit::Exit;
use crate::cmd::parsed;
use crate::proxy::Trusted;

fn settle(args: &[&str], env: &Env) -> Result<Settings, Failure> {
    parsed::<Serve>("serve", args).settle(&Sources::new("serve", env, []))
}

#[track_caller]
pub(in crate::cmd::serve) fn check<T: PartialEq + std::fmt::Debug>(
    args: &[&str],
    env: &Env,
    seen: fn(Settings) -> T,
    expected: T,
) {
    let settings = settle(args, env).map_err(|failure| failure.sentence);
    assert_eq!(settings.map(seen), Ok(expected), "{args:?}");
}

#[track_caller]
pub(in crate::cmd::serve) fn refused(args: &[&str], env: &Env, sentence: &str) {
    assert_eq!(settle(args, env).err(), Some(Failure::new(Exit::Usage, sentence)), "{args:?}");
}

#[test]
fn addresses() {
    let address = |settings: Settings| settings.address;
    let parse = |text| Address::parse(text).unwrap();
    let env = Env::from([(env::ADDR, "127.0.0.1:1")]);
    check(&[], &Env::default(), address, parse("127.0.0.1:5050"));
    check(&[], &env, address, parse("127.0.0.1:1"));
    check(&["-addr=:2"], &env, address, parse(":2"));
    refused(&["-addr=2"], &env, "wrong `--addr`: `2` is no address to listen on; write it like `127.0.0.1:5050`");
}

#[test]
fn redirects() {
    let plain_http = |settings: Settings| settings.config.plain_http;
    let on = Env::from([(env::HTTPS_REDIR, "1")]);
    check(&[], &Env::default(), plain_http, PlainHttp::Serve);
    check(&["-https-redir"], &Env::default(), plain_http, PlainHttp::Redirect);
    check(&[], &on, plain_http, PlainHttp::Redirect);
    check(&["-https-redir=false"], &on, plain_http, PlainHttp::Serve);
    check(&[], &Env::from([(env::HTTPS_REDIR, "0")]), plain_http, PlainHttp::Serve);
    let nonsense = Env::from([(env::HTTPS_REDIR, "yes")]);
    refused(&[], &nonsense, "wrong environment variable `SENDIT_HTTPS_REDIR`: it is `1` or `0`, not `yes`");
}

#[test]
fn domains() {
    let domain = |settings: Settings| settings.config.domain;
    check(&[], &Env::default(), domain, None);
    check(&["--domain", "T.example."], &Env::default(), domain, "t.example".parse().ok());
    check(&[], &Env::from([(env::DOMAIN, "t.example")]), domain, "t.example".parse().ok());
    let sentence = "wrong `--domain`: `*.t.example` is none: a domain is labels of letters, digits and `-`, with dots between them, like `tunnel.example.com`";
    refused(&["--domain=*.t.example"], &Env::default(), sentence);
}

#[test]
fn certificates() {
    let named = |settings: Settings| settings.files.certificate.is_some();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let issued = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    std::fs::write(path("c"), issued.cert.pem()).unwrap();
    std::fs::write(path("k"), issued.signing_key.serialize_pem()).unwrap();
    let (cert, key) = (&*path("c"), &*path("k"));
    check(&[], &Env::default(), named, false);
    check(&["--tls-cert", cert, "--tls-key", key, "--redirect-addr", ":0"], &Env::default(), named, true);
    check(&[], &Env::from([(env::TLS_CERT, cert), (env::TLS_KEY, key)]), named, true);
    let sentence = "`--tls-cert` takes `--tls-key` as well: the key of the certificate";
    refused(&["--tls-cert=c"], &Env::default(), sentence);
    let sentence = "`--tls-key` takes `--tls-cert` as well: the certificate of the key";
    refused(&["--tls-key=k"], &Env::default(), sentence);
    let sentence = "`--redirect-addr` is of no use without `--tls-cert` or `--acme`: there is no https to send to";
    refused(&["--redirect-addr=:0"], &Env::default(), sentence);
}

#[test]
fn target_timeouts() {
    let limit = |settings: Settings| settings.config.target_timeout;
    check(&[], &Env::default(), limit, None);
    check(&["--target-timeout", "1m"], &Env::default(), limit, Some(Duration::from_secs(60)));
    let sentence = "wrong `--target-timeout`: `0s` is no use: the length of time must be more than zero";
    refused(&["--target-timeout=0s"], &Env::default(), sentence);
}

#[test]
fn graces() {
    let grace = |settings: Settings| settings.config.grace;
    check(&[], &Env::default(), grace, Duration::from_secs(60));
    check(&["--grace", "5m"], &Env::default(), grace, Duration::from_secs(300));
    let sentence = "wrong `--grace`: `0s` is no use: the length of time must be more than zero";
    refused(&["--grace=0s"], &Env::default(), sentence);
}

#[test]
fn proxies() {
    let trusted = |settings: Settings| settings.config.trusted;
    let of = |networks: &[&str]| Trusted::new(&networks.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>());
    let none = Env::default();
    check(&[], &none, trusted, of(&["127.0.0.0/8", "::1"]));
    check(&["--trusted-proxy", "10.0.0.0/8", "--trusted-proxy=::1"], &none, trusted, of(&["10.0.0.0/8", "::1"]));
    check(&["--trusted-proxy=none"], &none, trusted, of(&[]));
    let sentence = "wrong `--trusted-proxy`: `none` is no range of addresses; write it like `192.0.2.0/24`, `2001:db8::/32` or `192.0.2.7`";
    refused(&["--trusted-proxy=none", "--trusted-proxy=::1"], &none, sentence);
    check(&["--max-hold=2m"], &none, |settings| settings.config.max_hold, Duration::from_secs(120));
    refused(
        &["--max-hold=2"],
        &none,
        "wrong `--max-hold`: `2` has no unit; write it like `15s`, `1m30s`, `500ms` or `30d`",
    );
}

#[test]
fn places() {
    let base = |settings: Settings| settings.config.base;
    let env = Env::from([(env::HTTP_PREFIX, "/a/"), (env::PUBLIC_URL, "https://h")]);
    check(&[], &env, base, "/a".parse().unwrap());
    check(&["-http-prefix", "b/c"], &env, base, "/b/c".parse().unwrap());
    let public = |settings: Settings| settings.config.public_url.map(String::from);
    check(&[], &Env::default(), public, None);
    check(&[], &env, public, Some("https://h/".to_owned()));
    check(&["--public-url", "http://i:81"], &env, public, Some("http://i:81/".to_owned()));
    for text in ["h", "ftp://h", "https://h/p", "https://h?q", "https://h#f", "https://u@h", "https://:p@h", ""] {
        let cause = "is no public URL; write scheme and host alone, like `https://example.com`";
        let sentence = format!("wrong `--public-url`: `{text}` {cause}");
        refused(&["--public-url", text], &Env::default(), &sentence);
    }
}

#[test]
fn secrets() {
    let auth = |settings: Settings| settings.auth;
    let strong = &*"s".repeat(32);
    check(&[], &Env::default(), auth, Auth::Local);
    check(&["-insecure"], &Env::default(), auth, Auth::Anybody);
    check(&["-insecure", "-secret="], &Env::default(), auth, Auth::Anybody);
    check(&["-secret", strong], &Env::default(), auth, Auth::Token(Strength::Strong));
    check(&["-insecure", "-secret", strong], &Env::default(), auth, Auth::Token(Strength::Strong));
    check(&["-secret", strong, "-secret", "-x"], &Env::default(), auth, Auth::Token(Strength::Weak));
    check(&[], &Env::from([(env::SECRET, "s")]), auth, Auth::Token(Strength::Weak));
    check(&[], &Env::from([(env::SECRET, "")]), auth, Auth::Local);
    let empty = "the secret is empty; give one of 32 random bytes or more";
    refused(&["-secret="], &Env::default(), empty);
    refused(&["-secret", strong, "-secret="], &Env::default(), empty);
}

#[tokio::test]
async fn warnings() {
    let local = Address::parse("127.0.0.1:0").unwrap().resolve().await.map_err(|failure| failure.sentence).unwrap();
    let open = Address::parse(":5050").unwrap().resolve().await.map_err(|failure| failure.sentence).unwrap();
    let warning = |auth: Auth, at| auth.warning(at).map_err(|failure| failure.sentence);
    let ok = |text: &str| Ok(Some(text.to_owned()));
    for at in [&local, &open] {
        assert_eq!(warning(Auth::Token(Strength::Strong), at), Ok(None));
        assert_eq!(warning(Auth::Token(Strength::Weak), at), ok(WEAK));
    }
    let here = "there is no secret, so every program on this machine can open tunnels";
    assert_eq!(warning(Auth::Local, &local), ok(here));
    assert_eq!(warning(Auth::Anybody, &local), ok(here));
    let there = "there is no secret, so anybody who reaches it can open tunnels";
    assert_eq!(warning(Auth::Anybody, &open), ok(there));
    let sentence = "`:5050` can be reached from other machines, and there is no secret: give `--secret-file`, \
                    listen on `127.0.0.1`, or let anybody open tunnels with `--insecure`";
    assert_eq!(warning(Auth::Local, &open), Err(sentence.to_owned()));
}
