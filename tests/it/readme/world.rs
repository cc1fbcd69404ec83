//! What the commands of a document meet: a folder, a server, a service, and names that stand for real ones.

use std::fs;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use axum::Router;
use axum::http::{Method, Uri};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use trials::intermediaries::{ALL, table};

use super::commands::Does;
use super::document::{Step, root};
use super::shown::{address, first_wait_as_shown, together};
use crate::certificates::{Authority, GOOD};
use crate::world::{Output, PATIENCE, Program};

/// The configuration that a session finds. Where the server is and which token it takes the environment says, for that is
/// known only when it runs.
const FILE: &str = "server = 'https://example.com'\n[tunnels.web]\ntarget = 3000\n[tunnels.api]\ntarget = 8080\n";

/// Makes the command that runs a line.
type Elsewhere = Box<dyn Fn(&str) -> Command + Send + Sync>;

/// What a session has made so far.
pub(super) struct World {
    pub(super) folder: TempDir,
    /// Where programs are looked for.
    path: String,
    /// What a document calls something, and what it is here; what was learnt last goes first.
    pub(super) names: Vec<(String, String)>,
    server: Option<Program>,
    pub(super) client: Option<Program>,
    demo: Option<Program>,
    /// Where the client's inspector is, once a command has asked for it.
    inspect: Option<String>,
    /// Where the server tells of itself, once a command has asked for it.
    admin: Option<String>,
    /// The shell for all that is no visitor's, where that is another machine's.
    elsewhere: Option<Elsewhere>,
    _service: AbortOnDropHandle<()>,
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "the path leads to the programs that documents use")]
    pub(super) async fn new() -> Self {
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
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
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
        Self {
            folder,
            path,
            names,
            server: None,
            client: None,
            demo: None,
            inspect: None,
            admin: None,
            elsewhere: None,
            _service: service,
        }
    }

    /// One where nothing is found but sendit and these programs.
    pub(super) async fn bare(programs: &[&str]) -> Self {
        let mut world = Self::new().await;
        let bin = world.folder.path().join("path");
        for program in programs {
            let mut folders = std::env::split_paths(&world.path).map(|folder| folder.join(program));
            let file = folders.find(|file| file.is_file()).unwrap_or_else(|| panic!("there is no `{program}`"));
            std::os::unix::fs::symlink(file, bin.join(program)).unwrap();
        }
        world.path = bin.display().to_string();
        world
    }

    /// One whose server and client are on another machine, which has this shell.
    pub(super) async fn elsewhere(shell: impl Fn(&str) -> Command + Send + Sync + 'static) -> Self {
        Self { elsewhere: Some(Box::new(shell)), ..Self::new().await }
    }

    /// The command with real names, in a shell that knows no more than the session.
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
        // `exec` and `env`, so that ending the child ends the program.
        let line = format!("exec env {line}");
        if let Some(shell) = self.elsewhere.as_ref().filter(|_| !step.command.starts_with("curl ")) {
            return shell(&line);
        }
        let mut command = Command::new("sh");
        command.args(["-c", &line]).current_dir(&self.folder).env_clear();
        command.env("PATH", &self.path).env("HOME", self.folder.path()).env("SENDIT_ADDR", "127.0.0.1:0");
        // Nothing here needs a certificate, so a machine without any will do.
        command.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/dev/null");
        if let Some((_, server)) = self
            .names
            .iter()
            .find(|(shown, _)| step.command.starts_with("sendit start") && shown == "https://example.com")
        {
            command.env("SENDIT_SERVER", server).env("SENDIT_TOKEN_FILE", "token");
        }
        if let Some(admin) = self.admin.as_ref().filter(|_| step.command.starts_with("sendit sessions")) {
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

    pub(super) async fn run(&mut self, step: &Step, does: Does) {
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

    pub(super) fn learn(&mut self, shown: &str, real: &str) {
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
