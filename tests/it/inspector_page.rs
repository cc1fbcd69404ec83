//! The inspector's page: what it computes, in Node, and what it shows, in a real browser beside a real tunnel. What the
//! browser does is in `tests/apps/inspector`.

use std::process::Stdio;

use tokio::time::timeout;

use crate::apps::{VISIT, modules, root, script, visit};
use crate::left_out;
use crate::tunnel::Tunnel;
use crate::world::{Program, program};

#[tokio::test]
async fn what_the_page_computes() {
    // Where an older Node could not install the modules, it could not run these either.
    if modules("what the inspector's page computes").is_none() {
        return;
    }
    let mut node = program("node");
    node.current_dir(root()).args(["--test", "--test-reporter=tap", "tests/page/pure.test.mjs"]);
    let run = node.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = timeout(VISIT, run).await.expect("it ends in time").expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let passed = said.lines().find_map(|line| line.strip_prefix("# pass ")).expect("a count");
    assert!(passed.parse::<u32>().expect("a number") >= 20, "{said}");
}

/// Runs one part of the browser's tests beside a tunnel of its own.
async fn in_a_browser(what: &str) {
    let left = format!("the inspector's page in a browser: {what}");
    let Some(modules) = modules(&left) else { return };
    if !left_out::is_here("chromium", &left) {
        return;
    }
    let mut target = Program::start(script("node", "inspector/samples.mjs", &[]));
    let said = target.printed(|output| output.stdout.contains('\n')).await.stdout;
    let flags = ["--strip-prefix", "--inspect", "127.0.0.1:0"];
    let mut tunnel = Tunnel::with(said.lines().next().unwrap_or_default(), &[], &flags).await;
    let said = tunnel.client.program.printed(|output| output.stderr.contains("Inspector: ")).await.stderr;
    let (_, inspector) = said.split_once("Inspector: ").expect("it is said");
    let inspector = inspector.lines().next().unwrap_or_default();
    let args = [what, modules.to_str().expect("it is UTF-8"), inspector, &tunnel.server.url("/app")];
    assert_eq!(visit(script("node", "inspector/run.mjs", &args)).await, format!("{what}: as it shall be\n"));
}

#[tokio::test]
async fn the_page_shows_each_kind_of_exchange() {
    in_a_browser("views").await;
}

#[tokio::test]
async fn the_page_replays() {
    in_a_browser("replays").await;
}

#[tokio::test]
async fn the_page_obeys_the_keyboard() {
    in_a_browser("keys").await;
}

#[tokio::test]
async fn the_page_fits_a_phone() {
    in_a_browser("narrow").await;
}

#[tokio::test]
async fn the_page_bears_thousands() {
    in_a_browser("many").await;
}

#[tokio::test]
async fn the_page_says_that_it_is_cut_off() {
    in_a_browser("lost").await;
}

#[tokio::test]
async fn the_page_is_accessible() {
    in_a_browser("accessible").await;
}

#[tokio::test]
async fn no_foreign_page_gets_at_the_inspector() {
    in_a_browser("foreign").await;
}
