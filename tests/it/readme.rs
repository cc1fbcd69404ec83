//! Every command that the README and the documents show, run as it stands there: what it prints is what they show.
//!
//! A section of a document is one session in one folder, which begins with a server that runs, its secret and a token.
//! The names in it stand for real ones: `https://example.com` for the server, `http://localhost:3000` for a service of
//! the test's own, `http://localhost:4000` for one that is down.

mod commands;
mod document;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use axum::Router;
use axum::http::{Method, Uri};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpSocket};
use tokio::process::Command;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use trials::intermediaries::{ALL, table};

use crate::certificates::{Authority, GOOD};
use crate::left_out;
use crate::world::{Output, PATIENCE, Program};
use commands::{BEFORE, COMMANDS, Does};
use document::{Step, blocks, root, sections};

const DOCUMENTS: [&str; 11] = [
    "README.md",
    "docs/commands.md",
    "docs/coming-from.md",
    "docs/how-it-works.md",
    "docs/sharing.md",
    "docs/security.md",
    "docs/hosting.md",
    "docs/troubleshooting.md",
    "docs/doctor.md",
    "docs/events.md",
    "docs/configuration.md",
];

/// The configuration that a session finds. Where the server is and which token it takes the environment says, for that is
/// known only when it runs.
const FILE: &str = "server = 'https://example.com'\n[tunnels.web]\ntarget = 3000\n[tunnels.api]\ntarget = 8080\n";

/// What a session has made so far.
struct World {
    folder: TempDir,
    /// What a document calls something, and what it is here; what was learnt last goes first.
    names: Vec<(String, String)>,
    server: Option<Program>,
    client: Option<Program>,
    demo: Option<Program>,
    /// Where the client's inspector is, once a command has asked for it.
    inspect: Option<String>,
    /// Where the server tells of itself, once a command has asked for it.
    admin: Option<String>,
    _service: AbortOnDropHandle<()>,
}

impl World {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let bin = folder.path().join("path");
        fs::create_dir(&bin).unwrap();
        fs::create_dir_all(folder.path().join(".local/bin")).unwrap();
        for name in ["new", "old"] {
            fs::write(folder.path().join(name), name.repeat(20)).unwrap();
        }
        fs::write(folder.path().join("sendit.toml"), FILE).unwrap();
        let (certificate, key) = Authority::new().issue(&["example.com"], GOOD);
        fs::write(folder.path().join("cert.pem"), certificate).unwrap();
        fs::write(folder.path().join("key.pem"), key).unwrap();
        let program = PathBuf::from(env!("CARGO_BIN_EXE_sendit"));
        std::os::unix::fs::symlink(&program, bin.join("sendit")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let down = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let names = vec![
            ("http://localhost:4000".to_owned(), format!("http://{down}")),
            ("http://localhost:3000".to_owned(), format!("http://{}", listener.local_addr().unwrap())),
            ("`:5050`".to_owned(), "`:0`".to_owned()),
            ("/usr/local/bin/sendit".to_owned(), program.display().to_string()),
        ];
        let answer = |method: Method, uri: Uri| async move { format!("{method} {uri} reached port 3000\n") };
        let service = tokio_util::task::TaskTracker::new().spawn(async move {
            let _ = axum::serve(listener, Router::new().fallback(answer)).await;
        });
        let service = AbortOnDropHandle::new(service);
        Self { folder, names, server: None, client: None, demo: None, inspect: None, admin: None, _service: service }
    }

