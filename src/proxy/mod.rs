//! The one HTTP hop, on the server's side: it takes a visitor's request, applies every rule about headers, and has it
//! answered over a byte stream that somebody else provides. Knows neither sessions nor pipes nor tokens.

mod ambiguous;
mod connection;
mod expect;
mod fault;
mod forwarded;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod headers;
mod hop;
mod upgrade;

pub use fault::Fault;
pub use forwarded::Visitor;
pub use hop::{Breaker, Hop};
