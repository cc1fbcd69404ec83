//! The API against its description, by another program: whatever the description allows is asked for, and some of what it does
//! not, and each answer has to be one of those that it promises.

use std::path::Path;
use std::process::Stdio;

use tokio::time::timeout;

use super::{ORDER, tunnel, visit};
use crate::left_out;
use crate::recorder::Recorder;
use crate::target::Target;
use crate::world::{PATIENCE, program};

#[tokio::test]
async fn the_api_is_what_its_description_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/apps/python");
    if !left_out::is_at(&folder.join("bin/schemathesis"), "the inspector's API against its description") {
        return;
    }
    let target = Target::start();
    let url = target.url();
    let recorder = Recorder::of(target);
    let (tunnel, inspector) = tunnel(&url).await;
    for _ in 0..3 {
        visit(&tunnel.server, ORDER).await;
    }
    let mut tester = program(folder.join("bin/python"));
    tester.args(["-m", "schemathesis.cli", "run", &format!("http://{}/api/openapi.json", inspector.addr)]);
    tester.args(["--checks", "all", "--max-examples", "8", "--generation-deterministic", "--no-color"]);
    // A stream that never ends is not for it, and what is forgotten cannot be asked for.
    tester.args(["--exclude-path", "/api/events", "--exclude-method", "DELETE"]);
    tester.args(["--header", &format!("Sendit-Token: {}", inspector.token)]);
    // It writes down what it found where it is started.
    let place = tempfile::tempdir().unwrap();
    tester.env("NO_PROXY", "*").current_dir(place.path());
    let testing = tester.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = timeout(PATIENCE * 5, testing).await.expect("it ends in time").expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    println!("{said}");
    assert!(recorder.count() > 3, "replays have reached the target as well");
}