    /// The command with real names, in a shell that knows no more than the session.
    #[expect(clippy::disallowed_methods, reason = "the path leads to the programs that documents use")]
    fn shell(&self, step: &Step) -> Command {
        let mut line = step.command.replace("cargo run --release -- ", "sendit ");
        line = line.replace("SENDIT_TOKEN=...", "SENDIT_TOKEN=\"$(cat token)\"");
        // Any program does that ends well.
        line = line.replace("-- npm run dev", "-- true");
        // A server that starts is not there yet to be named.
        let serves = line.starts_with("sendit serve");
        for (shown, real) in self.names.iter().filter(|(shown, _)| !(serves && shown.starts_with("https"))) {
            line = line.replace(shown, real);
        }
        line = line.replace(" :5050", " :0");
        let path = format!("{}/path:{}", self.folder.path().display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        // `exec` and `env`, so that ending the child ends the program.
        command.args(["-c", &format!("exec env {line}")]).current_dir(&self.folder).env_clear();
        command.env("PATH", path).env("HOME", self.folder.path()).env("SENDIT_ADDR", "127.0.0.1:0");
        // Nothing here needs a certificate, so a machine without any will do.
        command.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/dev/null");
        if let Some((_, server)) =
            self.names.iter().find(|(shown, _)| line.starts_with("sendit start") && shown == "https://example.com")
        {
            command.env("SENDIT_SERVER", server).env("SENDIT_TOKEN_FILE", "token");
        }
        if let Some(admin) = self.admin.as_ref().filter(|_| line.starts_with("sendit sessions")) {
            command.env("SENDIT_ADMIN", admin);
        }
        command.env("SENDIT_INSPECT", self.inspect.as_deref().unwrap_or("off"));
        command
    }

    /// What was printed, in the names of the document.
    fn as_shown(&self, printed: &str) -> String {
        let printed = self.names.iter().fold(printed.to_owned(), |text, (shown, real)| text.replace(real, shown));
        first_wait_as_shown(&printed)
    }

    async fn run(&mut self, step: &Step, does: Does) {
        if ["requests", "replay", "record", "play"]
            .iter()
            .any(|name| step.command.starts_with(&format!("sendit {name} ")))
        {
            Box::pin(self.inspected()).await;
        }
        if step.command.starts_with("sendit sessions ") {
            Box::pin(self.administered()).await;
        }
        match does {
            Does::IsCi => {
                let script = fs::read_to_string(root().join(".ci/run")).unwrap();
                assert_eq!(script.lines().last(), Some(step.command.as_str()), "{}", step.place);
            }
            Does::IsTable => {
                let readme = fs::read_to_string(root().join("README.md")).unwrap();
                let (_, below) = readme.split_once(&format!("\n{}\n", table::HEAD)).expect("its head");
                let rows: Vec<&str> = below.lines().take_while(|line| line.starts_with('|')).collect();
                let of = |row: &&str| ALL.iter().position(|one| row.starts_with(&table::begin(one.name)));
                let shown: Vec<_> = rows.iter().map(of).collect();
                assert_eq!(shown, (0..ALL.len()).map(Some).collect::<Vec<_>>(), "{}", step.place);
                assert!(rows.iter().all(|row| row.ends_with(" 0 failed |")), "{}", step.place);
            }
            Does::Ends(code) => {
                let (status, printed) = self.end(step).await;
                // Whether the last line ends, a document cannot show.
                let (printed, shown) = (self.as_shown(&printed), step.shown.trim_end());
                assert_eq!((status.code(), printed.trim_end()), (Some(code), shown), "{}", step.place);
            }
            Does::Mints => {
                let (status, printed) = self.end(step).await;
                let is_token = |text: &str| text.starts_with("eyJ") && text.trim_end().split('.').count() == 3;
                assert!(status.success() && is_token(&printed), "{}: {printed}", step.place);
                assert!(step.shown.is_empty() || is_token(&step.shown), "{}", step.place);
            }
            Does::Measures => {
                let (status, printed) = self.end(step).await;
                let rows = |text: &str| {
                    let names = text.lines().map(|line| line.split("  ").next().unwrap_or_default().to_owned());
                    names.take(step.shown.lines().count()).collect::<Vec<_>>()
                };
                assert!(status.success() && rows(&printed) == rows(&step.shown), "{}: {printed}", step.place);
            }
            Does::Asks => {
                let (status, printed) = self.end(step).await;
                assert!(status.success(), "{}: {printed}", step.place);
            }
            Does::Stays(needle) => {
                *self.place_of(step) = None;
                *self.place_of(step) = Some(self.start(step, needle).await);
            }
            Does::Passes(needle) => {
                let names = self.names.clone();
                drop(self.start(step, needle).await);
                self.names = names;
            }
        }
    }

    /// Has a client with an inspector, through which some has passed, and the folder that is written of it.
    async fn inspected(&mut self) {
        if self.inspect.is_some() {
            return;
        }
        let connect = aside(
            "sendit connect --inspect 127.0.0.1:0 --token-file token https://example.com/my-app http://localhost:3000",
        );
        let client = self.start(&connect, "Inspector: http://").await;
        self.inspect = Some(said(&client, "Inspector: http://"));
        self.client = Some(client);
        for _ in 0..7 {
            self.run(&aside("curl -s -o answer https://example.com/my-app/hook"), Does::Asks).await;
        }
        self.run(&aside("sendit record hooks"), Does::Asks).await;
    }

    /// Has a server that tells of its sessions, and one of them.
    async fn administered(&mut self) {
        if self.admin.is_some() {
            return;
        }
        self.run(&aside("openssl rand -hex 32 > admin-token"), Does::Ends(0)).await;
        let serve = aside("sendit serve --secret-file secret --admin 127.0.0.1:0 --admin-token-file admin-token");
        let server = self.start(&serve, "Admin: ").await;
        self.admin = Some(said(&server, "Admin: "));
        self.server = Some(server);
        let connect = aside("sendit connect --token-file token https://example.com/my-app http://localhost:3000");
        self.client = Some(self.start(&connect, "Ready; Forwarding ").await);
    }

    fn place_of(&mut self, step: &Step) -> &mut Option<Program> {
        match () {
            () if step.command.contains("sendit serve") => &mut self.server,
            () if step.command.contains("connect") => &mut self.client,
            () => &mut self.demo,
        }
    }

    async fn end(&self, step: &Step) -> (ExitStatus, String) {
        let mut command = self.shell(step);
        let ended = command.stdin(Stdio::null()).kill_on_drop(true).output();
        let ended = timeout(PATIENCE, ended).await.unwrap_or_else(|_| panic!("{}: it has not ended", step.place));
        let output = ended.unwrap();
        // How far it has come is not for a document.
        let errors = String::from_utf8(output.stderr).unwrap();
        let errors = if step.command.starts_with("curl") { String::new() } else { errors };
        (output.status, String::from_utf8(output.stdout).unwrap() + &errors)
    }

    /// Starts what goes on, and learns from what it prints what the addresses of the document are here.
    async fn start(&mut self, step: &Step, needle: &str) -> Program {
        let mut program = Program::start(self.shell(step));
        let wanted = step.shown.lines().count();
        let enough = |output: &Output| {
            let text = together(output);
            text.lines().count() >= wanted.max(1) && text.contains(needle)
        };
        let printed = together(&program.printed(enough).await);
        if let (Some(shown), Some(real)) = (address(&step.shown), address(&printed)) {
            self.learn(shown, real);
        }
        if let (true, Some(real)) = (step.command.contains("sendit serve"), address(&printed)) {
            self.learn("https://example.com", &format!("http://{real}"));
        }
        let printed = self.as_shown(&printed);
        assert!(printed.contains(&step.shown), "{}: it printed\n{printed}", step.place);
        program
    }

    fn learn(&mut self, shown: &str, real: &str) {
        self.names.retain(|(known, _)| known != shown);
        self.names.insert(0, (shown.to_owned(), real.to_owned()));
        // `http://127.0.0.1:1` is looked for before the `127.0.0.1:1` in it.
        self.names.sort_by_key(|(_, real)| std::cmp::Reverse(real.len()));
    }
}

/// A command that no document shows, and others take for granted.
fn aside(command: &str) -> Step {
    Step { place: format!("before what is shown, `{command}`"), command: command.to_owned(), shown: String::new() }
}

/// What a program has said behind these words.
fn said(program: &Program, begin: &str) -> String {
    let said = program.output().stderr;
    said.lines().find_map(|line| line.strip_prefix(begin)).expect("it says where").to_owned()
}

fn together(output: &Output) -> String {
    format!("{}{}", output.stdout, output.stderr)
}

/// The first address in a text, such as `127.0.0.1:5050`.
fn address(text: &str) -> Option<&str> {
    let rest = &text[text.find("127.0.0.1:")?..];
    let digits = rest["127.0.0.1:".len()..].bytes().take_while(u8::is_ascii_digit).count();
    Some(&rest[.."127.0.0.1:".len() + digits])
}

/// A session whose server runs.
async fn begun(place: &str) -> World {
    let mut world = World::new().await;
    for command in BEFORE {
        let (place, command) = (format!("before {place}"), command.to_owned());
        let step = Step { place, command, shown: String::new() };
        world.run(&step, known(&step).1).await;
    }
    world
}

fn known(step: &Step) -> (&'static str, Does) {
    let known = COMMANDS.iter().find(|(command, _)| *command == step.command);
    *known.unwrap_or_else(|| panic!("{}: no test knows `{}`", step.place, step.command))
}

#[tokio::test]
async fn every_command_does_what_its_document_shows() {
    if !["curl", "openssl"].iter().all(|program| left_out::is_here(program, "the commands of the documents")) {
        return;
    }
    let mut unused: Vec<&str> = COMMANDS.iter().map(|(command, _)| *command).collect();
    for section in DOCUMENTS.into_iter().flat_map(sections) {
        let mut world = begun(&section[0].place).await;
        for step in section {
            let (command, does) = known(&step);
            unused.retain(|unused| *unused != command);
            world.run(&step, does).await;
        }
    }
    assert!(unused.is_empty(), "no document shows {unused:?}");
}

/// nginx with these lines, in front of the server at `address`.
async fn nginx(folder: &Path, address: &str, location: &str, map: &str) -> (Program, String) {
    let port = TcpSocket::new_v4().unwrap();
    port.set_reuseport(true).unwrap();
    port.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let public = port.local_addr().unwrap();
    let location = location.replace("127.0.0.1:5050", address);
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|name| format!("{name}_temp_path {name};")).concat();
    let file = folder.join("nginx.conf");
    let text = format!(
        "daemon off; pid nginx.pid; error_log stderr notice; events {{}}\n\
         http {{ access_log off; {temporary}\n{map} server {{ listen {public} reuseport;\n{location} }} }}\n"
    );
    fs::write(&file, text).unwrap();
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder).args(["-e", "stderr", "-c"]).arg(&file);
    let mut nginx = Program::start(command);
    nginx.printed(|output| output.stderr.contains("start worker process ")).await;
    (nginx, format!("http://{public}"))
}

