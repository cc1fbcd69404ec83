//! What the API and the terminal say of webhooks, and how a replay of one is signed afresh. Knows where the tunnel stands and
//! the secrets; the providers are known in `inspect/webhook/`.

mod known;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::inspect::webhook::{Secrets, Verdict, holds, recognise, sender, sign, unfit};
use crate::inspect::{Exchange, Replay, Request, Site};
use known::{Finding, Known};

/// What webhooks are judged by.
pub struct Webhooks {
    secrets: Secrets,
    site: Option<Site>,
    // Held for a look, never while anything is found out.
    known: Mutex<Known>,
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
        Self { secrets, site: url.parse().ok(), known: Mutex::default() }
    }

    /// Where the tunnel stands.
    pub(super) fn site(&self) -> Option<&Site> {
        self.site.as_ref()
    }

    /// Whether there is anything to be said of an exchange.
    #[must_use]
    pub fn is_one(&self, exchange: &Exchange) -> bool {
        sender(&Request::of(&exchange.request)).is_some()
    }

    /// What is to be said of an exchange, where it is a webhook. That it is an old one is no reproach.
    #[must_use]
    pub fn judge(&self, exchange: &Exchange) -> Option<Webhook> {
        let (crate::inspect::webhook::Webhook { provider, event, delivery }, verdict) = self.found(exchange)?;
        let proof = provider.proof(&Request::of(&exchange.request)).iter();
        let renews = proof.filter(|_| verdict.is_genuine()).map(|name| (*name).to_owned()).collect();
        let (signature, reason) = (verdict.signature.name().to_owned(), verdict.reason);
        Some(Webhook { provider: provider.name().to_owned(), event, delivery, signature, reason, renews })
    }

    /// Signs a replay as its sender would now, and says whether it did. Only what a known secret has signed before is signed
    /// again: a stranger's forgery stays one. Nor is what somebody has put in the signature's place.
    pub(super) fn renew(&self, replay: &mut Replay, of: &Exchange, now: Duration) -> bool {
        let Some((webhook, verdict)) = self.found(of) else { return false };
        let provider = webhook.provider;
        if !verdict.is_genuine() {
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

    /// Whose webhook an exchange is, and whether its signature holds. What is known is not found out again: how old it was
    /// when it came stays as it is.
    fn found(&self, exchange: &Exchange) -> Option<(crate::inspect::webhook::Webhook, Verdict)> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known().get(exchange);
        let webhook = match &before {
            Some(finding) => finding.webhook.clone(),
            None => recognise(&exchange.request)?,
        };
        let unfit = unfit(webhook.provider, exchange, &self.secrets);
        let signature = before.as_ref().and_then(|finding| finding.signature.clone());
        let holds = || holds(webhook.provider, &exchange.request, &self.secrets, self.site(), exchange.started);
        let signature = if unfit.is_none() { Some(signature.unwrap_or_else(holds)) } else { signature };
        let finding = Finding { webhook, signature };
        if before.as_ref() != Some(&finding) {
            known().put(exchange, finding.clone());
        }
        let verdict = unfit.or(finding.signature)?;
        Some((finding.webhook, verdict.with_the_answer(exchange)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::webhook::Provider;
    use crate::inspect::{Body, Id, Message, State};

    /// What GitHub's own documentation signs, with its secret.
    const BODY: &[u8] = b"Hello, World!";
    const HEAD: &str = "POST /app/hook HTTP/1.1\r\nX-GitHub-Event: ping\r\nContent-Length: 13\r\nX-Hub-Signature-256: \
                        sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17\r\n\r\n";

    fn exchange(id: Id, body: &[u8], answer: &str) -> Exchange {
        let message = |head: &str, body: &[u8]| Message {
            head: head.as_bytes().to_vec(),
            body: Body { kept: body.to_vec(), size: body.len() as u64 },
            trailers: Vec::new(),
        };
        Exchange {
            id,
            response: (!answer.is_empty()).then(|| message(answer, b"")),
            state: if answer.is_empty() { State::Asked } else { State::Done },
            ..Exchange::of(message(HEAD, body))
        }
    }

    #[test]
    fn a_signature_is_checked_once_and_what_is_said_of_it_is_of_now() {
        let mut secrets = Secrets::default();
        secrets.add(Provider::GitHub, "It's a Secret to Everybody").unwrap();
        let webhooks = Webhooks::new(secrets, "https://example.com/app");
        let check = |id, body: &[u8], answer: &str, signature: &str, reason: Option<&str>| {
            let webhook = webhooks.judge(&exchange(id, body, answer)).expect("it is one");
            assert_eq!((&*webhook.signature, webhook.event.as_deref()), (signature, Some("ping")));
            let said = webhook.reason.unwrap_or_default();
            assert!(reason.map_or(said.is_empty(), |reason| said.contains(reason)), "{said}");
        };
        // As it comes, and as it is answered.
        check(1, &BODY[..5], "", "unchecked", Some("under way"));
        check(1, BODY, "", "valid", None);
        check(1, BODY, "HTTP/1.1 401 No\r\n\r\n", "valid", Some("answered 401 all the same"));
        // Nothing that has passed changes, so this shows that nobody looks at it again.
        check(1, b"Hello, Worms!", "HTTP/1.1 204 No Content\r\n\r\n", "valid", None);
        check(2, b"Hello, Worms!", "HTTP/1.1 204 No Content\r\n\r\n", "invalid", Some("anot"));
    }
}
