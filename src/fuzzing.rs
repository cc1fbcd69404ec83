//! What bytes of strangers reach first, each as a function of such bytes: what `fuzz/` drives, and what the tests try with
//! its seeds. It is there only for them.

#![expect(clippy::missing_panics_doc, reason = "a panic is how a fuzzer hears of a fault")]

use std::str::FromStr;

use crate::cluster::peers::Passed;
use crate::server::BasePath;
use crate::wire::v2::{Carrier, Secret};
use crate::wire::{Prefix, SessionId};

pub use crate::auth::fuzzing::tokens;
pub use crate::inspect::fuzzing::{show, tap};
pub use crate::mux::fuzzing::{frames, streams};
pub use crate::pipe::v1::fuzzing::handshake;
pub use crate::pipe::v2::fuzzing::{log, records, state};
pub use crate::proxy::fuzzing::{ambiguous, answers, forwarded};

/// What stands in a path, in a carrier's headers, or in what nodes tell each other: the lines are a path, a base path, and headers by
/// their order. What is parsed says the same again.
pub fn names(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let lines: Vec<&str> = text.split('\n').collect();
    for line in &lines {
        same::<Prefix>(line);
        same::<SessionId>(line);
        let _ = line.parse::<Secret>();
        if let Ok(passed) = line.parse::<Passed>() {
            assert_eq!(passed.to_string().parse(), Ok(passed));
        }
    }
    if let [path, base, ..] = lines[..]
        && let Ok(base) = base.parse::<BasePath>()
        && let Some(prefix) = base.prefix_of(path)
    {
        assert!(!prefix.is_empty() && !prefix.contains('/'));
        let rest = path.strip_prefix(base.as_str()).and_then(|path| path.strip_prefix('/'));
        assert!(rest.is_some_and(|rest| rest == prefix || rest.starts_with(&format!("{prefix}/"))));
    }
    let headers = ["sendit-session", "sendit-epoch", "sendit-offset", "sendit-manner", "sendit-digest"];
    let find = |name: &str| lines.get(headers.iter().position(|header| *header == name)?).copied();
    if let Ok(carrier) = Carrier::parse(find) {
        assert_eq!(carrier.session.as_str(), lines[0]);
    }
}

fn same<T: FromStr + ToString>(text: &str) {
    if let Ok(parsed) = text.parse::<T>() {
        assert_eq!(parsed.to_string(), text);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    type Target = fn(&[u8]);

    const TARGETS: [(&str, Target); 13] = [
        ("ambiguous", ambiguous),
        ("answers", answers),
        ("forwarded", forwarded),
        ("frames", frames),
        ("handshake", handshake),
        ("log", log),
        ("names", names),
        ("records", records),
        ("show", show),
        ("state", state),
        ("streams", streams),
        ("tap", tap),
        ("tokens", tokens),
    ];

    fn names_in(folder: &str) -> Vec<String> {
        let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
        let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
        let mut names: Vec<String> = entries.map(|entry| name(entry.unwrap())).collect();
        names.sort();
        names
    }

    #[test]
    fn each_target_has_a_door_and_seeds_that_pass() {
        let targets = TARGETS.map(|(name, _)| name);
        assert_eq!(names_in("fuzz/fuzz_targets"), targets.map(|name| format!("{name}.rs")));
        assert_eq!(names_in("fuzz/seeds"), targets);
        for (target, run) in TARGETS {
            let folder = format!("fuzz/seeds/{target}");
            for seed in names_in(&folder) {
                run(&fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(&folder).join(seed)).unwrap());
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_pass(bytes: Vec<u8>) {
            for (_, run) in TARGETS {
                run(&bytes);
            }
        }
    }
}