/// Every command of the README, and of the two documents that go on from it, which crosses the server, behind an nginx with these lines. What the client says of its
/// way there contains `link`.
async fn check_behind_nginx(location: &str, map: &str, wires: &[&str], link: &str) {
    if !["curl", "openssl", "nginx"].iter().all(|program| left_out::is_here(program, "nginx in front of the server")) {
        return;
    }
    let mut world = begun("nginx").await;
    let (_, server) = world.names.iter().find(|(shown, _)| shown == "https://example.com").unwrap();
    let (_nginx, public) = nginx(world.folder.path(), address(server).unwrap(), location, map).await;
    world.learn("https://example.com", &public);
    let documents = ["README.md", "docs/how-it-works.md", "docs/sharing.md"];
    let steps = documents.into_iter().flat_map(sections).flatten();
    // And what the later ones need.
    let crosses = |command: &str| command.contains("https://example.com/") || command.ends_with("> password");
    let steps = steps.filter(|step| crosses(&step.command));
    for step in steps.filter(|step| !step.command.contains("--wire") || wires.iter().any(|w| step.command.contains(w)))
    {
        world.run(&step, known(&step).1).await;
        if let (Does::Stays(_), false, Some(client)) = (known(&step).1, step.command.contains("v1"), &mut world.client)
        {
            client.printed(|output| output.stderr.contains(link)).await;
        }
    }
}

