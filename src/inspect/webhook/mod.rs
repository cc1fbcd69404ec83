//! Webhooks, by the headers of those who send them: what happened, and whether the signature holds. Everything here is a
//! function of its arguments, the time among them; nothing is sent anywhere, and no secret is ever part of a result.
//!
//! What a sender signs beside the body, and how it says so, stands in a file for each; what they have in common in
//! `content.rs`. Twilio signs the URL, and has a check of its own.

mod content;
mod event;
mod github;
mod secret;
mod slack;
mod standard;
mod stripe;
mod texts;
mod twilio;
mod verdict;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use event::{Webhook, recognise, sender};
pub use secret::{InvalidSecret, Secrets};
pub use verdict::{Signature, Verdict};

use super::address::Site;
use super::exchange::{Exchange, Message, State};
use super::replay::Replay;
use super::request::Request;
use content::Scheme;

/// Who sends webhooks that are known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// GitHub, and what sends as it does.
    GitHub,
    /// Stripe.
    Stripe,
    /// Slack: events, commands and what users press.
    Slack,
    /// Twilio.
    Twilio,
    /// Whoever follows the specification of Standard Webhooks, under the names of Svix as well.
    Standard,
}

impl Provider {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::GitHub, Self::Stripe, Self::Slack, Self::Twilio, Self::Standard];

    /// What it is called, in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::Stripe => "stripe",
            Self::Slack => "slack",
            Self::Twilio => "twilio",
            Self::Standard => "standard",
        }
    }

    /// The headers that say that a request of this sender's is genuine and fresh, under the names that it uses.
    #[must_use]
    pub fn proof(self, request: &Request<'_>) -> &'static [&'static str] {
        match self {
            Self::GitHub => &[github::SIGNATURE],
            Self::Stripe => &[stripe::SIGNATURE],
            Self::Slack => &[slack::TIMESTAMP, slack::SIGNATURE],
            Self::Twilio => &[twilio::SIGNATURE],
            Self::Standard => standard::proof(request),
        }
    }

    /// How it signs bodies; none where it signs URLs.
    fn scheme(self) -> Option<&'static Scheme> {
        match self {
            Self::GitHub => Some(&github::SCHEME),
            Self::Stripe => Some(&stripe::SCHEME),
            Self::Slack => Some(&slack::SCHEME),
            Self::Standard => Some(&standard::SCHEME),
            Self::Twilio => None,
        }
    }
}

/// Whether the signature of a webhook holds, and if not, why. `site` is where the tunnel stands, in case that the request
/// does not tell; `now` is since 1970, and for what was seen the time at which it came.
#[must_use]
pub fn check(
    provider: Provider,
    exchange: &Exchange,
    secrets: &Secrets,
    site: Option<&Site>,
    now: Duration,
) -> Verdict {
    let verdict = unfit(provider, exchange, secrets);
    verdict.unwrap_or_else(|| holds(provider, &exchange.request, secrets, site, now)).with_the_answer(exchange)
}

/// Why a signature cannot be checked, or not yet. It is quickly told.
#[must_use]
pub fn unfit(provider: Provider, exchange: &Exchange, secrets: &Secrets) -> Option<Verdict> {
    if secrets.of(provider).next().is_none() {
        let name = provider.name();
        return Some(Verdict::unchecked(format!("no secret is known; `--webhook-secret {name}=SECRET` gives one")));
    }
    broken(exchange).map(Verdict::unchecked)
}

/// Whether the signature of a request that can be checked holds, whatever was answered. It takes several HMACs of the body.
#[must_use]
pub fn holds(provider: Provider, request: &Message, secrets: &Secrets, site: Option<&Site>, now: Duration) -> Verdict {
    let (request, secrets) = (Request::of(request), secrets.of(provider).collect::<Vec<_>>());
    match provider.scheme() {
        Some(scheme) => content::check(scheme, &request, &secrets, now),
        None => twilio::check(&request, &secrets, site),
    }
}

/// Why a request cannot be checked, whoever sent it.
fn broken(exchange: &Exchange) -> Option<String> {
    let body = &exchange.request.body;
    let promised =
        exchange.request.header("content-length").and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
    if body.is_cut() {
        let kept = body.kept.len();
        return Some(format!("only {kept} of the {} bytes of the body were kept, so it cannot be checked", body.size));
    }
    match promised {
        Some(promised) if body.size < promised && exchange.state == State::Asked => {
            Some("the body is still under way".to_owned())
        }
        Some(promised) if body.size != promised => {
            let size = body.size;
            Some(format!(
                "the body was cut: its length is {size}, and {promised} were promised, so it cannot be checked"
            ))
        }
        _ => None,
    }
}

/// What makes a request a fresh one of its sender's: headers to put in place of those that it has, and for some the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Another path, where a part of the signature stands in it.
    pub path: Option<Vec<u8>>,
    /// Names and values.
    pub headers: Vec<(&'static str, String)>,
}

impl Signed {
    /// Puts it all in place. Where a header was there before, the new one takes the place of the first.
    pub fn put_into(self, replay: &mut Replay) {
        if let Some(path) = self.path {
            replay.path = path;
        }
        let headers = &mut replay.headers;
        for (name, value) in self.headers {
            let is_it = |header: &(Vec<u8>, _)| header.0.eq_ignore_ascii_case(name.as_bytes());
            let place = headers.iter().position(is_it).unwrap_or(headers.len());
            let spelt = headers.get(place).map_or_else(|| name.as_bytes().to_vec(), |header| header.0.clone());
            headers.retain(|header| !is_it(header));
            headers.insert(place, (spelt, value.into_bytes()));
        }
    }
}

/// Signs a request anew as `provider` would, at `now` since 1970, by the first secret there is of it; none where there is
/// none, or where nobody knows which URL is to be signed. What identifies the delivery stays.
#[must_use]
pub fn sign(
    provider: Provider,
    request: &Request<'_>,
    secrets: &Secrets,
    site: Option<&Site>,
    now: Duration,
) -> Option<Signed> {
    let secret = secrets.of(provider).next()?;
    match provider.scheme() {
        Some(scheme) => {
            let headers =
                (scheme.sign)(request, &|before| content::mac(secret.key(), before, request.body), now.as_secs());
            Some(Signed { path: None, headers })
        }
        None => twilio::sign(request, secret, site),
    }
}
