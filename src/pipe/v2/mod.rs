//! The pipe of wire v2.

mod log;
mod record;
