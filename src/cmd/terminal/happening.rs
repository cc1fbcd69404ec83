//! What `connect` tells of, as scripts read it: the events of `--log-format json`. `docs/events.md` describes each field.

use serde::Serialize;

use crate::client::Event;
use crate::inspect::api::Summary;

/// An event. Its name is the member `event`.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(crate) enum Happening<'a> {
    /// The tunnel stands.
    Ready {
        url: &'a str,
        target: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        inspect: Option<&'a str>,
    },
    /// An exchange is over; a WebSocket or a stream of events has begun, or is over.
    Exchange(&'a Summary),
    /// The link has changed.
    State(State<'a>),
    /// Something failed.
    Error {
        /// With which code the command ends, where it does.
        #[serde(skip_serializing_if = "Option::is_none")]
        exit: Option<u8>,
    },
}

/// An event, and whose it is where there are several tunnels.
#[derive(Serialize)]
pub(crate) struct Of<'a> {
    #[serde(flatten)]
    pub(crate) happening: Happening<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tunnel: Option<&'a str>,
}

/// How the link is.
#[derive(Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(crate) enum State<'a> {
    /// There is none; it is tried again.
    Retrying { cause: &'a str, after_ms: u128 },
    /// It is lost, and what is under way waits.
    Lost { cause: &'a str },
    /// It is back.
    Back {
        after_ms: u128,
        #[serde(flatten)]
        outage: Option<Outage>,
    },
    /// How it is carried.
    Link { text: &'a str },
    /// The server does something else than was asked for.
    Lacking { text: &'a str },
    /// The command ends.
    Stopped { after_ms: u128, exchanges: u64, errors: u64, request_bytes: u64, response_bytes: u64 },
}

/// What became of the exchanges that were under way while the link was lost, or waited for it at the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Outage {
    /// How many went on, or were answered meanwhile.
    pub(crate) held: u64,
    /// How many were cut, or waited in vain.
    pub(crate) lost: u64,
}

/// What is told of an event of the client's other than that the tunnel stands.
pub(crate) fn happening(event: &Event, outage: Option<Outage>) -> Option<Happening<'_>> {
    let state = match event {
        Event::Ready => return None,
        Event::Target { .. } => return Some(Happening::Error { exit: None }),
        Event::Retrying { cause, after } => State::Retrying { cause, after_ms: after.as_millis() },
        Event::Lost { cause } => State::Lost { cause },
        Event::Back { after, .. } => State::Back { after_ms: after.as_millis(), outage },
        Event::Link { text } => State::Link { text },
        Event::Lacking { text } => State::Lacking { text },
    };
    Some(Happening::State(state))
}

/// The same as one sentence, for people.
pub(crate) fn sentence(event: &Event, outage: Option<Outage>) -> Option<String> {
    Some(match event {
        Event::Ready => return None,
        Event::Retrying { cause, after } => format!("no tunnel: {cause}; trying again in {:.1} s", after.as_secs_f64()),
        Event::Lost { cause } => format!("link lost: {cause}; exchanges are held until it is back"),
        Event::Back { after, .. } => {
            let back = format!("link back after {:.1} s", after.as_secs_f64());
            match outage {
                Some(Outage { held, lost }) => format!("{back}, {held} held, {lost} lost"),
                None => back,
            }
        }
        Event::Link { text } | Event::Lacking { text } => text.clone(),
        Event::Target { cause, .. } => format!("a visitor did not reach the destination: {cause}"),
    })
}
