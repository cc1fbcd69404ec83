//! Snippets that must pass and snippets that must not, and the repository itself.

use super::*;

/// Checks `body` as the content of `file`, below an opening that is in order; `expected` is a part of each finding.
#[track_caller]
fn check_file(file: &str, body: &str, expected: &[(usize, &str)]) {
    let findings = check(file, &format!("//! What it owns.\n{body}"));
    let as_expected = findings.len() == expected.len()
        && findings.iter().zip(expected).all(|(found, (line, rule))| found.line == *line && found.rule.contains(rule));
    assert!(as_expected, "{file}\n{body}\n{findings:#?}");
}

#[track_caller]
fn refused(file: &str, body: &str, rule: &str) {
    check_file(file, body, &[(2, rule)]);
}

#[track_caller]
fn allowed(file: &str, body: &str) {
    check_file(file, body, &[]);
}

#[test]
fn the_repository_is_tidy() {
    let files = run(crate::root()).unwrap_or_else(|error| panic!("{error}"));
    assert!(files > 10, "only {files} sources were found");
}

#[test]
fn imports_go_downward() {
    allowed("src/main.rs", "use sendit::cmd; fn main() { cmd::run() }");
    allowed("src/cmd/serve.rs", "use crate::{server, client::Client}; use crate::wire::Prefix;");
    allowed("src/server/mod.rs", "use crate::{auth, mux, pipe::v1, proxy, wire}; use self::public::Visitor;");
    allowed("src/server/public.rs", "use super::session::Session; use super::super::proxy::Hop;");
    allowed("src/client/target.rs", "// crate::server\nconst TEXT: &str = \"crate::server\";");
    allowed("src/pipe/v1.rs", "mod tests { use super::*; use super::super::log; }");
    allowed("src/wire.rs", "mod tests { use super::*; }");
    allowed("src/mux/mod.rs", "/// See [`crate::server`].\nfn f() {}");
    allowed("src/lib.rs", "pub mod wire; pub mod server; pub use crate::server::Server;");
    allowed("tests/it/main.rs", "use sendit::{client, server, pipe};");
}

#[test]
fn other_edges_are_refused() {
    let upward = "only downward";
    refused("src/wire.rs", "use crate::auth::Key;", upward);
    refused("src/auth/mod.rs", "use crate::{wire::Prefix, pipe::Pipe};", upward);
    refused("src/auth/token.rs", "use super::super::mux::Stream;", upward);
    refused("src/auth.rs", "use super::mux::Stream;", upward);
    refused("src/mux/mod.rs", "fn f() { crate::pipe::v1::swap() }", upward);
    refused("src/pipe/v1.rs", "#[cfg(test)] mod tests { use super::super::super::mux::Stream; }", upward);
    refused("src/client/mod.rs", "use sendit::server::Server;", upward);
    refused("src/server/mod.rs", "use crate::client;", upward);
    refused("src/server/mod.rs", "use crate::cmd::{self, run};", upward);
    refused("src/proxy/head.rs", "type Held = Vec<crate::server::Session>;", upward);
    refused("src/metrics.rs", "macro_rules! m { () => { $crate::server::f() } }", upward);
    refused("src/client/open.rs", "use crate::auth::Token;", "opaque token");
    check_file("src/wire.rs", "use crate::{\n    auth,\n    mux::{self},\n};", &[(3, "`auth`"), (4, "`mux`")]);
}

#[test]
fn nothing_hides_behind_the_root() {
    let root = "of the crate's root";
    refused("src/server/mod.rs", "use crate::Prefix;", root);
    refused("src/server/mod.rs", "use crate::*;", root);
    refused("src/server/mod.rs", "use crate as root;", root);
    refused("src/wire.rs", "use super::*;", root);
    refused("src/main.rs", "use sendit::Server;", root);
    check_file("src/tunnel/mod.rs", "use crate::wire;", &[(1, "`tunnel` is no module")]);
    check_file("src/bin/other.rs", "", &[(1, "`bin` is no module")]);
}

#[test]
fn fences_hold() {
    refused("src/server/mod.rs", "use yamux::Connection;", "`yamux::Connection`");
    refused("src/pipe/mod.rs", "use yamux as y;", "`yamux`");
    refused("src/server/mod.rs", "fn f() -> reqwest::Client {}", "carriers");
    refused("src/auth/mod.rs", "use std::{env, fs};", "`std::env`");
    refused("src/client/mod.rs", "use std::process; fn f() { process::exit(1) }", "`process::exit`");
    refused("src/client/mod.rs", "fn f() { println!(\"{x}\") }", "`println`");
    refused("src/client/mod.rs", "fn f() { std::eprintln!(\"{x}\") }", "`std::eprintln`");
    refused("src/cmd/serve.rs", "fn f() { tokio::spawn(g()); }", "tracker");
    refused("tests/it/main.rs", "use tokio::{net, task::spawn};", "tracker");
    refused("tests/it/main.rs", "fn f() { task::spawn(g()); }", "tracker");
    allowed("src/mux/mod.rs", "use yamux::Connection;");
    allowed("src/client/carrier.rs", "use reqwest::Client;");
    allowed("src/cmd/mod.rs", "use std::env; fn f() { println!(); std::process::exit(1) }");
    allowed("src/main.rs", "fn main() { std::env::args(); eprintln!() }");
    allowed("src/server/mod.rs", "fn f() { tracker.spawn(g()); let yamux = 1; std::env!(\"X\"); }");
    allowed("src/server/mod.rs", "/// `tokio::spawn` is not used.\nfn f() {}");
    allowed("tests/it/main.rs", "fn f() { println!(); std::env::temp_dir() }");
}

#[test]
fn files_read_well() {
    let opening = "a file opens with `//!`";
    assert_eq!(check("src/wire.rs", "use std::fmt;\n").len(), 1);
    assert!(check("src/wire.rs", "// One.\n")[0].rule.contains(opening));
    assert!(check("xtask/src/main.rs", "")[0].rule.contains(opening));
    allowed("src/wire.rs", &"\n".repeat(399));
    check_file("src/wire.rs", &"\n".repeat(400), &[(401, "400 lines")]);
    let later = concat!("TO", "DO");
    refused("src/wire.rs", &format!("// {later}: finish"), later);
    refused("src/wire.rs", &format!("const NOTE: &str = \"{}(me)\";", concat!("FIX", "ME")), "issue");
    allowed("src/wire.rs", &format!("// MAS{later}N"));
}

#[test]
fn names_say_something() {
    check_file("src/server/utils.rs", "", &[(1, "`utils`")]);
    check_file("src/proxy/common/mod.rs", "", &[(1, "`common`")]);
    check_file("src/proxy/test_helper.rs", "", &[(1, "`helper`")]);
    refused("src/server/mod.rs", "struct SessionManager;", "`manager`");
    refused("src/server/mod.rs", "fn parse_helper() {}", "`helper`");
    refused("src/server/mod.rs", "mod common;", "`common`");
    allowed("src/server/mod.rs", "use tokio_util::task::TaskTracker; use hyper_util::rt;");
    allowed("src/server/mod.rs", "fn uncommon() {} fn f(helper: u8) {}");
}
