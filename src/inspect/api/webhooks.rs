//! What the API and the terminal say of webhooks, and how a replay of one is signed afresh. Knows where the tunnel stands and
//! the secrets; the providers are known in `inspect/webhook/`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::inspect::webhook::{Provider, Secrets, Verdict, check, recognise, sign};
use crate::inspect::{Exchange, Replay, Request, Site};

/// What webhooks are judged by.
pub struct Webhooks {
    secrets: Secrets,
    site: Option<Site>,
}

/// What is said of one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Webhook {
    /// Who sent it, in a word.
    pub provider: String,
    /// What happened.
    pub event: Option<String>,
    /// The sender's name for this delivery.
    pub delivery: Option<String>,
    /// Whether its signature is `valid`, `invalid` or `unchecked`.
    pub signature: String,
    /// Why.
    pub reason: Option<String>,
    /// The headers that a replay signs afresh; none where it sends what it has.
    pub renews: Vec<String>,
}

impl Webhooks {
    /// By these secrets, for a tunnel at `url`.
    #[must_use]
    pub fn new(secrets: Secrets, url: &str) -> Self {
        Self { secrets, site: url.parse().ok() }
    }

    /// Where the tunnel stands.
    pub(super) fn site(&self) -> Option<&Site> {
        self.site.as_ref()
    }

    /// What is to be said of an exchange, where it is a webhook. That it is an old one is no reproach.
    #[must_use]
    pub fn judge(&self, exchange: &Exchange) -> Option<Webhook> {
        let crate::inspect::webhook::Webhook { provider, event, delivery } = recognise(&exchange.request)?;
        let verdict = self.check(provider, exchange);
        let proof = provider.proof(&Request::of(&exchange.request)).iter();
        let renews = proof.filter(|_| verdict.is_genuine()).map(|name| (*name).to_owned()).collect();
        let (signature, reason) = (verdict.signature.name().to_owned(), verdict.reason);
        Some(Webhook { provider: provider.name().to_owned(), event, delivery, signature, reason, renews })
    }

    /// Signs a replay as its sender would now, and says whether it did. Only what a known secret has signed before is signed
    /// again: a stranger's forgery stays one. Nor is what somebody has put in the signature's place.
    pub(super) fn renew(&self, replay: &mut Replay, of: &Exchange, now: Duration) -> bool {
        let Some(crate::inspect::webhook::Webhook { provider, .. }) = recognise(&of.request) else { return false };
        if !self.check(provider, of).is_genuine() {
            return false;
        }
        let (before, request) = (Request::of(&of.request), Request::of_replay(replay));
        if provider.proof(&before).iter().any(|name| before.header(name) != request.header(name)) {
            return false;
        }
        let Some(signed) = sign(provider, &request, &self.secrets, self.site(), now) else { return false };
        signed.put_into(replay);
        true
    }

    fn check(&self, provider: Provider, exchange: &Exchange) -> Verdict {
        check(provider, exchange, &self.secrets, self.site(), exchange.started)
    }
}
