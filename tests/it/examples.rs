//! The examples of `dist/` for platforms: what each would start is a command line that starts a server.

mod several;

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::tunnel::Server;
use crate::v2::SECRET;
use crate::world::sendit;

fn example(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("dist").join(path)).unwrap()
}

/// Starts what an example says, at ports that are free, with secrets in files that are there.
async fn check(words: Vec<String>) {
    let folder = TempDir::new().unwrap();
    for name in ["secret", "admin-token", "cluster-secret"] {
        fs::write(folder.path().join(name), SECRET.repeat(2)).unwrap();
    }
    let here = |word: String| {
        let folders = ["/run/secrets/sendit/", "/run/secrets/", "/tmp/"];
        match folders.iter().find_map(|there| word.split_once(there)) {
            Some((flag, name)) => format!("{flag}{}/{name}", folder.path().display()),
            None => word,
        }
    };
    let free = |word: String| {
        [":5050", ":5051", ":5052", ":8080", ":$PORT"].iter().fold(word, |word, at| word.replace(at, ":0"))
    };
    let mut command = sendit();
    command.args(words.into_iter().map(here).map(free)).env("SENDIT_SECRET", SECRET);
    let mut server = Server::of(command).await;
    assert_eq!(server.get("/", "").await.0.status(), "200");
    server.program.kill().await;
}

/// The words of a line, without quotes.
fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(|word| word.trim_matches('"').to_owned()).collect()
}

/// The words of a list in YAML that begins below `head`.
fn listed(text: &str, head: &str) -> Vec<String> {
    let (_, after) = text.split_once(head).unwrap();
    let margin = after.len() - after.trim_start_matches(' ').len();
    let lines =
        after.lines().map_while(|line| line.split_at_checked(margin).filter(|(before, _)| before.trim().is_empty()));
    lines.filter_map(|(_, line)| line.strip_prefix("- ")).map(ToOwned::to_owned).collect()
}

/// What Fly's machines start.
fn flown(fly: &str) -> Vec<String> {
    assert!(toml::de::DeTable::parse(fly).is_ok());
    words(fly.lines().find_map(|line| line.strip_prefix("app = \"serve ").map(|_| &line[6..])).unwrap())
}

#[tokio::test]
async fn what_examples_start_is_a_server() {
    check(listed(&example("kubernetes/sendit.yaml"), "          args:\n")).await;
    check(flown(&example("fly/fly.toml"))).await;

    let heroku = example("heroku/Procfile");
    check(words(heroku.trim().strip_prefix("web: target/release/sendit ").unwrap())).await;
    let app: serde_json::Value = serde_json::from_str(&example("heroku/app.json")).unwrap();
    assert_eq!(app["env"]["SENDIT_SECRET"]["generator"], "secret");
}
