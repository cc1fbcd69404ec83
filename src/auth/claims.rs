//! What a token says, read strictly from JSON and written as the Go tool writes it. Knows nothing of signatures, and
//! does not compare dates.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Glob, Refusal, json};
use crate::wire::Prefix;

/// The `iss` of every token.
pub const ISSUER: &str = "sendit";

/// What a token is good for, its `aud`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// To open a tunnel; `sub` is a name for logs and quotas.
    Auth,
    /// To attach a carrier to an open one; `sub` is the session's id.
    Connect,
}

impl Audience {
    /// The name as it stands in a token.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Connect => "connect",
        }
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a token says. Dates are in Unix seconds; a fraction is dropped, as the Go tool does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// `aud`: what the token is good for. A token that was read may name others beside.
    pub audience: Audience,
    /// `sub`: whom or what the token names.
    pub subject: Option<String>,
    /// `nbf`: the first second in which the token is valid.
    pub not_before: Option<u64>,
    /// `iat`: when the token was minted. Nothing depends on it.
    pub issued_at: Option<u64>,
    /// `exp`: the first second in which the token is no longer valid.
    pub expiry: Option<u64>,
    /// `jti`: what tells the token from others, so that it can be revoked alone.
    pub id: Option<String>,
    /// `prefixes`: which prefixes the token may open. With none the claim is left out, and every prefix is allowed.
    pub prefixes: Vec<Glob>,
}

/// How far before its minting a token is valid, in seconds, so that clocks may differ: 15 minutes, as in the Go tool.
const CLOCK_SKEW: u64 = 15 * 60;

impl Claims {
    /// What the Go tool mints at `now`: no subject, no expiry, every prefix.
    #[must_use]
    pub fn new(audience: Audience, now: u64) -> Self {
        Self {
            audience,
            subject: None,
            not_before: Some(now.saturating_sub(CLOCK_SKEW)),
            issued_at: Some(now),
            expiry: None,
            id: None,
            prefixes: Vec::new(),
        }
    }

    /// Whether the token may open `prefix`.
    #[must_use]
    pub fn allows(&self, prefix: &Prefix) -> bool {
        self.prefixes.is_empty() || self.prefixes.iter().any(|glob| glob.matches(prefix))
    }

    pub(super) fn to_json(&self) -> String {
        let written = Written {
            iss: ISSUER,
            sub: self.subject.as_deref(),
            aud: [self.audience.as_str()],
            exp: self.expiry,
            nbf: self.not_before,
            iat: self.issued_at,
            jti: self.id.as_deref(),
            prefixes: self.prefixes.iter().map(Glob::as_str).collect(),
        };
        serde_json::to_string(&written).expect("texts and numbers can be written as JSON")
    }

    /// Other claims may be there, and mean nothing.
    pub(super) fn from_json(text: &[u8], audience: Audience) -> Result<Self, Refusal> {
        let object = json::object(text).ok_or(Refusal::Json("claims"))?;
        if object.keys().any(|name| is_respelt(name)) {
            return Err(Refusal::Spelling);
        }
        if object.get("iss").and_then(Value::as_str) != Some(ISSUER) {
            return Err(Refusal::Issuer);
        }
        if !object.get("aud").is_some_and(|aud| names(aud, audience)) {
            return Err(Refusal::Audience(audience));
        }
        Ok(Self {
            audience,
            subject: text_claim(&object, "sub")?.map(str::to_owned),
            not_before: date_claim(&object, "nbf", DOUBT)?,
            issued_at: date_claim(&object, "iat", 0.0)?,
            expiry: date_claim(&object, "exp", -DOUBT)?,
            id: text_claim(&object, "jti")?.map(str::to_owned),
            prefixes: object.get("prefixes").map_or(Some(Vec::new()), globs).ok_or(Refusal::Prefixes)?,
        })
    }
}

/// The claims in the order in which the Go tool writes them.
#[derive(Serialize)]
struct Written<'a> {
    iss: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    aud: [&'a str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    prefixes: Vec<&'a str>,
}

/// Whether `name` is a known claim but for its case. By the way of upper case, because there are letters, such as `ſ`,
/// that Go takes for others and that are in lower case already.
fn is_respelt(name: &str) -> bool {
    let plain = name.to_uppercase().to_lowercase();
    plain != name && matches!(plain.as_str(), "iss" | "sub" | "aud" | "exp" | "nbf" | "iat" | "jti" | "prefixes")
}

/// RFC 7519, 4.1.3: an array of strings or, where there is one audience, a string. One item of another type spoils the
/// claim.
fn names(aud: &Value, audience: Audience) -> bool {
    match aud {
        Value::String(name) => name == audience.as_str(),
        Value::Array(all) => all.iter().all(Value::is_string) && all.iter().any(|name| name == audience.as_str()),
        _ => false,
    }
}

fn text_claim<'a>(object: &'a Map<String, Value>, name: &'static str) -> Result<Option<&'a str>, Refusal> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refusal::Text(name)),
    }
}

/// How far the parser may be off, in seconds, at a number that is not written as a plain integer: its last bits are not
/// to be relied on, and before the year 10000 they stand for less than this. The time in which a token is valid is cut
/// by as much, so that a reader who rounds better accepts it too.
const DOUBT: f64 = 0.001;

fn date_claim(object: &Map<String, Value>, name: &'static str, doubt: f64) -> Result<Option<u64>, Refusal> {
    let Some(value) = object.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    let date = value.as_f64().filter(|date| (0.0..YEAR_10000).contains(date)).ok_or(Refusal::Date(name))?;
    Ok(Some(whole_seconds(if value.is_f64() { date + doubt } else { date })))
}

/// From here on readers begin to differ. Every whole second before is exact in a float.
const YEAR_10000: f64 = 253_402_300_800.0;

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the fraction is meant to go, and what doubt takes below zero is zero"
)]
fn whole_seconds(date: f64) -> u64 {
    date as u64
}

/// An empty list would say that nothing is allowed, and have to be told from no list ever after. Nobody mints it.
fn globs(prefixes: &Value) -> Option<Vec<Glob>> {
    let all = prefixes.as_array().filter(|all| !all.is_empty())?;
    all.iter().map(|glob| glob.as_str()?.parse().ok()).collect()
}
