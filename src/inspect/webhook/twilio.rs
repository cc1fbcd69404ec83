//! What Twilio signs: the URL that it was given, and the fields of a form by their names. A body that is no form stands in
//! the URL by its digest. (Twilio, "Validating requests are coming from Twilio")

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::Signed;
use super::github::hex;
use super::secret::Secret;
use super::verdict::Verdict;
use crate::inspect::address::{Address, Site};
use crate::inspect::request::Request;

mod urls;

pub(super) const SIGNATURE: &str = "X-Twilio-Signature";
/// Says which key signs, and how, where it is not the account's token by SHA-1.
const SETTINGS: &str = "X-Twilio-Webhooks-Signature-Settings";
/// The parameter of the query that has the digest of a body which is no form.
const DIGEST: &str = "bodySHA256";

/// How the HMAC is made.
#[derive(Clone, Copy)]
enum Algorithm {
    Sha1,
    Sha256,
}

impl Algorithm {
    /// The one that a request names, or what it names instead.
    fn of<'a>(request: &Request<'a>) -> Result<Self, &'a str> {
        let settings = request.header(SETTINGS).unwrap_or_default();
        let mut parts = settings.split(',').filter_map(|part| part.split_once('='));
        match parts.find(|(name, _)| name.trim() == "algorithm").map(|(_, value)| value.trim()) {
            None | Some("" | "HMAC_SHA1") => Ok(Self::Sha1),
            Some("HMAC_SHA256") => Ok(Self::Sha256),
            Some(other) => Err(other),
        }
    }

    fn mac(self, key: &[u8], url: &str, fields: &str) -> Vec<u8> {
        let parts = [url.as_bytes(), fields.as_bytes()];
        match self {
            Self::Sha1 => mac::<Hmac<Sha1>>(key, parts),
            Self::Sha256 => mac::<Hmac<Sha256>>(key, parts),
        }
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8], parts: [&[u8]; 2]) -> Vec<u8> {
    let mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().fold(mac, M::chain_update).finalize().into_bytes().to_vec()
}

pub(super) fn check(request: &Request<'_>, secrets: &[&Secret], site: Option<&Site>) -> Verdict {
    let algorithm = match Algorithm::of(request) {
        Ok(algorithm) => algorithm,
        Err(other) => return Verdict::unchecked(format_args!("it is signed by `{other}`, which is not known")),
    };
    let Some(signature) = request.header(SIGNATURE) else { return Verdict::missing(SIGNATURE) };
    let Ok(signature) = STANDARD.decode(signature) else { return Verdict::malformed(SIGNATURE, "base64") };
    let Some(address) = Address::of(request, site) else {
        return Verdict::unchecked("the URL that was signed is not known, for the request names no host");
    };
    let fields = fields(request);
    let holds = |url: &str| secrets.iter().any(|secret| algorithm.mac(secret.key(), url, &fields) == signature);
    let verdict = urls::judge(&address, request, site, holds);
    match digest(request) {
        Some(digest) if request.form().is_none() && digest != hex(&Sha256::digest(request.body)) => {
            Verdict::invalid(format_args!("the body was changed: its SHA-256 is not the `{DIGEST}` of the URL"))
        }
        _ => verdict,
    }
}

pub(super) fn sign(request: &Request<'_>, secret: &Secret, site: Option<&Site>) -> Option<Signed> {
    let algorithm = Algorithm::of(request).ok()?;
    let path = digest(request).filter(|_| request.form().is_none()).map(|old| {
        let new = hex(&Sha256::digest(request.body));
        String::from_utf8_lossy(request.path)
            .replace(&format!("{DIGEST}={old}"), &format!("{DIGEST}={new}"))
            .into_bytes()
    });
    let request = Request { path: path.as_deref().unwrap_or(request.path), ..request.clone() };
    let url = Address::of(&request, site)?.to_string();
    let signature = STANDARD.encode(algorithm.mac(secret.key(), &url, &fields(&request)));
    Some(Signed { path, headers: vec![(SIGNATURE, signature)] })
}

/// Names and values of a form, by names; what is there twice counts once.
fn fields(request: &Request<'_>) -> String {
    let sorted: BTreeSet<_> = request.first_fields().into_iter().flatten().collect();
    sorted.into_iter().flat_map(|(name, value)| [name, value]).collect()
}

/// The digest of the body that the URL names.
fn digest(request: &Request<'_>) -> Option<String> {
    let (_, value) = form_urlencoded::parse(request.query()).find(|(name, _)| name == DIGEST)?;
    Some(value.into_owned())
}
