//! What is measured: how each is put between a visitor and a target.

use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::{Instant, sleep};
use trials::program::{Client, Program, Server, command};

use crate::program;

/// How long a program may take to stand.
const START: Duration = Duration::from_secs(20);

/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// One way from a visitor to a target.
pub(crate) enum Candidate {
    /// The tunnel, with its default settings but for these flags of the client.
    Sendit {
        binary: PathBuf,
        flags: Vec<String>,
    },
    /// Two nginx in a row, as close to a tunnel's two hops as software that understands HTTP comes.
    Nginx2,
    /// Two ends that copy TCP.
    Bore {
        binary: PathBuf,
    },
    Rathole {
        binary: PathBuf,
    },
}

/// A candidate that stands.
pub(crate) struct Running {
    /// Where visitors go.
    pub(crate) address: SocketAddr,
    /// What they ask for.
    pub(crate) path: String,
    pub(super) programs: Vec<Program>,
    // Removed after the programs have ended, for fields are dropped in order.
    _folders: Vec<TempDir>,
}

impl Candidate {
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Sendit { flags, .. } if flags.is_empty() => "sendit".to_owned(),
            Self::Sendit { flags, .. } => format!("sendit {}", flags.join(" ")),
            Self::Nginx2 => "two nginx".to_owned(),
            Self::Bore { .. } => "bore (TCP)".to_owned(),
            Self::Rathole { .. } => "rathole (TCP)".to_owned(),
        }
    }

    /// Puts it in front of `target`.
    pub(crate) async fn start(&self, target: SocketAddr) -> Result<Running> {
        match self {
            Self::Sendit { binary, flags } => sendit(binary, flags, target).await,
            Self::Nginx2 => nginx2(target).await,
            Self::Bore { binary } => bore(binary, target).await,
            Self::Rathole { binary } => rathole(binary, target).await,
        }
    }
}

async fn sendit(binary: &Path, flags: &[String], target: SocketAddr) -> Result<Running> {
    let server = Server::of(command(binary).args(["serve", "--addr", "127.0.0.1:0"])).await?;
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let client = Client { source: format!("http://{}/bench", server.address), target, http_proxy: None, flags: &flags };
    let client = client.start(binary)?;
    settled(&client).await?;
    let (address, path) = (server.address, "/bench".to_owned());
    Ok(Running { address, path, programs: vec![server.program, client], _folders: Vec::new() })
}

/// Waits until a client of the tunnel says by its second line that the link is carried as it will be.
pub(super) async fn settled(client: &Program) -> Result<()> {
    let settled = |output: &str| output.contains("Ready; Forwarding") && output.lines().count() > 1;
    client.printed(Instant::now() + START, "was ready", settled).await?;
    Ok(())
}

async fn nginx2(target: SocketAddr) -> Result<Running> {
    let near = Nginx::forwarding(target).await?;
    let far = Nginx::forwarding(near.address).await?;
    Ok(Running {
        address: far.address,
        path: "/".to_owned(),
        programs: vec![far.program, near.program],
        _folders: vec![far.folder, near.folder],
    })
}

async fn bore(binary: &Path, target: SocketAddr) -> Result<Running> {
    let server = Program::start(Command::new(binary).args(["server", "--bind-addr", "127.0.0.1"]))?;
    // Its control port is fixed.
    listens(&server, SocketAddr::from(([127, 0, 0, 1], 7_835))).await?;
    let (address, port) = (free()?, target.port().to_string());
    let public = address.port().to_string();
    let client = Command::new(binary).args(["local", &port, "--to", "127.0.0.1", "--port", &public]).start()?;
    listens(&client, address).await?;
    Ok(Running { address, path: "/".to_owned(), programs: vec![server, client], _folders: Vec::new() })
}

async fn rathole(binary: &Path, target: SocketAddr) -> Result<Running> {
    let folder = tempfile::tempdir()?;
    let (control, address) = (free()?, free()?);
    let write = |name: &str, text: String| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).map(|()| file)
    };
    let server = write(
        "server.toml",
        format!(
            "[server]\nbind_addr = \"{control}\"\ndefault_token = \"bench\"\n[server.services.web]\nbind_addr = \"{address}\"\n"
        ),
    )?;
    let client = write(
        "client.toml",
        format!(
            "[client]\nremote_addr = \"{control}\"\ndefault_token = \"bench\"\n[client.services.web]\nlocal_addr = \"{target}\"\n"
        ),
    )?;
    let server = Command::new(binary).arg(server).start()?;
    listens(&server, control).await?;
    let client = Command::new(binary).arg(client).start()?;
    listens(&client, address).await?;
    Ok(Running { address, path: "/".to_owned(), programs: vec![server, client], _folders: vec![folder] })
}

/// Commands read better from left to right.
trait Start {
    fn start(&mut self) -> Result<Program>;
}

impl Start for Command {
    fn start(&mut self) -> Result<Program> {
        Ok(Program::start(self)?)
    }
}

/// An nginx of its own folder and port, with Debian's number of workers.
pub(super) struct Nginx {
    pub(super) address: SocketAddr,
    program: Program,
    folder: TempDir,
}

impl Nginx {
    /// One that passes everything on, over connections that it keeps.
    async fn forwarding(to: SocketAddr) -> Result<Self> {
        let upstream = format!("upstream next {{ server {to}; keepalive 256; keepalive_requests 1000000; }}");
        let location = "proxy_pass http://next; proxy_http_version 1.1; proxy_set_header Connection \"\";";
        Self::start(&upstream, location).await
    }

    /// One with this location, and this beside its server.
    pub(super) async fn start(beside: &str, location: &str) -> Result<Self> {
        let binary = program::find("nginx").context("there is no `nginx`; install it by `cargo xtask setup`")?;
        let folder = tempfile::tempdir()?;
        let (address, at) = (free()?, folder.path().display());
        let mut text = format!("pid {at}/nginx.pid;\nworker_processes auto;\nevents {{ worker_connections 4096; }}\n");
        text.push_str("http {\naccess_log off;\nkeepalive_requests 10000000;\nclient_max_body_size 0;\n");
        for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            writeln!(text, "{kind}_temp_path {at}/{kind};")?;
        }
        writeln!(text, "{beside}\nserver {{ listen {address}; location / {{ {location} }} }}\n}}")?;
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, text)?;
        // As the user who started it, so that it can write below its folder.
        let run = Command::new(binary)
            .args(["-e", "stderr", "-g", "daemon off; user root;", "-p"])
            .arg(folder.path())
            .arg("-c")
            .arg(&file)
            .start()?;
        listens(&run, address).await?;
        Ok(Self { address, program: run, folder })
    }
}

/// An address of loopback that nobody listens on.
fn free() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

async fn listens(program: &Program, address: SocketAddr) -> Result<()> {
    let deadline = Instant::now() + START;
    while TcpStream::connect(address).await.is_err() {
        anyhow::ensure!(Instant::now() < deadline, "nobody listens on {address}; printed was: {}", program.output());
        sleep(LOOK).await;
    }
    Ok(())
}
