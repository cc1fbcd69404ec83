//! `sendit doctor`: what it says of the way through each real proxy, that the tunnel does what it foretold, and that
//! what it advises cures what it found.
#![cfg(unix)]
#![expect(clippy::print_stdout, reason = "the findings of a passing test are worth reading too")]

use std::path::Path;

use serde_json::{Value, json};
use trials::intermediaries::ALL;

use crate::left_out::is_here;

/// What a doctor has to find; `null` for what may be one thing or another.
struct Expected {
    /// The manners, down and up.
    manners: [&'static str; 2],
    /// What becomes of the pieces of a stream, down and up.
    holding: [&'static str; 2],
    http_at_server: &'static str,
    /// What is in the names that the way gives itself.
    between: &'static str,
    /// The lines that are advised.
    lines: &'static [&'static str],
}

const CLEAR: Expected = Expected {
    manners: ["stream", "stream"],
    holding: ["nothing", "nothing"],
    http_at_server: "1.1",
    between: "",
    lines: &[],
};

#[tokio::test]
async fn probe_all() {
    for intermediary in &ALL {
        if !std::env::var("ONLY").unwrap().split('|').any(|n| n == intermediary.name) {
            continue;
        }
        let e = intermediary
            .examine(Path::new(env!("CARGO_BIN_EXE_sendit")), &["--longest", "1s", "--log", "debug"], &[])
            .await
            .unwrap();
        println!("=== {}\n{}{}\nlink: {}\n", intermediary.name, e.report, e.said, e.link);
    }
}
