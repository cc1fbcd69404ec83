//! What a run leaves out because a program is missing. With `CI=true` nothing may be.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

/// Whether `program` is here. Where it is not, notes that `what` is left out, or fails where nothing may be.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "a test reads the environment that it runs in")]
pub(crate) fn is_here(program: &str, what: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file()) || is_missing(program, what)
}

/// The same of what lies at `path`, where `cargo xtask setup` puts it.
#[track_caller]
pub(crate) fn is_at(path: &Path, what: &str) -> bool {
    path.exists() || is_missing(&path.display().to_string(), what)
}

/// The same of what the system may not let us do: `cause` says why.
#[track_caller]
pub(crate) fn is_possible(outcome: &Result<(), String>, what: &str) -> bool {
    outcome.as_ref().map_or_else(|cause| note(&format!("{what}, because {cause}")), |()| true)
}

/// Notes it; false.
#[track_caller]
fn is_missing(name: &str, what: &str) -> bool {
    note(&format!("{what}, because `{name}` is missing"))
}

#[track_caller]
#[expect(clippy::disallowed_methods, reason = "a test reads the environment that it runs in")]
#[expect(clippy::print_stderr, reason = "what is left out is said loudly")]
fn note(line: &str) -> bool {
    assert!(
        std::env::var_os("CI").is_none_or(|value| value != "true"),
        "with `CI=true` nothing may be left out: {line}"
    );
    eprintln!("LEFT OUT: {line}");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    fs::create_dir_all(&folder).unwrap();
    // One write, so that lines of tests which run at the same time stay whole.
    let mut file = OpenOptions::new().create(true).append(true).open(folder.join("left-out.txt")).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
    false
}
