//! Real applications, each driven through the tunnel by its own kind of client: signed webhooks, git, web sockets, a
//! notebook, and a dev server seen by a browser. What they say is in `tests/apps`.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use crate::left_out;
use crate::tunnel::Tunnel;
use crate::world::{PATIENCE, Program, program};

/// How long a whole visit may take: kernels and browsers start slowly on a machine that does much else.
pub(crate) const VISIT: std::time::Duration = PATIENCE.saturating_mul(4);

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A script of `tests/apps`, run by `interpreter`.
pub(crate) fn script(interpreter: impl AsRef<Path>, name: &str, args: &[&str]) -> Command {
    let mut command = program(interpreter.as_ref());
    // A process that looks for a proxy of the machine's would find this one.
    command.arg(root().join("tests/apps").join(name)).args(args).env("no_proxy", "*");
    command
}

/// The Python whose packages `cargo xtask setup` installs.
pub(crate) fn python(what: &str) -> Option<PathBuf> {
    let python = root().join("target/apps/python/bin/python");
    left_out::is_at(&python, what).then_some(python)
}

/// The folder of the JavaScript packages.
pub(crate) fn modules(what: &str) -> Option<PathBuf> {
    let modules = root().join("target/apps/node");
    (left_out::is_here("node", what) && left_out::is_at(&modules.join("node_modules"), what)).then_some(modules)
}

/// A target whose first line is its URL, and a tunnel to it.
async fn tunnel(target: Command) -> (Program, Tunnel) {
    let mut target = Program::start(target);
    let said = target.printed(|output| output.stdout.contains('\n')).await.stdout;
    let tunnel = Tunnel::to(said.lines().next().unwrap_or_default()).await;
    (target, tunnel)
}

/// What a visitor prints that ends well.
pub(crate) async fn visit(visitor: Command) -> String {
    told(visitor, Stdio::null()).await
}

/// What a program prints that is told something, and ends well.
pub(crate) async fn told(mut program: Command, input: impl Into<Stdio>) -> String {
    let visiting = program.stdin(input).kill_on_drop(true).output();
    let output = timeout(VISIT, visiting).await.expect("it ends in time").expect("it starts");
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{errors}");
    said.into_owned()
}

#[tokio::test]
async fn signed_webhooks() {
    let Some(python) = python("signed webhooks") else { return };
    let (_target, tunnel) = tunnel(script(&python, "webhooks.py", &["target"])).await;
    let said = visit(script(&python, "webhooks.py", &["send", &tunnel.server.url("/app")])).await;
    println!("{said}");
    assert!(said.ends_with(" webhooks, 0 wrong\n"), "{said}");
}

#[tokio::test]
async fn websockets_of_another_library() {
    let Some(python) = python("WebSockets by another library") else { return };
    let (_target, tunnel) = tunnel(script(&python, "sockets.py", &["target"])).await;
    let url = format!("ws://{}/app", tunnel.server.addr);
    let said = visit(script(&python, "sockets.py", &["visit", &url])).await;
    assert_eq!(said, "everything came as it was sent\n");
}

/// git in `folder`, without anything that a person may have set.
async fn git(folder: &Path, args: &[&str]) -> String {
    let mut git = program("git");
    git.current_dir(folder).args([
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@a.example",
        "-c",
        "init.defaultBranch=main",
    ]);
    git.args(args).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    visit(git).await
}

#[tokio::test]
async fn git_clones_and_pushes() {
    if !["git", "python3"].iter().all(|program| left_out::is_here(program, "git over HTTP")) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let (served, work) = (folder.path().join("served"), folder.path().join("work"));
    std::fs::create_dir_all(&served).unwrap();
    git(&served, &["init", "-q", "--bare", "a b.git"]).await;
    git(folder.path(), &["init", "-q", "work"]).await;
    // More than git sends with a length: it goes in chunks, after a first request that asks.
    let noise: Vec<u8> = (0..3_000_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    std::fs::write(work.join("noise"), &noise).unwrap();
    for n in 0..20 {
        std::fs::write(work.join("text"), format!("{n}\n")).unwrap();
        git(&work, &["add", "."]).await;
        git(&work, &["commit", "-q", "-m", &n.to_string()]).await;
    }
    let (_target, tunnel) = tunnel(script("python3", "git_server.py", &[served.to_str().unwrap()])).await;
    let url = tunnel.server.url("/app/a%20b.git");
    git(&work, &["push", "-q", &url, "main"]).await;
    git(folder.path(), &["clone", "-q", &url, "copy"]).await;
    let copy = folder.path().join("copy");
    assert_eq!(std::fs::read(copy.join("noise")).unwrap(), noise);
    assert_eq!(git(&copy, &["rev-parse", "HEAD"]).await, git(&work, &["rev-parse", "HEAD"]).await);
    git(&copy, &["fsck", "--strict"]).await;
    git(folder.path(), &["clone", "-q", "--depth", "1", &url, "shallow"]).await;
    assert_eq!(git(&folder.path().join("shallow"), &["rev-list", "--count", "HEAD"]).await, "1\n");
    std::fs::write(copy.join("text"), "back\n").unwrap();
    git(&copy, &["commit", "-q", "-a", "-m", "back"]).await;
    git(&copy, &["push", "-q"]).await;
    git(&work, &["pull", "-q", &url, "main"]).await;
    assert_eq!(std::fs::read_to_string(work.join("text")).unwrap(), "back\n");
}

#[tokio::test]
async fn a_notebook() {
    let Some(python) = python("Jupyter") else { return };
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_str().unwrap();
    let mut server = program(&python);
    server.args(["-m", "jupyter_server", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0"]);
    server.args(["--ServerApp.base_url=/app/", "--IdentityProvider.token=secret", "--ServerApp.root_dir", path]);
    for name in ["HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"] {
        server.env(name, path);
    }
    let mut server = Program::start(server);
    let said =
        server.printed(|output| output.stderr.contains("/app/tree") || output.stderr.contains("/app/?token")).await;
    let port = said.stderr.split("http://127.0.0.1:").nth(1).and_then(|rest| rest.split('/').next()).expect("a port");
    let tunnel = Tunnel::to(&format!("http://127.0.0.1:{port}")).await;
    let said = visit(script(&python, "notebook.py", &[&tunnel.server.url("/app"), "secret"])).await;
    assert_eq!(said, "the notebook works\n");
}

#[tokio::test]
async fn a_dev_server_in_a_browser() {
    let Some(modules) = modules("a dev server in a browser") else { return };
    if !left_out::is_here("chromium", "a dev server in a browser") {
        return;
    }
    let folder = TempDir::new().unwrap();
    let page = "<!doctype html><link rel=icon href=data:,><div id=app></div><script type=module src=/main.js></script>";
    std::fs::write(folder.path().join("index.html"), page).unwrap();
    std::fs::write(folder.path().join("text.js"), "export default 'first';\n").unwrap();
    let main = "import text from './text.js';\n\
                const show = (text) => { document.querySelector('#app').textContent = text; };\n\
                show(text);\n\
                import.meta.hot.accept('./text.js', (module) => show(module.default));\n";
    std::fs::write(folder.path().join("main.js"), main).unwrap();
    let (modules, root) = (modules.to_str().unwrap(), folder.path().to_str().unwrap());
    let (_target, tunnel) = tunnel(script("node", "vite.mjs", &[modules, root])).await;
    let source = folder.path().join("text.js");
    let args = [modules, &tunnel.server.url("/app/"), source.to_str().unwrap()];
    assert_eq!(visit(script("node", "browser.mjs", &args)).await, "the page changed in place\n");
}
