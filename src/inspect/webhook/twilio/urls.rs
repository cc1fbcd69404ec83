//! For which URL a signature holds, if not for the one by which the visitor called: another scheme, port, host or path is
//! the mistake of nearly everybody whose checks fail. Knows no secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Verdict;
use crate::inspect::address::{Address, Site};
use crate::inspect::request::Request;

/// One thing that may be otherwise, and how that is said.
struct Other {
    address: Address,
    what: String,
    why: &'static str,
}

pub(super) fn judge(
    address: &Address,
    request: &Request<'_>,
    site: Option<&Site>,
    holds: impl Fn(&str) -> bool,
) -> Verdict {
    // Whether a port is a part of what is signed is not always the same, and libraries of Twilio's try both.
    let either = |address: &Address| [with_port(address), without_port(address)].into_iter().find(|url| holds(url));
    let url = address.to_string();
    if holds(&url) {
        return aware(address);
    }
    if let Some(signed) = either(address) {
        let how = if signed.len() < url.len() { "without" } else { "with" };
        return Verdict::noted(format_args!("holds {how} the port, `{signed}`, and not for `{url}`"));
    }
    let scheme = other_scheme(address);
    let others = others(address, request, site);
    if let Some(other) = [&scheme].into_iter().chain(&others).find(|other| either(&other.address).is_some()) {
        return Verdict::invalid(format_args!("holds {}: {}", other.what, other.why));
    }
    // Whoever is wrong about something else may be wrong about the scheme as well.
    let also =
        |other: &&Other| either(&Address { scheme: scheme.address.scheme.clone(), ..other.address.clone() }).is_some();
    if let Some(other) = others.iter().find(also) {
        return Verdict::invalid(format_args!("holds {} and {}: {}", scheme.what, other.what, other.why));
    }
    Verdict::invalid(format_args!(
        "the secret is another one, or a field was changed, or the URL that was signed is not `{url}`"
    ))
}

/// What a service may have missed, for which the signature does hold.
fn aware(address: &Address) -> Verdict {
    let mut missed = Vec::new();
    if address.scheme != "http" {
        missed.push("X-Forwarded-Proto");
    }
    if !address.prefix.is_empty() {
        missed.push("X-Forwarded-Prefix");
    }
    if missed.is_empty() {
        return Verdict::VALID;
    }
    let missed = missed.join(" and ");
    Verdict::noted(format_args!("holds for `{address}` alone; does the service ignore {missed}?"))
}

fn other_scheme(address: &Address) -> Other {
    let (scheme, why) = if address.scheme == "https" {
        ("http", "whoever signed it, or the app, ignores X-Forwarded-Proto")
    } else {
        ("https", "what stands before the server does not set X-Forwarded-Proto")
    };
    let what = format!("for {scheme}:// but not {}://", address.scheme);
    Other { address: Address { scheme: scheme.to_owned(), ..address.clone() }, what, why }
}

/// What else may be otherwise. The scheme is as it was.
fn others(address: &Address, request: &Request<'_>, site: Option<&Site>) -> Vec<Other> {
    let mut others = Vec::new();
    let mut add = |address: Address, what: String, why| others.push(Other { address, what, why });
    let is_below = |path: &str, prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'));
    if !address.prefix.is_empty() {
        let stripped = Address { prefix: String::new(), ..address.clone() };
        add(
            stripped,
            format!("with the prefix `{}` stripped", address.prefix),
            "whoever signed it, or the app, ignores X-Forwarded-Prefix",
        );
    }
    if let Some(Site { path: prefix, .. }) = site.filter(|site| !site.path.is_empty()) {
        if is_below(&address.path, prefix) {
            let stripped = Address { path: address.path[prefix.len()..].to_owned(), ..address.clone() };
            add(
                stripped,
                format!("with the prefix `{prefix}` stripped"),
                "the URL that was signed is not the tunnel's",
            );
        } else if address.prefix.is_empty() {
            let kept = Address { prefix: prefix.clone(), ..address.clone() };
            add(
                kept,
                format!("with the prefix `{prefix}` kept"),
                "it was stripped, and there is no X-Forwarded-Prefix",
            );
        }
    }
    let said = [
        (request.header("host"), "the service is told another host"),
        (site.map(|site| site.host.as_str()), "it is the tunnel's, and visitors came by another"),
    ];
    for (host, why) in said {
        if let Some(host) = host.filter(|host| *host != address.host) {
            add(Address { host: host.to_owned(), ..address.clone() }, format!("for the host `{host}`"), why);
        }
    }
    if let Some(port) = request.header("x-forwarded-port").filter(|port| address.port() != Some(*port)) {
        let host = format!("{}:{port}", address.name());
        add(
            Address { host, ..address.clone() },
            format!("with the port {port}"),
            "the host that visitors name is without",
        );
    }
    if let Some(path) = address.path.strip_suffix('?') {
        let path = path.to_owned();
        add(
            Address { path, ..address.clone() },
            "without the `?` at the end".to_owned(),
            "it was dropped before it was signed",
        );
    }
    if let Some(user) = user(request) {
        let host = format!("{user}@{}", address.host);
        add(
            Address { host, ..address.clone() },
            "with user and password in the URL".to_owned(),
            "the app leaves them out",
        );
    }
    others
}

/// User and password, where the sender gave some.
fn user(request: &Request<'_>) -> Option<String> {
    let encoded = request.header("authorization")?.strip_prefix("Basic ")?;
    String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()
}

fn without_port(address: &Address) -> String {
    Address { host: address.name().to_owned(), ..address.clone() }.to_string()
}

/// With the scheme's own port, where none is written.
fn with_port(address: &Address) -> String {
    if address.port().is_some() {
        return address.to_string();
    }
    let port = if address.scheme == "https" { 443 } else { 80 };
    Address { host: format!("{}:{port}", address.host), ..address.clone() }.to_string()
}
