//! Reads what callgrind writes. (Callgrind manual, "Callgrind Format Specification")

use std::cmp::Reverse;
use std::collections::HashMap;

/// What each function took itself, the most first.
pub(super) fn functions(text: &str) -> Vec<(String, u64)> {
    let (mut names, mut costs) = (HashMap::new(), HashMap::<&str, u64>::new());
    let (mut current, mut inclusive) = ("", false);
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("fn=") {
            current = known(&mut names, name);
        } else if let Some(name) = line.strip_prefix("cfn=") {
            known(&mut names, name);
        } else if line.starts_with("calls=") {
            // The next line is what the called function took.
            inclusive = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            let cost = line.split_ascii_whitespace().nth(1).and_then(|cost| cost.parse::<u64>().ok()).unwrap_or(0);
            if !std::mem::take(&mut inclusive) {
                *costs.entry(current).or_default() += cost;
            }
        }
    }
    let mut functions: Vec<_> = costs.into_iter().map(|(name, cost)| (name.to_owned(), cost)).collect();
    functions.sort_by_key(|(_, cost)| Reverse(*cost));
    functions
}

/// The name that `(id) name` gives, or that `(id)` was given before.
fn known<'a>(names: &mut HashMap<&'a str, &'a str>, text: &'a str) -> &'a str {
    let (id, name) = text.split_once(' ').unwrap_or((text, ""));
    if !name.is_empty() {
        names.insert(id, name);
    }
    names.get(id).copied().unwrap_or(id)
}

/// The crate that a function belongs to, of the tunnel's own its module as well.
pub(super) fn module(name: &str) -> &str {
    let name = name.strip_prefix("core::ptr::drop_in_place<").unwrap_or(name);
    let name = name.trim_start_matches(|first: char| !first.is_ascii_alphanumeric() && first != '_');
    let name = ["mut ", "dyn "].iter().fold(name, |name, prefix| name.strip_prefix(prefix).unwrap_or(name));
    let end = |from: usize| {
        let rest = &name[from..];
        from + rest.find(|next: char| !next.is_ascii_alphanumeric() && next != '_').unwrap_or(rest.len())
    };
    let first = end(0);
    if !name[first..].starts_with("::") {
        return "C";
    }
    if &name[..first] == "sendit" { &name[..end(first + 2)] } else { &name[..first] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_counts_for_itself() {
        let text = "version: 1\nevents: Ir\n\nfl=(1) a.rs\nfn=(1) a::b\n16 400\ncfn=(2) c::d\ncalls=3 50\n+4 700\n* 5\nfn=(2)\n+1 9\n\ntotals: 414\n";
        assert_eq!(functions(text), [("a::b".to_owned(), 405), ("c::d".to_owned(), 9)]);
    }

    #[test]
    fn modules() {
        assert_eq!(module("hyper::proto::h1::conn::Conn<I,B,T>::poll"), "hyper");
        assert_eq!(module("<sendit::mux::tap::Tap<T> as tokio::io::AsyncRead>::poll_read"), "sendit::mux");
        assert_eq!(module("core::ptr::drop_in_place<yamux::Stream>"), "yamux");
        assert_eq!(module("<&mut dyn core::fmt::Write>::f"), "core");
        assert_eq!(module("malloc"), "C");
    }
}
