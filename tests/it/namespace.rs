//! A network of a program's own, with two cables to ours: one whose address changes, and one that stays. Made by `ip`, as
//! root or by `sudo`, where that asks for no password.

use std::net::Ipv4Addr;
use std::process::Command;

use crate::left_out;

const WHAT: &str = "a client that changes its network";

/// A network namespace, and the cables that lead into it. Both are gone with it.
pub(crate) struct Namespace {
    name: String,
    /// What stands before each command.
    sudo: Option<&'static str>,
    roaming: Cable,
    fixed: Cable,
}

/// A pair of interfaces, one at each side, and the eight addresses between them: the first is ours.
struct Cable {
    ours: String,
    theirs: String,
    network: Ipv4Addr,
}

impl Cable {
    /// `letter` tells those of a process apart. Each process has its own part of 198.18.0.0/15, which is set aside for
    /// tests of networks (RFC 2544).
    fn new(letter: char, second: u8) -> Self {
        let process = std::process::id();
        let network = Ipv4Addr::from(u32::from(Ipv4Addr::new(198, second, 0, 0)) | (process % 0x2000) << 3);
        Self { ours: format!("snd{process:x}{letter}0"), theirs: format!("snd{process:x}{letter}1"), network }
    }

    fn address(&self, host: u8) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.network) | u32::from(host))
    }
}

impl Namespace {
    /// One with both cables plugged in, where their first addresses are its own; none where that is not possible.
    pub(crate) fn make() -> Option<Self> {
        let name = format!("sendit-test-{}", std::process::id());
        let sudo = if is_root() { None } else { Some("sudo") };
        let space = Self { name, sudo, roaming: Cable::new('r', 18), fixed: Cable::new('f', 19) };
        let made = space.ip(&["netns", "add", &space.name]).and_then(|()| space.plug_in());
        left_out::is_possible(&made, WHAT).then_some(space)
    }

    fn plug_in(&self) -> Result<(), String> {
        self.ip(&["-n", &self.name, "link", "set", "lo", "up"])?;
        for cable in [&self.roaming, &self.fixed] {
            let (ours, theirs) = (&*cable.ours, &*cable.theirs);
            self.ip(&["link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", &self.name])?;
            self.ip(&["address", "add", &format!("{}/29", cable.address(1)), "dev", ours])?;
            self.ip(&["link", "set", ours, "up"])?;
            self.give(cable, 2)?;
        }
        Ok(())
    }

    /// Our end of the cable whose address changes.
    pub(crate) fn outside(&self) -> Ipv4Addr {
        self.roaming.address(1)
    }

    /// Our end of the one that stays.
    pub(crate) fn beside(&self) -> Ipv4Addr {
        self.fixed.address(1)
    }

    /// Pulls the changing cable out, and takes its address away.
    pub(crate) fn leave(&self, host: u8) {
        let (cable, address) = (&self.roaming, format!("{}/29", self.roaming.address(host)));
        self.ip(&["-n", &self.name, "link", "set", &cable.theirs, "down"]).expect("it was up");
        self.ip(&["-n", &self.name, "address", "delete", &address, "dev", &cable.theirs]).expect("it was there");
    }

    /// Plugs it in again with another address.
    pub(crate) fn arrive(&self, host: u8) {
        self.give(&self.roaming, host).expect("it can be plugged in");
    }

    fn give(&self, cable: &Cable, host: u8) -> Result<(), String> {
        let address = format!("{}/29", cable.address(host));
        self.ip(&["-n", &self.name, "address", "add", &address, "dev", &cable.theirs])?;
        self.ip(&["-n", &self.name, "link", "set", &cable.theirs, "up"])
    }

    /// A program in there.
    pub(crate) fn command(&self, program: &str) -> tokio::process::Command {
        let words = ["ip", "netns", "exec", &self.name, program];
        let mut words = self.sudo.into_iter().chain(words);
        let mut command = crate::world::program(words.next().expect("at least `ip`"));
        command.args(words);
        command
    }

    fn run(&self, words: &[&str]) -> Result<String, String> {
        let mut words = self.sudo.map(|sudo| [sudo, "-n"]).into_iter().flatten().chain(words.iter().copied());
        let mut command = Command::new(words.next().unwrap_or_default());
        let output = command.args(words).output().map_err(|cause| format!("`ip` cannot be started: {cause}"))?;
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if output.status.success() { Ok(String::from_utf8_lossy(&output.stdout).into_owned()) } else { Err(said) }
    }

    fn ip(&self, words: &[&str]) -> Result<(), String> {
        self.run(&[&["ip"], words].concat()).map(drop)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // What runs in there, where `sudo` has not taken it along. The cables end with the namespace.
        let inside = self.run(&["ip", "netns", "pids", &self.name]).unwrap_or_default();
        for id in inside.split_whitespace() {
            let _ = self.run(&["kill", "-KILL", id]);
        }
        let _ = self.ip(&["netns", "delete", &self.name]);
        for cable in [&self.roaming, &self.fixed] {
            let _ = self.ip(&["link", "delete", &cable.ours]);
        }
    }
}

/// Whether this process may do everything.
pub(crate) fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}
