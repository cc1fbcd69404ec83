//! The messages of `open`: what a client asks for, what a server gives, and how it refuses.

use serde::{Deserialize, Serialize};

use super::WAITS;
use crate::wire::{Credentials, Network};

/// What a client asks for at `open`. It has no `Debug`: a password may stand in it.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Asked {
    /// The prefix to reserve.
    pub prefix: String,
    /// What asks, for the server's log.
    #[serde(default)]
    pub client: String,
    /// Which of the client's attempts this is, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Attempt>,
    /// What the target is told as its host, instead of the visitor's word for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_header: Option<String>,
    /// Whether the tunnel's own path is taken off before the target sees it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strip_prefix: bool,
    /// How long visitors wait for a client that is gone, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_ms: Option<u64>,
    /// What visitors have to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<Credentials>,
    /// Where visitors have to come from; anywhere, if it is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_ip: Vec<Network>,
    /// Whether the target speaks HTTP/2 from the first byte on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub http2: bool,
    /// Whether the client is told at a stream's beginning how long its visitor has waited.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
}

/// One of a client's attempts to open a session. Something on the way may hold one back, or repeat it, until a later one
/// has been answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What a client's process alone knows, and says with each.
    pub nonce: String,
    /// Rises with each.
    pub number: u64,
}

impl Attempt {
    /// Whether this is a later one than the other. `None` where it is another client's.
    #[must_use]
    pub fn follows(&self, other: &Self) -> Option<bool> {
        (self.nonce == other.nonce).then_some(self.number > other.number)
    }
}

/// What a client may ask of the server's hop, by the names that the two ends call it. A server that grants one says its
/// name; one that it does not say was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// [`Asked::host_header`]
    HostHeader,
    /// [`Asked::strip_prefix`]
    StripPrefix,
    /// [`Asked::basic_auth`]
    BasicAuth,
    /// [`Asked::allow_ip`]
    AllowIp,
    /// [`Asked::http2`]
    Http2,
}

impl Wish {
    /// The name, as it stands in an answer.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HostHeader => "host_header",
            Self::StripPrefix => "strip_prefix",
            Self::BasicAuth => "basic_auth",
            Self::AllowIp => "allow_ip",
            Self::Http2 => "http2",
        }
    }
}

impl Asked {
    /// What is asked of the hop, beyond what every hop does.
    pub fn wishes(&self) -> impl Iterator<Item = Wish> {
        let wishes = [
            (Wish::BasicAuth, self.basic_auth.is_some()),
            (Wish::AllowIp, !self.allow_ip.is_empty()),
            (Wish::HostHeader, self.host_header.is_some()),
            (Wish::StripPrefix, self.strip_prefix),
            (Wish::Http2, self.http2),
        ];
        wishes.into_iter().filter(|(_, wished)| *wished).map(|(wish, _)| wish)
    }
}

/// What a server gives at `open`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Given {
    /// The session's public name.
    pub session: String,
    /// The secret that carriers are proved with, in base64url.
    pub secret: String,
    /// How long the server keeps the session without hearing of its client, in milliseconds.
    pub grace_ms: u64,
    /// How many bytes of the log a batch may have.
    pub batch: usize,
    /// How long visitors wait for a client that is gone, in milliseconds: what was asked for, or as much of it as the
    /// server allows.
    #[serde(default)]
    pub hold_ms: u64,
    /// The URL of the tunnel at a host of its own, where the server has one for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where carriers reach the server that has the session and no other, where several stand behind the URL that was asked:
    /// what stands before `/.well-known`. Any of them passes carriers on, so this is but the shorter way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carriers: Option<String>,
    /// Which [`Wish`]es the server grants, by name, and whether it tells of waits.
    #[serde(default)]
    pub granted: Vec<String>,
}

impl Given {
    /// Whether a wish is granted.
    #[must_use]
    pub fn grants(&self, wish: Wish) -> bool {
        self.names(wish.as_str())
    }

    /// Whether a stream says at its beginning how long its visitor has waited.
    #[must_use]
    pub fn tells_waits(&self) -> bool {
        self.names(WAITS)
    }

    fn names(&self, wanted: &str) -> bool {
        self.granted.iter().any(|name| name == wanted)
    }
}

/// Why a server gives no session.
#[derive(Debug, Serialize, Deserialize)]
pub struct Refusal {
    /// The refusal itself.
    pub error: RefusalError,
}

/// The body of a [`Refusal`].
#[derive(Debug, Serialize, Deserialize)]
pub struct RefusalError {
    /// A word that programs can compare.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(asked: &Asked, json: &str, wishes: &[Wish]) {
        assert_eq!(serde_json::to_string(asked).unwrap(), json);
        let again: Asked = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), json);
        assert_eq!(again.wishes().collect::<Vec<_>>(), wishes);
    }

    #[test]
    fn only_what_is_asked_for_is_said() {
        let plain = Asked { prefix: "foo".to_owned(), ..Asked::default() };
        check(&plain, r#"{"prefix":"foo","client":""}"#, &[]);
        let all = Asked {
            attempt: Some(Attempt { nonce: "abc".to_owned(), number: 2 }),
            host_header: Some("a:1".to_owned()),
            strip_prefix: true,
            hold_ms: Some(3_000),
            basic_auth: "u:p".parse().ok(),
            allow_ip: vec!["192.0.2.0/24".parse().unwrap(), "::1".parse().unwrap()],
            http2: true,
            waits: true,
            ..plain
        };
        let json = r#"{"prefix":"foo","client":"","attempt":{"nonce":"abc","number":2},"host_header":"a:1","strip_prefix":true,"hold_ms":3000,"basic_auth":"u:p","allow_ip":["192.0.2.0/24","::1/128"],"http2":true,"waits":true}"#;
        check(&all, json, &[Wish::BasicAuth, Wish::AllowIp, Wish::HostHeader, Wish::StripPrefix, Wish::Http2]);
    }

    #[test]
    fn what_cannot_be_meant_is_no_request() {
        for member in [r#""allow_ip":["here"]"#, r#""basic_auth":"u""#, r#""hold_ms":-1"#, r#""strip_prefix":"yes""#] {
            assert!(serde_json::from_str::<Asked>(&format!(r#"{{"prefix":"foo",{member}}}"#)).is_err(), "{member}");
        }
    }
}
