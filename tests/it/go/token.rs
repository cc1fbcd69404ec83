//! Tokens as the Go tool mints and checks them.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// How long before its making a token is good, so that clocks may differ.
const TOLERANCE: u64 = 15 * 60;

#[expect(clippy::disallowed_methods, reason = "a token is made now")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970").as_secs()
}

fn mac(secret: &str, text: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length will do");
    mac.update(text.as_bytes());
    mac
}

/// A token for `audience`, with a subject where one is given.
pub(crate) fn mint(secret: &str, audience: &str, subject: &str) -> String {
    let now = now();
    let mut claims = json!({ "iss": "sendit", "aud": [audience], "nbf": now - TOLERANCE, "iat": now });
    if !subject.is_empty() {
        claims["sub"] = subject.into();
    }
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let text = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(mac(secret, &text).finalize().into_bytes());
    format!("{text}.{signature}")
}

/// The subject of a token that is good for `audience`; empty where it names none.
pub(crate) fn subject(secret: &str, audience: &str, token: &str) -> Option<String> {
    let (text, signature) = token.rsplit_once('.')?;
    mac(secret, text).verify_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
    let (header, claims) = text.split_once('.')?;
    let [header, claims] =
        [header, claims].map(|part| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok());
    let (header, claims) = (header?, claims?);
    let number = |name: &str| claims.get(name).and_then(Value::as_u64);
    let meant = match claims.get("aud")? {
        Value::Array(all) => all.iter().any(|one| one == audience),
        one => one == audience,
    };
    let in_time = number("nbf").is_none_or(|begin| begin <= now()) && number("exp").is_none_or(|end| now() < end);
    let good = header["alg"] == "HS256" && claims["iss"] == "sendit" && meant && in_time;
    good.then(|| claims["sub"].as_str().unwrap_or_default().to_owned())
}
