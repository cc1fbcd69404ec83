//! What came of each intermediary, as a table for a document.

use super::{Crossing, Endured, Passage};

/// The table's head.
pub const HEAD: &str = "\
| through | carried by | ready | a small request (the proxy alone) | 64 MiB up, down | mixed load under kills |
|---|---|---|---|---|---|";

/// The row of one.
#[must_use]
pub fn row(name: &str, crossing: &Crossing, endured: Option<&Endured>) -> String {
    let Crossing::Passed(Passage { ready, request, alone, up, down }) = crossing else {
        return format!("{}{crossing} |", begin(name));
    };
    let link = endured.map(|endured| manners(&endured.said)).unwrap_or_default();
    let borne = endured.map_or_else(String::new, |Endured { figures, kills, .. }| {
        let failed = endured.map_or(0, Endured::failed);
        format!("{} exchanges, {kills} kills, {failed} failed", figures.exchanges)
    });
    format!(
        "{}{link} | {:.2} s | {:.1} ms ({:.1} ms) | {}, {} MB/s | {borne} |",
        begin(name),
        ready.as_secs_f64(),
        request.as_secs_f64() * 1e3,
        alone.as_secs_f64() * 1e3,
        up / 1_000_000,
        down / 1_000_000,
    )
}

/// What the row of one begins with.
#[must_use]
pub fn begin(name: &str) -> String {
    format!("| {name} | ")
}

/// The last manners that the client told of, as in "streams down, batches up".
fn manners(said: &str) -> String {
    let line = said.lines().rev().find_map(|line| line.strip_prefix("wire v2: "));
    line.unwrap_or_default().split(';').next().unwrap_or_default().to_owned()
}
