//! Webhooks as their senders would sign them now. Knows neither senders nor schemes.

use std::time::Duration;

use crate::inspect::webhook::{Secrets, recognise, sign};
use crate::inspect::{Body, Message, Replay, Request};

/// Signs a request anew, where it is a webhook and its sender's secret is known. `now` is since 1970.
pub(super) fn afresh(replay: &mut Replay, secrets: &Secrets, now: Duration) {
    let Some(webhook) = message(replay).and_then(|message| recognise(&message)) else { return };
    // Where the tunnel stood is not known here; a request that does not tell by its headers is sent as it was.
    if let Some(signed) = sign(webhook.provider, &Request::of_replay(replay), secrets, None, now) {
        signed.put_into(replay);
    }
}

/// The request as it would be seen; none where it would not be one.
fn message(replay: &Replay) -> Option<Message> {
    let mut head = replay.to_bytes().ok()?;
    head.truncate(head.len() - replay.body.len());
    let body = Body { kept: replay.body.clone(), size: replay.body.len() as u64 };
    Some(Message { head, body, trailers: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::webhook::Provider;

    fn stripe(signature: &str) -> Replay {
        let header = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
        Replay {
            method: b"POST".to_vec(),
            path: b"/hook".to_vec(),
            headers: vec![header("Host", "a.example"), header("Stripe-Signature", signature)],
            body: b"{\"type\":\"x\"}".to_vec(),
        }
    }

    #[test]
    fn a_webhook_has_the_time_at_which_it_is_played() {
        let now = Duration::from_secs(1_700_000_000);
        let mut secrets = Secrets::default();
        let mut played = stripe("t=1,v1=00");
        afresh(&mut played, &secrets, now);
        assert_eq!(played, stripe("t=1,v1=00"));
        secrets.add(Provider::Stripe, "whsec_hush").unwrap();
        afresh(&mut played, &secrets, now);
        let signature = String::from_utf8(played.headers[1].1.clone()).unwrap();
        // HMAC-SHA256 of `1700000000.{"type":"x"}` with the secret, as `openssl dgst` makes it.
        assert_eq!(signature, "t=1700000000,v1=fe2d726716557290a9ce10887b110a2a2ba85b24ac73af766ec265e3956a56c9");
        assert_eq!(stripe(&signature), played);
        let mut other = Replay { headers: Vec::new(), ..stripe("") };
        let before = other.clone();
        afresh(&mut other, &secrets, now);
        assert_eq!(other, before);
    }
}
