//! How a node passes a request on to another, and takes in what another passes. Knows no session and no prefix: whom a request
//! is for is found out by whoever passes it on, and whether that is so by whoever is asked.

mod greeting;
mod passed;

pub use greeting::Greeted;
pub use passed::{InvalidPassed, Passed};
