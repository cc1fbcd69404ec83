//! What the API says of webhooks, and how a replay of one is signed afresh. Knows where the tunnel stands and the secrets; the
//! providers are known in `inspect/webhook/`.

use std::time::Duration;

use serde::Serialize;

use crate::inspect::webhook::{Secrets, Verdict, check, recognise, sign};
use crate::inspect::{Exchange, Replay, Request, Site};

/// What webhooks are judged by.
pub(super) struct Webhooks {
    secrets: Secrets,
    site: Option<Site>,
}

/// What is said of one.
#[derive(Serialize)]
pub(super) struct Webhook {
    provider: &'static str,
    event: Option<String>,
    delivery: Option<String>,
    signature: &'static str,
    reason: Option<String>,
}

impl Webhooks {
    /// By these secrets, for a tunnel at `url`.
    pub(super) fn new(secrets: Secrets, url: &str) -> Self {
        Self { secrets, site: url.parse().ok() }
    }

    /// Where the tunnel stands.
    pub(super) fn site(&self) -> Option<&Site> {
        self.site.as_ref()
    }

    /// What is to be said of an exchange, where it is a webhook. That it is an old one is no reproach.
    pub(super) fn judge(&self, exchange: &Exchange) -> Option<Webhook> {
        let crate::inspect::webhook::Webhook { provider, event, delivery } = recognise(&exchange.request)?;
        let Verdict { signature, reason } = check(provider, exchange, &self.secrets, self.site(), exchange.started);
        Some(Webhook { provider: provider.name(), event, delivery, signature: signature.name(), reason })
    }

    /// Signs a replay as its sender would now, where its secret is known.
    pub(super) fn renew(&self, replay: &mut Replay, of: &Exchange, now: Duration) {
        let Some(webhook) = recognise(&of.request) else { return };
        let request = Request::of_replay(replay);
        if let Some(signed) = sign(webhook.provider, &request, &self.secrets, self.site(), now) {
            signed.put_into(replay);
        }
    }
}
