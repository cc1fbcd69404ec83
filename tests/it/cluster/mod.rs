//! Several servers behind one address, over a real engine and behind a real `HAProxy`.

mod as_one;
mod bad_input;
mod directory;
mod engine;
mod harmed;
mod kinds;
mod member;
mod trials;

use std::path::Path;

use crate::left_out;

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_sendit"))
}

/// Whether there is all that several servers need.
#[track_caller]
fn can_be_tried() -> bool {
    const WHAT: &str = "several servers behind one address";
    left_out::is_here("redis-server", WHAT) && left_out::is_at(&::trials::cluster::haproxy(), WHAT)
}
