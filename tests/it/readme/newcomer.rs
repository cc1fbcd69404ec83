//! Somebody who has just come to sendit: a user without any right, on a Debian of their own that has nothing but its base
//! (`mmdebstrap`'s smallest, with systemd) and the program, where `cargo install` puts it.
//!
//! To build it in there takes the toolchain, a C compiler and minutes of a release build. That is left out: what stands in its
//! place is the program that the tests have built, which runs there because the Debian is of this system's release.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;
use tokio::time::timeout;

use crate::machine::Machine;
use crate::world::PATIENCE;

const HOME: &str = "/home/jo";

pub(super) struct Newcomer(Machine);

impl Newcomer {
    /// None where no machine can be made.
    pub(super) async fn come(program: &Path) -> Option<Self> {
        let machine = Machine::boot("the five minutes of the README on a bare Debian").await?;
        machine.run(&["useradd", "--create-home", "jo"]).await;
        let this = Self(machine);
        let mut install = this.shell("mkdir -p .cargo/bin && cat >.cargo/bin/sendit && chmod +x .cargo/bin/sendit");
        let installed = install.stdin(File::open(program).unwrap()).stderr(Stdio::inherit()).status();
        assert!(timeout(PATIENCE, installed).await.expect("it ends").unwrap().success());
        Some(this)
    }

    /// A line that they type at home. The ports that it would take may be another's here, for the network is this system's.
    pub(super) fn shell(&self, line: &str) -> Command {
        let path = format!("PATH={HOME}/.cargo/bin:/usr/bin:/bin");
        let (home, user) = (format!("HOME={HOME}"), ["runuser", "-u", "jo", "--", "env", "-i", "-C", HOME]);
        let free = ["SENDIT_ADDR=127.0.0.1:0", "SENDIT_INSPECT=off"];
        self.0.command(&[&user[..], &[&path, &home], &free, &["sh", "-c", line]].concat())
    }
}
