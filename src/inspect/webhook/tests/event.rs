//! What happened, by the senders' own words.

use super::*;

#[track_caller]
fn told(headers: &str, body: &str, expected: Option<(Provider, &str, &str)>) {
    let webhook = recognise(&seen(headers, body.as_bytes()).request);
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let expected =
        expected.map(|(provider, event, delivery)| Webhook { provider, event: text(event), delivery: text(delivery) });
    assert_eq!(webhook, expected, "{headers}{body}");
}

#[test]
fn what_happened() {
    const FORM: &str = "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n";
    told("X-Hub-Signature-256: 1\r\n", "{}", None);
    let github = "x-github-event: issues\r\nX-GitHub-Delivery: 72d3162e\r\n";
    told(
        github,
        r#"{"action":"opened","issue":{"action":"no"}}"#,
        Some((Provider::GitHub, "issues.opened", "72d3162e")),
    );
    told(github, "[", Some((Provider::GitHub, "issues", "72d3162e")));
    let form = format!("{FORM}{github}");
    told(&form, "payload=%7B%22action%22%3A%22closed%22%7D", Some((Provider::GitHub, "issues.closed", "72d3162e")));
    told(
        "Stripe-Signature: 1\r\n",
        r#"{"id":"evt_1","type":"charge.succeeded","data":{"id":"ch_1"}}"#,
        Some((Provider::Stripe, "charge.succeeded", "evt_1")),
    );
    let slack = "X-Slack-Signature: v0=\r\n";
    told(
        slack,
        r#"{"type":"event_callback","event":{"type":"app_mention"},"event_id":"Ev1"}"#,
        Some((Provider::Slack, "app_mention", "Ev1")),
    );
    told(slack, r#"{"type":"url_verification","challenge":"c"}"#, Some((Provider::Slack, "url_verification", "")));
    let form = format!("{FORM}X-Slack-Request-Timestamp: 1\r\n");
    told(&form, "command=%2Fdeploy&trigger_id=1.2", Some((Provider::Slack, "/deploy", "1.2")));
    told(
        &form,
        "payload=%7B%22type%22%3A%22block_actions%22%2C%22trigger_id%22%3A%223.4%22%7D",
        Some((Provider::Slack, "block_actions", "3.4")),
    );
    let twilio = format!("{FORM}X-Twilio-Signature: 1\r\n");
    told(&twilio, "MessageSid=SM1&SmsStatus=received&Body=hi", Some((Provider::Twilio, "message received", "SM1")));
    told(&twilio, "CallSid=CA1&CallStatus=ringing", Some((Provider::Twilio, "call ringing", "CA1")));
    told(
        &twilio,
        "CallSid=CA1&CallStatus=completed&RecordingSid=RE1&RecordingStatus=completed",
        Some((Provider::Twilio, "recording completed", "RE1")),
    );
    told(
        &format!("{twilio}I-Twilio-Idempotency-Token: tok\r\n"),
        "EventType=onMessageAdded&MessageSid=",
        Some((Provider::Twilio, "onMessageAdded", "tok")),
    );
    told(
        "X-Twilio-Signature: 1\r\n",
        r#"[{"type":"com.twilio.messaging.message.sent"}]"#,
        Some((Provider::Twilio, "com.twilio.messaging.message.sent", "")),
    );
    let standard = "webhook-id: msg_1\r\nwebhook-timestamp: 1\r\n";
    told(standard, r#"{"type":"user.created","data":{}}"#, Some((Provider::Standard, "user.created", "msg_1")));
    told("svix-id: msg_2\r\nsvix-signature: v1,\r\n", "", Some((Provider::Standard, "", "msg_2")));
    told("webhook-id: msg_1\r\n", "", None);
}
