//! What the specification of Standard Webhooks has signed: an id, a time and the body. Of its signatures `v1` is checked,
//! by a secret that both ends have; not `v1a`, by a public key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::content::{At, Claim, Fresh, Future, Scheme, Signer};
use super::verdict::Verdict;
use crate::inspect::request::Request;

/// The names of id, time and signature.
type Names = [&'static str; 3];

static NAMES: Names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
/// The older ones, of the same meaning.
static SVIX: Names = ["svix-id", "svix-timestamp", "svix-signature"];

pub(super) static SCHEME: Scheme = Scheme { claim, sign };

/// Under which names a request has two of them at least.
pub(super) fn names(request: &Request<'_>) -> Option<&'static Names> {
    let count = |names: &Names| names.iter().filter(|name| request.header(name).is_some()).count();
    [&NAMES, &SVIX].into_iter().find(|names| count(names) >= 2)
}

/// The names of what is other each time that a message is sent: all but the id.
pub(super) fn proof(request: &Request<'_>) -> &'static [&'static str] {
    &names(request).unwrap_or(&NAMES)[1..]
}

fn claim(request: &Request<'_>) -> Result<Claim, Verdict> {
    let names = names(request).unwrap_or(&NAMES);
    let value = |name| request.header(name).ok_or_else(|| Verdict::missing(name));
    let (id, time, value) = (value(names[0])?, value(names[1])?, value(names[2])?);
    let seconds = time.parse().map_err(|_| Verdict::malformed(names[1], "a number of seconds"))?;
    let versions = || value.split_ascii_whitespace().filter_map(|part| part.split_once(','));
    let of_secrets = versions().filter(|(version, _)| *version == "v1");
    let signatures: Vec<_> = of_secrets.filter_map(|(_, text)| STANDARD.decode(text).ok()).collect();
    if signatures.is_empty() {
        return Err(if versions().any(|(version, _)| version == "v1a") {
            Verdict::unchecked("it is signed by a key pair alone, `v1a`, which is not checked")
        } else {
            Verdict::malformed(names[2], "`v1,` and base64")
        });
    }
    let at = Some(At { seconds, future: Future::Refused });
    Ok(Claim { before: format!("{id}.{time}.").into_bytes(), signatures, at })
}

fn sign(request: &Request<'_>, mac: &Signer<'_>, now: u64) -> Fresh {
    let [id_name, time_name, signature_name] = *names(request).unwrap_or(&NAMES);
    let id = request.header(id_name).map_or_else(|| format!("msg_{now}"), ToOwned::to_owned);
    let signature = STANDARD.encode(mac(format!("{id}.{now}.").as_bytes()));
    vec![(id_name, id), (time_name, now.to_string()), (signature_name, format!("v1,{signature}"))]
}
