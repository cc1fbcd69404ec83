//! The package for Debian, as `cargo xtask dist deb` has built it: installed on a machine of its own, whose systemd runs
//! the server, and removed from it.

use std::fs::{self, File};
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;
use trials::load::{Mix, Public, Target, run};

use crate::left_out;
use crate::machine::{Machine, target};
use crate::tunnel::Client;
use crate::world::PATIENCE;

const WHAT: &str = "the package for Debian";

const UNIT: &str = "/usr/lib/systemd/system/sendit.service";

/// What stands in a machine's root, but for what programs keep and log.
const FILES: &str = "find / -xdev \\( -path /var/cache -o -path /var/log -o -path /var/lib/dpkg -o -path /var/lib/systemd \\) -prune -o -print | sort";

/// A machine with the package installed.
struct Installed {
    machine: Machine,
    /// What stood there before.
    before: String,
}

impl Installed {
    async fn new() -> Option<Self> {
        let folder = target().join("dist");
        let packages = fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let package = packages.into_iter().find(|path| path.extension().is_some_and(|end| end == "deb"));
        let package = package.unwrap_or_else(|| folder.join("sendit.deb"));
        if !left_out::is_at(&package, WHAT) {
            return None;
        }
        let machine = Machine::boot(WHAT).await?;
        let before = machine.shell(FILES).await;
        let mut receive = machine.command(&["sh", "-c", "cat >/tmp/sendit.deb"]);
        let received = receive.stdin(File::open(&package).unwrap()).status();
        assert!(timeout(PATIENCE, received).await.unwrap().unwrap().success());
        let installed = Self { machine, before };
        installed.install().await;
        Some(installed)
    }

    /// Installs the package, or upgrades to it.
    async fn install(&self) {
        self.machine.run(&["dpkg", "--install", "/tmp/sendit.deb"]).await;
    }

    /// Does what the unit's first lines say, and has systemd listen, at addresses that are free here.
    async fn listen(&self) -> Addresses {
        let unit = self.machine.run(&["cat", UNIT]).await;
        for line in unit.lines().filter_map(|line| line.strip_prefix("#   ")) {
            self.machine.shell(line).await;
        }
        let addresses = Addresses { public: free().await, admin: free().await };
        let Addresses { public, admin } = &addresses;
        self.machine
            .write("sendit.socket.d/address.conf", &format!("[Socket]\nListenStream=\nListenStream={public}\n"))
            .await;
        let socket = format!("[Socket]\nListenStream={admin}\nFileDescriptorName=admin\nService=sendit.service\n");
        self.machine.write("sendit-admin.socket", &socket).await;
        self.machine.run(&["systemctl", "daemon-reload"]).await;
        self.machine.run(&["systemctl", "start", "sendit-admin.socket"]).await;
        self.machine.run(&["systemctl", "enable", "--now", "sendit.socket"]).await;
        addresses
    }

    /// Whether the server and its socket are at work.
    async fn state(&self) -> String {
        self.machine.shell("systemctl is-active sendit.service sendit.socket || true").await
    }

    /// Removes the package and what it has left, and looks for more.
    async fn purge(&self) {
        self.machine.run(&["dpkg", "--remove", "sendit"]).await;
        assert_eq!(self.state().await, "inactive\ninactive\n");
        self.machine.run(&["dpkg", "--purge", "sendit"]).await;
        assert_eq!(self.machine.shell(FILES).await, self.before);
    }
}

/// Where a server is reached.
struct Addresses {
    public: SocketAddr,
    admin: SocketAddr,
}

/// An address at which nobody listens just now.
async fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn what_it_brings_is_found_where_it_belongs() {
    let Some(installed) = Installed::new().await else { return };
    let machine = &installed.machine;
    let version = format!("sendit {}\n", env!("CARGO_PKG_VERSION"));
    for name in ["sendit", "sendit-server", "sendit-token"] {
        assert_eq!(machine.run(&[name, "--version"]).await, version, "{name}");
        assert!(machine.run(&["man", "--where", name]).await.starts_with("/usr/share/man/man1/sendit"), "{name}");
    }
    assert!(machine.run(&["man", "sendit-server"]).await.contains("sendit serve"));
    let completions = ". /usr/share/bash-completion/bash_completion; _completion_loader sendit; complete -p sendit";
    assert!(machine.run(&["bash", "-c", completions]).await.ends_with(" sendit\n"));
    let analyzed = machine.shell("systemd-analyze verify sendit.service sendit.socket 2>&1").await;
    assert!(!analyzed.contains("sendit"), "{analyzed}");
    machine.run(&["sendit", "config", "check", "--config", "/usr/share/doc/sendit/examples/sendit.toml"]).await;
    // Nothing runs that nobody has asked for.
    assert_eq!(installed.state().await, "inactive\ninactive\n");
    installed.purge().await;
}

/// By whoever runs the machine, and by what replaces the package.
#[tokio::test]
async fn no_visitor_notices_that_its_server_is_started_again() {
    let Some(installed) = Installed::new().await else { return };
    let Addresses { public, admin } = installed.listen().await;
    assert_eq!(installed.state().await, "inactive\nactive\n");
    let machine = &installed.machine;
    let token = machine.run(&["sendit", "token", "--secret-file", "/etc/sendit/secret"]).await;
    let target = Target::start(TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap();
    // The first who calls starts the server.
    let source = format!("http://{public}/app");
    let mut client = Client::start(&source, &format!("http://{}", target.address), &["--token", token.trim()]).await;
    assert_eq!(installed.state().await, "active\nactive\n");
    let sessions = format!("sendit sessions --admin {admin} --admin-token-file /etc/sendit/admin-token");
    assert!(machine.shell(&sessions).await.contains("\napp "));
    let (over, enough) = oneshot::channel();
    let restarts = async {
        machine.run(&["systemctl", "restart", "sendit.service"]).await;
        client.ready(2).await;
        installed.install().await;
        client.ready(3).await;
        over.send(()).unwrap();
    };
    let mix = Mix { at_once: 8, seed: 1, first_id: 0, largest: 16 };
    let to = Public { address: public, prefix: "/app".to_owned() };
    let (figures, ()) = tokio::join!(run(&mix, &to, async { enough.await.unwrap() }), restarts);
    println!("{figures}");
    assert!(figures.exchanges > 100, "{figures}");
    assert_eq!((figures.failed, figures.wrong, figures.hung), (0, 0, 0), "{figures}");
    machine.run(&["systemctl", "reload", "sendit.service"]).await;
    machine
        .shell("systemctl stop sendit-admin.socket; cd /etc/systemd/system; rm -r sendit.socket.d sendit-admin.socket")
        .await;
    installed.purge().await;
}
