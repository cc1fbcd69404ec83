//! A real directory, Let's Encrypt's Pebble, and what it needs around it: a name service that leads every name to this machine,
//! and a port that leads to whichever server is to prove a name.

use std::net::{Ipv4Addr, SocketAddr};

use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::watch;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::certificates::{Authority, GOOD};
use crate::left_out;
use crate::peer::Peer;
use crate::world::{Program, program};

/// The name that it refuses.
pub(super) const BLOCKED: &str = "blocked.example";

/// A directory, whose certificate an authority of the test's own has issued.
pub(super) struct Pebble {
    pub(super) program: Program,
    pub(super) authority: Authority,
    folder: TempDir,
    /// Where orders are taken, and where it tells of itself.
    addresses: [SocketAddr; 2],
    names: SocketAddr,
    /// Where names are proved.
    proving: watch::Sender<Option<SocketAddr>>,
    _around: [AbortOnDropHandle<()>; 2],
}

impl Pebble {
    /// One whose certificates live for so many seconds; none where the program is missing.
    pub(super) async fn start(life: u64, what: &str) -> Option<Self> {
        if !left_out::is_here("pebble", what) {
            return None;
        }
        let (front, dns) =
            (TcpListener::bind("127.0.0.1:0").await.unwrap(), UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let (tls_port, names) = (front.local_addr().unwrap().port(), dns.local_addr().unwrap());
        let (proving, prover) = watch::channel(None);
        let tasks = TaskTracker::new();
        let around = [tasks.spawn(lead(front, prover)), tasks.spawn(answer(dns))].map(AbortOnDropHandle::new);
        let (authority, folder) = (Authority::new(), TempDir::new().unwrap());
        authority.renew(&[], GOOD);
        loop {
            let addresses = [(); 2].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
            let config = serde_json::json!({ "pebble": {
                "listenAddress": addresses[0], "managementListenAddress": addresses[1],
                "certificate": authority.path("cert.pem"), "privateKey": authority.path("key.pem"),
                "httpPort": tls_port, "tlsPort": tls_port,
                "certificateValidityPeriod": life, "domainBlocklist": [BLOCKED],
            }});
            std::fs::write(folder.path().join("pebble.json"), config.to_string()).unwrap();
            // Somebody else may have taken a port meanwhile.
            if let Some(program) = run(&folder, names).await {
                return Some(Self { program, authority, folder, addresses, names, proving, _around: around });
            }
        }
    }

    /// Has it forget all that it knows.
    pub(super) async fn forget(&mut self) {
        self.program.kill().await;
        self.program = run(&self.folder, self.names).await.expect("its ports are free");
    }

    /// Has names be proved there; whoever comes before that is known waits.
    pub(super) fn prove_at(&self, server: Option<SocketAddr>) {
        self.proving.send_replace(server);
    }

    pub(super) fn url(&self) -> String {
        format!("https://{}/dir", self.addresses[0])
    }

    /// The certificate of the authority that it is, as PEM.
    pub(super) async fn root(&self) -> String {
        let stream = TcpStream::connect(self.addresses[1]).await.unwrap();
        let name = ServerName::from(self.addresses[1].ip());
        let mut peer = Peer::new(self.authority.connector(&["http/1.1"]).connect(name, stream).await.unwrap());
        peer.send("GET /roots/0 HTTP/1.1\r\nHost: pebble\r\nConnection: close\r\n\r\n").await;
        assert_eq!(peer.head().await.status(), "200");
        peer.rest().await.0
    }

    /// How many certificates it has issued.
    pub(super) fn issued(&self) -> usize {
        self.program.output().stdout.matches("Issued certificate serial").count()
    }
}

/// The program, once it listens; none where it could not.
async fn run(folder: &TempDir, names: SocketAddr) -> Option<Program> {
    let mut command = program("pebble");
    command.current_dir(folder.path()).env("PEBBLE_VA_NOSLEEP", "1");
    command.args(["-config", "pebble.json", "-dnsserver", &names.to_string()]);
    let mut program = Program::start(command);
    let said = program.printed(|output| {
        output.stdout.contains("ACME directory available") || output.stderr.contains("address already in use")
    });
    let said = said.await;
    said.stdout.contains("ACME directory available").then_some(program)
}

/// Leads whoever comes to where names are proved.
async fn lead(front: TcpListener, prover: watch::Receiver<Option<SocketAddr>>) {
    let tasks = TaskTracker::new();
    while let Ok((mut caller, _)) = front.accept().await {
        let mut prover = prover.clone();
        tasks.spawn(async move {
            let server = (*prover.wait_for(Option::is_some).await.ok()?)?;
            let mut server = TcpStream::connect(server).await.ok()?;
            copy_bidirectional(&mut caller, &mut server).await.ok()
        });
    }
}

/// Says of every name that it is this machine's, by IPv4. (RFC 1035, section 4.1)
async fn answer(dns: UdpSocket) {
    let mut asked = [0; 512];
    while let Ok((length, from)) = dns.recv_from(&mut asked).await {
        let Some(name) = asked[12..length].iter().position(|byte| *byte == 0) else { continue };
        let question = &asked[12..12 + name + 5];
        let is_ipv4 = question[name + 1..][..2] == [0, 1];
        let head = [&asked[..2], &[0x81, 0x80, 0, 1, 0, u8::from(is_ipv4), 0, 0, 0, 0]].concat();
        let record = [&[0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4][..], &Ipv4Addr::LOCALHOST.octets()].concat();
        let records = if is_ipv4 { record } else { Vec::new() };
        let _ = dns.send_to(&[&head, question, &records].concat(), from).await;
    }
}
