//! The examples of `dist/` for platforms: what each would start is a command line that starts a server.

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
    for name in ["secret", "admin-token"] {
        fs::write(folder.path().join(name), SECRET.repeat(2)).unwrap();
    }
    let here = format!("{}/", folder.path().display());
    let here = |word: String| word.replace("/run/secrets/sendit/", &here);
    let free =
        |word: String| [":5050", ":5051", ":8080", ":$PORT"].iter().fold(word, |word, at| word.replace(at, ":0"));
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

#[tokio::test]
async fn what_examples_start_is_a_server() {
    let kubernetes = example("kubernetes/sendit.yaml");
    let (_, args) = kubernetes.split_once("          args:\n").unwrap();
    let args = args.lines().map_while(|line| line.strip_prefix("            "));
    check(args.filter_map(|line| line.strip_prefix("- ")).map(ToOwned::to_owned).collect()).await;

    let fly = example("fly/fly.toml");
    assert!(toml::de::DeTable::parse(&fly).is_ok());
    check(words(fly.lines().find_map(|line| line.strip_prefix("app = \"serve ").map(|_| &line[6..])).unwrap())).await;

    let heroku = example("heroku/Procfile");
    check(words(heroku.trim().strip_prefix("web: target/release/sendit ").unwrap())).await;
    let app: serde_json::Value = serde_json::from_str(&example("heroku/app.json")).unwrap();
    assert_eq!(app["env"]["SENDIT_SECRET"]["generator"], "secret");
}
