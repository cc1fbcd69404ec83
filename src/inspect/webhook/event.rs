//! Which sender a request is a webhook of, and what happened, by its own words. What is said here may be made up by anybody
//! who can call the URL: whether it is true the signature tells.

use super::texts::texts;
use super::{Provider, slack, standard, twilio};
use crate::inspect::exchange::Message;
use crate::inspect::request::Request;

/// The most that is kept of a name that stands in a header or a form, in characters.
const MAX_NAME: usize = 200;

/// A webhook by its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Who sends it.
    pub provider: Provider,
    /// What happened, in the sender's terms.
    pub event: Option<String>,
    /// What tells this delivery from others, and is the same where it is sent again.
    pub delivery: Option<String>,
}

/// Whose webhook a request is, and what happened.
#[must_use]
pub fn recognise(request: &Message) -> Option<Webhook> {
    let request = Request::of(request);
    let provider = sender(&request)?;
    let (event, delivery) = match provider {
        Provider::GitHub => of_github(&request),
        Provider::Stripe => texts(request.body, ["type", "id"]).into(),
        Provider::Slack => of_slack(&request),
        Provider::Twilio => of_twilio(&request),
        Provider::Standard => {
            let [event] = texts(request.body, ["type"]);
            (event, standard::names(&request).and_then(|[id, ..]| request.header(id)).map(short))
        }
    };
    Some(Webhook { provider, event, delivery })
}

/// Whose webhook a request is, which its headers alone tell.
#[must_use]
pub fn sender(request: &Request<'_>) -> Option<Provider> {
    let has = |name| request.header(name).is_some();
    Some(match () {
        () if has("x-github-event") => Provider::GitHub,
        () if has("stripe-signature") => Provider::Stripe,
        () if has(slack::SIGNATURE) || has(slack::TIMESTAMP) => Provider::Slack,
        () if has(twilio::SIGNATURE) => Provider::Twilio,
        () if standard::names(request).is_some() => Provider::Standard,
        () => return None,
    })
}

type Named = (Option<String>, Option<String>);

fn short(text: &str) -> String {
    text.chars().take(MAX_NAME).collect()
}

fn of_github(request: &Request<'_>) -> Named {
    let payload = request.field("payload");
    let [action] = texts(payload.as_ref().map_or(request.body, |payload| payload.as_bytes()), ["action"]);
    let event = request.header("x-github-event").map(|event| match action {
        Some(action) => format!("{}.{action}", short(event)),
        None => short(event),
    });
    (event, request.header("x-github-delivery").map(short))
}

/// An event stands in an envelope, and what users press in a field of a form; a command is a form itself.
fn of_slack(request: &Request<'_>) -> Named {
    if let Some(command) = request.field("command") {
        return (Some(short(&command)), request.field("trigger_id").map(|id| short(&id)));
    }
    let payload = request.field("payload");
    let json = payload.as_ref().map_or(request.body, |payload| payload.as_bytes());
    let [kind, event, id, trigger] = texts(json, ["type", "event.type", "event_id", "trigger_id"]);
    (event.or(kind), id.or(trigger))
}

/// Parameters of Twilio's, and what stands before their values in the name of an event. The first that is there decides.
const KINDS: [(&str, &str); 9] = [
    ("EventType", ""),
    ("MessageStatus", "message "),
    ("SmsStatus", "message "),
    ("RecordingStatus", "recording "),
    ("StatusCallbackEvent", "conference "),
    ("TranscriptionStatus", "transcription "),
    ("TranscriptionEvent", ""),
    ("VerificationStatus", "verification "),
    ("CallStatus", "call "),
];

/// Which parameters there are tells what it is about.
fn of_twilio(request: &Request<'_>) -> Named {
    let value = |name: &str| {
        let in_query =
            || form_urlencoded::parse(request.query()).find(|(other, _)| other == name).map(|(_, value)| value);
        request.field(name).or_else(in_query).map(|value| short(&value)).filter(|value| !value.is_empty())
    };
    let event = KINDS.iter().find_map(|(name, kind)| Some(format!("{kind}{}", value(name)?)));
    let event = event.or_else(|| {
        let [event] = texts(request.body, ["type"]);
        event
    });
    let ids = ["MessageSid", "SmsSid", "RecordingSid", "CallSid"];
    let delivery = request.header("i-twilio-idempotency-token").map(short);
    (event, delivery.or_else(|| ids.iter().find_map(|name| value(name))))
}
