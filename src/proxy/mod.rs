//! The one HTTP hop, on the server's side: it takes a visitor's request, applies every rule about headers, and has it
//! answered over a byte stream that somebody else provides. Knows neither sessions nor pipes nor tokens.

mod access;
mod ambiguous;
mod answer;
mod came;
mod chunks;
mod confine;
mod connection;
mod cookies;
mod expect;
mod fault;
mod forwarded;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod headers;
mod hop;
mod http1;
mod http2;
mod interim;
mod meter;
mod relay;
mod rewrite;
mod rules;
mod tracked;
mod trailers;
mod turn;
mod upgrade;

pub use access::{Access, challenge};
pub(crate) use ambiguous::{is_framing_alias, is_host};
pub use answer::Breaker;
pub(crate) use chunks::{Chunks, Padding};
pub use fault::Fault;
pub(crate) use forwarded::{FAMILY, X_FORWARDED_PROTO};
pub use forwarded::{Trusted, Visitor};
pub(crate) use headers::has;
pub use hop::{Call, Hop};
pub use meter::{Meter, Sum, Traffic};
pub use relay::{relay, relay_upgrade};
pub use rules::{Path, Protocol, Rules};
pub(crate) use tracked::Tracked;
pub(crate) use turn::spend;