#[tokio::test]
async fn the_lines_for_nginx_carry_a_tunnel() {
    // That the document shows them is what `cargo xtask gen --check` sees to.
    let lines = fs::read_to_string(root().join("dist/proxies/nginx.conf")).unwrap();
    let map = lines.lines().find(|line| line.starts_with("map ")).expect("a map");
    let (_, location) = lines.split_once("\n    location ").expect("a location");
    let (location, _) = location.split_once("\n    }\n").expect("its end");
    let location = format!("location {location} }}");
    check_behind_nginx(&location, map, &["--wire v1", "--wire v2"], "\nwire v2: ").await;
}

#[tokio::test]
async fn nginx_as_it_comes_carries_a_tunnel() {
    let hosting = fs::read_to_string(root().join("docs/hosting.md")).unwrap();
    let link = "batches up; up: something on the way holds streams back";
    assert!(hosting.contains(link), "what the client says of it stands in the document");
    let as_it_comes = blocks("docs/hosting.md", "nginx").swap_remove(0);
    assert_eq!(as_it_comes.lines().count(), 1, "nothing but the address");
    check_behind_nginx(&as_it_comes, "", &["--wire v2"], link).await;
}

/// A client's first wait is a random one, of 0.2 to 0.4 s; the documents show the least.
fn first_wait_as_shown(printed: &str) -> String {
    ["0.3", "0.4"].iter().fold(printed.to_owned(), |text, wait| {
        text.replace(&format!("trying again in {wait} s"), "trying again in 0.2 s")
    })
}
