//! A terminal in which a client is started, visited, cut off and ended, as a picture for a document. What it shows the
//! program has printed; only addresses have the names that documents give them.

pub mod svg;

mod visit;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use crate::delay::Service;
use crate::faults::{Plan, Proxy};
use crate::program::{LOOK, Program, Server, Trouble, command};
use crate::terminal::Screen;
use visit::visit;

/// How many characters fit into a line of the picture, and of the terminal.
pub const WIDE: u16 = 92;

/// What is typed, in the names of documents.
const TYPED: &str = "sendit connect --token-file token https://example.com/my-app http://localhost:3000";

/// As long as any program may take to do what it is asked.
const PATIENCE: Duration = Duration::from_secs(20);

/// A token's secret, which is good for this one server.
const SECRET: &str = "the secret of a picture, which opens nothing";

/// Plays the scene with `binary`, and returns what the terminal shows, colours included.
///
/// # Errors
/// Where a program does not do what the scene takes. Each step has a deadline; cancelling it ends all programs.
pub async fn take(binary: &Path) -> Result<String, Trouble> {
    let mut scene = Scene::begin(binary).await?;
    scene.visits("GET", "orders/1302", 0).await?;
    scene.shows("#1").await?;
    scene.visits("GET", "reports/48213", 0).await?;
    scene.shows("#2").await?;
    scene.visits("POST", "hooks/17", 2_148).await?;
    scene.shows("#3").await?;
    scene.lose_and_find().await?;
    scene.replay(3).await?;
    scene.shows("replay of #3").await?;
    scene.client.signal("INT");
    let shown = scene.shows("good-bye").await?;
    Ok(scene.named(&format!("\u{1b}[2m$\u{1b}[0m {TYPED}\n{}", shown.replace("\r\n", "\n"))))
}

/// The text of a picture without what is different each time: clocks and durations, and how far they push the rest.
#[must_use]
pub fn still(text: &str) -> String {
    let is_clock = |word: &str| word.len() == 8 && word.bytes().filter(|byte| *byte == b':').count() == 2;
    let is_unit = |word: &str| ["ms", "s", "min"].contains(&word.trim_end_matches([',', ':']));
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().filter(|word| !is_clock(word)).collect();
        let is_time =
            |at: usize| words[at].parse::<f64>().is_ok() && words.get(at + 1).is_some_and(|next| is_unit(next));
        let kept =
            (0..words.len()).filter(|at| !is_time(*at)).map(|at| if is_unit(words[at]) { "TIME" } else { words[at] });
        kept.collect::<Vec<_>>().join(" ") + "\n"
    };
    text.lines().map(line).collect()
}

struct Scene<'a> {
    binary: &'a Path,
    folder: TempDir,
    target: Service,
    server: Server,
    /// Where the server tells how many visitors wait.
    admin: SocketAddr,
    path: Option<Proxy>,
    /// Where the path begins, whether it is there or not.
    public: SocketAddr,
    client: Program,
    screen: Screen,
    /// All that the client has shown so far.
    shown: String,
}

impl<'a> Scene<'a> {
    async fn begin(binary: &'a Path) -> Result<Self, Trouble> {
        let folder = TempDir::new()?;
        let target = Service::start(TcpListener::bind("127.0.0.1:0").await?)?;
        let flags = ["--secret", SECRET, "--admin", "127.0.0.1:0"];
        let server = Server::with(binary, &flags).await?;
        let told = |output: &str| output.lines().find_map(|line| line.strip_prefix("Admin: ")?.parse().ok());
        let deadline = Instant::now() + PATIENCE;
        let output = server.program.printed(deadline, "told where to ask", |output| told(output).is_some()).await?;
        let admin = told(&output).ok_or_else(|| server.program.never("told where to ask"))?;
        let token = command(binary).args(["token", "--secret", SECRET]).output().await?;
        std::fs::write(folder.path().join("token"), token.stdout)?;
        let path = Proxy::start(TcpListener::bind("127.0.0.1:0").await?, server.address, 1, Plan::default())?;
        let public = path.address();
        let (mut screen, theirs) = Screen::wide(WIDE)?;
        let words = TYPED.replace("https://example.com", &format!("http://{public}"));
        let words = words.replace("http://localhost:3000", &format!("http://{}", target.address));
        let mut client = command(binary);
        client.args(words.split(' ').skip(1)).current_dir(&folder).stderr(theirs);
        client.env("TERM", "xterm-256color").env_remove("NO_COLOR").env("SENDIT_INSPECT", "127.0.0.1:0");
        client.env("XDG_CONFIG_HOME", folder.path());
        let client = Program::unheard(&mut client)?;
        let shown = screen.shows("streams up").await?;
        let path = Some(path);
        Ok(Self { binary, folder, target, server, admin, path, public, client, screen, shown })
    }

    async fn shows(&mut self, mark: &str) -> Result<String, Trouble> {
        self.shown = self.screen.shows(mark).await?;
        Ok(self.shown.clone())
    }

    async fn visits(&self, method: &str, path: &str, up: usize) -> Result<String, Trouble> {
        Ok(visit(self.server.address, method, &format!("/my-app/{path}"), up).await?)
    }

    /// The way to the server is gone. A visitor comes nevertheless, and is answered once it is there again.
    async fn lose_and_find(&mut self) -> Result<(), Trouble> {
        if let Some(path) = self.path.take() {
            path.stop().await;
        }
        self.shows("link lost").await?;
        let (visited, found) = tokio::join!(self.visits("GET", "orders/1303", 0), async {
            self.somebody_waits().await?;
            let listener = TcpListener::bind(self.public).await?;
            Ok::<_, Trouble>(Proxy::start(listener, self.server.address, 1, Plan::default())?)
        });
        visited?;
        self.path = Some(found?);
        self.shows("#4").await?;
        Ok(())
    }

    async fn somebody_waits(&self) -> Result<(), Trouble> {
        let deadline = Instant::now() + PATIENCE;
        while !visit(self.admin, "GET", "/metrics", 0).await?.contains("\nsendit_visitors_waiting 1\n") {
            if Instant::now() > deadline {
                return Err(self.server.program.never("had a visitor wait"));
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    async fn replay(&self, number: u32) -> Result<(), Trouble> {
        let inspector = self.inspector().trim_start_matches("http://").to_owned();
        let mut replay = command(self.binary);
        replay.args(["replay", &number.to_string()]).env("SENDIT_INSPECT", inspector).current_dir(&self.folder);
        replay.output().await?;
        Ok(())
    }

    /// The inspector's URL, as the client has told it.
    fn inspector(&self) -> &str {
        let line = self.shown.lines().find(|line| line.contains("inspector"));
        let at = line.and_then(|line| line.find("http://").map(|at| line[at..].trim_end()));
        at.unwrap_or_default()
    }

    /// The text in the names of documents.
    fn named(&self, text: &str) -> String {
        text.replace(self.inspector(), "http://127.0.0.1:4040")
            .replace(&format!("http://{}", self.public), "https://example.com")
            .replace(&format!("http://{}", self.target.address), "http://localhost:3000")
    }
}
