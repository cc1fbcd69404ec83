//! One byte stream over many HTTP requests. Knows neither what flows (the multiplexer) nor who may send it (tokens):
//! a carrier is a body to be read and a body to be sent.

pub mod v1;
pub mod v2;
