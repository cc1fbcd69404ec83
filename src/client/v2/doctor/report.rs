//! What an examination found. Its members are the fields of `sendit doctor --json`, which `docs/doctor.md` explains: a
//! name, once given, stays.

use serde::Serialize;

use super::clock::Difference;
use super::flush::Holding;
use crate::wire::v2::measure::{PrefixState, TokenTerms};

/// What was found on the way to a server. What is `None` was not measured.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The URL as it was given.
    pub url: String,
    /// What answers there, such as `sendit/0.1.0`.
    pub server: Option<String>,
    /// The wires that it speaks.
    pub wires: Vec<String>,
    /// The version of HTTP that this machine speaks.
    pub http: Option<String>,
    /// The version of HTTP that reaches the server.
    pub http_at_server: Option<String>,
    /// The proxy that the environment names.
    pub proxy: Option<String>,
    /// What names itself on the way, as `header: value`.
    pub between: Vec<String>,
    /// What the token allows; none where the server asks for none.
    pub token: Option<TokenTerms>,
    /// The prefix that the URL names.
    pub prefix: Option<Prefix>,
    /// How far the clock of whoever dates the answers is ahead of this one.
    pub clock: Option<Difference>,
    /// How long a complete request takes there and back, in milliseconds.
    pub round_trip_ms: Option<f64>,
    /// From server to client: the answers.
    pub down: Option<Direction>,
    /// From client to server: the requests.
    pub up: Option<Direction>,
    /// What would make it faster.
    pub advice: Vec<Advice>,
}

/// A prefix, and what `connect` would meet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Prefix {
    /// The prefix.
    pub name: String,
    /// What became of it.
    pub state: PrefixState,
}

/// What was found of one direction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Direction {
    /// The manner that the tunnel takes: `stream` or `batch`.
    pub manner: &'static str,
    /// Why not streams, where it is batches.
    pub why: Option<String>,
    /// What becomes of the pieces of a stream.
    pub holding: Option<Holding>,
    /// Whether the head of an answer is held until its first byte; never measured upwards.
    pub head_held: Option<bool>,
    /// The smallest piece that passes at once, in bytes.
    pub smallest_flush: Option<usize>,
    /// What a stream costs beyond a round trip, in milliseconds.
    pub stream_lag_ms: Option<f64>,
    /// What a batch costs beyond a round trip, in milliseconds.
    pub batch_lag_ms: Option<f64>,
    /// How old a stream became.
    pub life: Option<Life>,
    /// The largest streamed body; never measured downwards.
    pub largest_stream: Option<Largest>,
    /// The largest complete body; never measured downwards.
    pub largest_batch: Option<Largest>,
}

/// How old a stream became.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Life {
    /// So old, in milliseconds.
    pub ms: u64,
    /// Whether something cut it then, or it ended because enough was seen.
    pub cut: bool,
}

/// The largest body that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Largest {
    /// So many bytes.
    pub bytes: u64,
    /// Whether twice as many did not pass, or were not tried.
    pub limited: bool,
}

/// A change that would make the tunnel faster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// In which program; none where it does not say what it is.
    pub program: Option<&'static str>,
    /// Where in its configuration.
    pub place: Option<&'static str>,
    /// The lines, exactly.
    pub lines: Vec<&'static str>,
    /// What they change.
    pub why: &'static str,
}
