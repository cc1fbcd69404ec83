//! Twilio's signatures: by the examples of its documentation, and for the URLs that a service takes for the public one.

use super::*;
use crate::inspect::address::Site;

const TOKEN: &str = "12345";
const PATH: &str = "/myapp.php?foo=1&bar=2";
const FORM: &[u8] =
    b"To=%2B18005551212&Digits=1234&CallSid=CA1234567890ABCDE&From=%2B14158675310&Caller=%2B14158675310";
/// Of `https://mycompany.com` with [`PATH`] and [`FORM`], from the documentation.
const SIGNATURE: &str = "GvWf1cFY/Q7PnoempGyD5oXAezc=";
const PUBLIC: &str = "X-Forwarded-Proto: https\r\nX-Forwarded-Host: mycompany.com\r\n";

fn called(path: &str, headers: &str, body: &[u8]) -> Exchange {
    let is_form = if body.first() == Some(&b'{') { "json" } else { "x-www-form-urlencoded" };
    let mut exchange = seen(&format!("Content-Type: application/{is_form}\r\n{headers}"), body);
    let head = String::from_utf8(exchange.request.head).unwrap();
    exchange.request.head = head.replace("/hook", path).into_bytes();
    exchange
}

#[track_caller]
fn says(exchange: &Exchange, site: Option<&str>, expected: &str) {
    let site = site.map(|site| site.parse::<Site>().unwrap());
    let verdict =
        check(Provider::Twilio, exchange, &secrets(&[(Provider::Twilio, TOKEN)]), site.as_ref(), Duration::ZERO);
    assert_eq!(line(&verdict), expected);
}

/// What is said of a form that was signed for one URL, and came with such headers for such a path.
#[track_caller]
fn came(signed: &str, path: &str, headers: &str, site: Option<&str>, expected: &str) {
    let url: Site = signed.parse().unwrap();
    let asked = &signed[signed.find(&url.host).unwrap() + url.host.len()..];
    let exchange =
        called(asked, &format!("X-Forwarded-Proto: {}\r\nX-Forwarded-Host: {}\r\n", url.scheme, url.host), FORM);
    let all = secrets(&[(Provider::Twilio, TOKEN)]);
    let made = sign(Provider::Twilio, &Request::of(&exchange.request), &all, None, Duration::ZERO).unwrap();
    let headers = format!("{headers}X-Twilio-Signature: {}\r\n", made.headers[0].1);
    says(&called(path, &headers, FORM), site, expected);
}

#[test]
fn documented_examples() {
    let signature = format!("{PUBLIC}X-Twilio-Signature: {SIGNATURE}\r\n");
    says(&called(PATH, &signature, FORM), None, "valid");
    // The tunnel's own address will do where no hop told.
    let bare = format!("X-Twilio-Signature: {SIGNATURE}\r\n");
    says(&called(PATH, &bare, FORM), Some("https://mycompany.com/myapp"), "valid");
    // Made by Twilio's package for Python.
    let settings = "X-Twilio-Webhooks-Signature-Settings: key=webhooks_sharedkey_1,algorithm=HMAC_SHA256\r\n";
    let sha256 = format!("{PUBLIC}{settings}X-Twilio-Signature: /Px0ZZziCxf9Zt7wehmYS+fbCh+oLQi2VrfCqcV1vPM=\r\n");
    says(&called(PATH, &sha256, FORM), None, "valid");
    let other = sha256.replace("HMAC_SHA256", "HMAC_MD5");
    says(&called(PATH, &other, FORM), None, "unchecked: it is signed by `HMAC_MD5`, which is not known");
}

