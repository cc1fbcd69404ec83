//! Which visitors are let in: by where they come from, and by what they know. A pure function of the address and the
//! headers.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use sha2::Sha256;

use super::Fault;
use crate::wire::{Credentials, Network};

/// Who may pass. By default everybody.
#[derive(Default)]
pub struct Access {
    /// Where a visitor has to come from; anywhere, if it is empty.
    networks: Vec<Network>,
    password: Option<Password>,
}

impl Access {
    /// Lets in who comes from one of `networks`, if there are any, and knows `credentials`, if there are any; `key` is
    /// random and good for this one.
    #[must_use]
    pub fn new(networks: Vec<Network>, credentials: Option<&Credentials>, key: [u8; 32]) -> Self {
        Self { networks, password: credentials.map(|credentials| Password::new(credentials, key)) }
    }

    /// Whether a visitor from `address`, as far as it is known, may pass. The address comes first: who is not to be here
    /// is not asked for a password either.
    pub(super) fn check(&self, address: impl FnOnce() -> Option<IpAddr>, headers: &HeaderMap) -> Result<(), Fault> {
        let within = |address| self.networks.iter().any(|network| network.contains(address));
        if !self.networks.is_empty() && !address().is_some_and(within) {
            return Err(Fault::Forbidden);
        }
        match &self.password {
            Some(password) if !password.is_in(headers) => Err(Fault::Unauthorized),
            _ => Ok(()),
        }
    }

    /// Takes off what was meant for this hop: the target has no use for its visitors' password.
    pub(super) fn conceal(&self, headers: &mut HeaderMap) {
        if self.password.is_some() {
            headers.remove(AUTHORIZATION);
        }
    }
}

/// Credentials that can be compared and not told: as their HMAC-SHA256, so that comparing takes as long whatever is
/// presented, and of any length.
struct Password {
    mac: Hmac<Sha256>,
    tag: [u8; 32],
}

impl Password {
    fn new(credentials: &Credentials, key: [u8; 32]) -> Self {
        let mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
        let tag = mac.clone().chain_update(credentials.reveal()).finalize().into_bytes().into();
        Self { mac, tag }
    }

    /// Whether the one `Authorization` there is presents them.
    fn is_in(&self, headers: &HeaderMap) -> bool {
        let mut lines = headers.get_all(AUTHORIZATION).into_iter();
        match (lines.next().and_then(presented), lines.next()) {
            (Some(presented), None) => self.mac.clone().chain_update(presented).verify_slice(&self.tag).is_ok(),
            _ => false,
        }
    }
}

/// Name and password, with a colon between them. (RFC 7617, section 2)
fn presented(value: &HeaderValue) -> Option<Vec<u8>> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(token.trim()).ok()).flatten()
}

/// What a visitor without credentials is asked for. The realm is the tunnel's path, so that a browser does not try on
/// one tunnel what it was told for another.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "it cannot: graphic characters make a header value")]
pub fn challenge(place: &str) -> HeaderValue {
    let realm: String = place.chars().filter(|char| char.is_ascii_graphic() && !matches!(char, '"' | '\\')).collect();
    let challenge = HeaderValue::try_from(format!("Basic realm=\"{realm}\", charset=\"UTF-8\""));
    challenge.expect("graphic characters make a header value")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(networks: &[&str], credentials: &str) -> Access {
        let networks = networks.iter().map(|network| network.parse().unwrap()).collect();
        Access::new(networks, credentials.parse().ok().as_ref(), [7; 32])
    }

    fn headers(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (AUTHORIZATION, line.parse().unwrap())).collect()
    }

    #[track_caller]
    fn check(access: &Access, address: &str, lines: &[&str], expected: Result<(), Fault>) {
        assert_eq!(access.check(|| address.parse().ok(), &headers(lines)), expected, "{address} {lines:?}");
    }

    #[test]
    fn where_visitors_come_from() {
        let nobody_asks = access(&[], "");
        check(&nobody_asks, "", &[], Ok(()));
        check(&nobody_asks, "203.0.113.9", &["Basic eDp5"], Ok(()));
        let some = access(&["192.0.2.0/24", "2001:db8::/32"], "");
        check(&some, "192.0.2.7", &[], Ok(()));
        check(&some, "::ffff:192.0.2.7", &[], Ok(()));
        check(&some, "2001:db8::7", &[], Ok(()));
        check(&some, "203.0.113.9", &[], Err(Fault::Forbidden));
        check(&some, "2001:db9::7", &[], Err(Fault::Forbidden));
        check(&some, "", &[], Err(Fault::Forbidden));
    }

    #[test]
    fn what_visitors_know() {
        // `u:p:q`, `ü:p`
        let plain = access(&[], "u:p:q");
        check(&plain, "", &["Basic dTpwOnE="], Ok(()));
        check(&plain, "", &["bAsIc  dTpwOnE= "], Ok(()));
        check(&access(&[], "ü:p"), "", &["Basic w7w6cA=="], Ok(()));
        for lines in [
            &[][..],
            &[""],
            &["Basic"],
            &["Basic "],
            &["Basic !"],
            &["Basic dTpwOnI="],
            &["Basic dTpw"],
            &["Bearer dTpwOnE="],
            &["dTpwOnE="],
            &["Basic dTpwOnE=", "Basic dTpwOnE="],
        ] {
            check(&plain, "", lines, Err(Fault::Unauthorized));
        }
    }

    #[test]
    fn both_and_the_address_first() {
        let both = access(&["192.0.2.0/24"], "u:p");
        check(&both, "192.0.2.7", &["Basic dTpw"], Ok(()));
        check(&both, "192.0.2.7", &[], Err(Fault::Unauthorized));
        check(&both, "203.0.113.9", &["Basic dTpw"], Err(Fault::Forbidden));
        check(&both, "203.0.113.9", &[], Err(Fault::Forbidden));
    }

    #[test]
    fn a_password_stays_here_and_any_other_goes_on() {
        let lines = ["Basic dTpw"];
        let mut seen = headers(&lines);
        access(&[], "u:p").conceal(&mut seen);
        assert_eq!(seen, HeaderMap::new());
        let mut seen = headers(&lines);
        access(&["::/0"], "").conceal(&mut seen);
        assert_eq!(seen, headers(&lines));
    }

    #[test]
    fn challenges() {
        assert_eq!(challenge("/a/my-app"), "Basic realm=\"/a/my-app\", charset=\"UTF-8\"");
        assert_eq!(challenge("/a\"b\\\n"), "Basic realm=\"/ab\", charset=\"UTF-8\"");
    }
}