#[test]
fn a_body_by_its_digest() {
    let (body, digest) = (
        br#"{"property": "value", "boolean": true}"#,
        "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620",
    );
    let path = format!("{PATH}&bodySHA256={digest}");
    let headers = format!("{PUBLIC}X-Twilio-Signature: a9nBmqA0ju/hNViExpshrM61xv4=\r\n");
    says(&called(&path, &headers, body), None, "valid");
    let changed = "invalid: the body was changed: its SHA-256 is not the `bodySHA256` of the URL";
    says(&called(&path, &headers, br#"{"property": "other", "boolean": true}"#), None, changed);
    // A replay with another body has another digest, and so another path.
    let exchange = called(&path, PUBLIC, b"{}");
    let all = secrets(&[(Provider::Twilio, TOKEN)]);
    let signed = sign(Provider::Twilio, &Request::of(&exchange.request), &all, None, Duration::ZERO).unwrap();
    let (path, signature) = (String::from_utf8(signed.path.unwrap()).unwrap(), &signed.headers[0].1);
    assert!(!path.contains(digest) && path.starts_with(PATH), "{path}");
    says(&called(&path, &format!("{PUBLIC}X-Twilio-Signature: {signature}\r\n"), b"{}"), None, "valid");
}

#[test]
fn what_is_missing_or_malformed() {
    says(&called(PATH, PUBLIC, FORM), None, "invalid: there is no header `X-Twilio-Signature`");
    let malformed = "invalid: the header `X-Twilio-Signature` is malformed: it has to be base64";
    says(&called(PATH, "X-Twilio-Signature: !\r\n", FORM), None, malformed);
    let mut nowhere = called(PATH, "X-Twilio-Signature: AAAA\r\n", FORM);
    let head = String::from_utf8(nowhere.request.head).unwrap();
    nowhere.request.head = head.replace("Host: a.example\r\n", "").into_bytes();
    says(&nowhere, None, "unchecked: the URL that was signed is not known, for the request names no host");
}

#[test]
fn another_url() {
    const HTTPS: &str = "X-Forwarded-Proto: https\r\nX-Forwarded-Host: a.example\r\n";
    const HTTP: &str = "X-Forwarded-Proto: http\r\nX-Forwarded-Host: a.example\r\n";
    came("https://a.example/x", "/x", HTTPS, None, "valid");
    let ignored =
        "invalid: holds for http:// but not https://: whoever signed it, or the app, ignores X-Forwarded-Proto";
    came("http://a.example/x", "/x", HTTPS, None, ignored);
    let unset =
        "invalid: holds for https:// but not http://: what stands before the server does not set X-Forwarded-Proto";
    came("https://a.example/x", "/x", HTTP, None, unset);
    let prefix = format!("{HTTPS}X-Forwarded-Prefix: /p\r\n");
    came("https://a.example/p/x", "/x", &prefix, None, "valid");
    let ignored =
        "invalid: holds with the prefix `/p` stripped: whoever signed it, or the app, ignores X-Forwarded-Prefix";
    came("https://a.example/x", "/x", &prefix, None, ignored);
    let both = "invalid: holds for http:// but not https:// and with the prefix `/p` stripped: whoever signed it, or the app, ignores X-Forwarded-Prefix";
    came("http://a.example/x", "/x", &prefix, None, both);
    let kept = "invalid: holds with the prefix `/p` kept: it was stripped, and there is no X-Forwarded-Prefix";
    came("https://a.example/p/x", "/x", HTTPS, Some("https://a.example/p"), kept);
    let stripped = "invalid: holds with the prefix `/p` stripped: the URL that was signed is not the tunnel's";
    came("https://a.example/x", "/p/x", HTTPS, Some("https://a.example/p"), stripped);
    let told = "invalid: holds for the host `a.example`: the service is told another host";
    came("https://a.example/x", "/x", "X-Forwarded-Proto: https\r\nX-Forwarded-Host: b.example\r\n", None, told);
    let tunnel = "invalid: holds for the host `c.example`: it is the tunnel's, and visitors came by another";
    came("https://c.example/x", "/x", HTTPS, Some("https://c.example/p"), tunnel);
    let port = format!("{HTTPS}X-Forwarded-Port: 8443\r\n");
    let with = "invalid: holds with the port 8443: the host that visitors name is without";
    came("https://a.example:8443/x", "/x", &port, None, with);
    let mark = "invalid: holds without the `?` at the end: it was dropped before it was signed";
    came("https://a.example/x", "/x?", HTTPS, None, mark);
    let user = "invalid: holds with user and password in the URL: the app leaves them out";
    came("https://u:p@a.example/x", "/x", &format!("{HTTPS}Authorization: Basic dTpw\r\n"), None, user);
    let nothing = "invalid: the secret is another one, or a field was changed, or the URL that was signed is not `https://a.example/x`";
    came("https://a.example/y", "/x", HTTPS, None, nothing);
}

#[test]
fn ports_that_libraries_try() {
    let headers = |host: &str| format!("X-Forwarded-Proto: https\r\nX-Forwarded-Host: {host}\r\n");
    came("https://a.example:443/x", "/x", &headers("a.example"), None, "valid");
    came("https://a.example/x", "/x", &headers("a.example:8443"), None, "valid");
    let other = "invalid: the secret is another one, or a field was changed, or the URL that was signed is not `https://a.example/x`";
    came("https://a.example:8443/x", "/x", &headers("a.example"), None, other);
}

#[test]
fn why_a_service_may_refuse_what_holds() {
    let refused = |exchange: &mut Exchange, expected: &str| {
        exchange.response = Some(Message { head: b"HTTP/1.1 403 Forbidden\r\n\r\n".to_vec(), ..Message::default() });
        says(exchange, None, &format!("valid: the service answered 403 all the same: {expected}"));
    };
    let signature = format!("{PUBLIC}X-Twilio-Signature: {SIGNATURE}\r\n");
    let ignored = format!("holds for `https://mycompany.com{PATH}` alone; does the service ignore X-Forwarded-Proto?");
    refused(&mut called(PATH, &signature, FORM), &ignored);
    let ported = signature.replace("mycompany.com\r\n", "mycompany.com:8443\r\n");
    let without = format!(
        "holds without the port, `https://mycompany.com{PATH}`, and not for `https://mycompany.com:8443{PATH}`"
    );
    refused(&mut called(PATH, &ported, FORM), &without);
}
