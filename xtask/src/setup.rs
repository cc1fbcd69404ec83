//! The programs that the tests drive: which are missing, and installing them from Debian's packages.

mod libraries;

use std::process::Command;

use anyhow::{Result, ensure};

use crate::left_out::{self, Policy};
use crate::program;

struct Need {
    program: &'static str,
    package: &'static str,
    /// What a run without it leaves out.
    without: &'static str,
}

const NEEDS: [Need; 34] = [
    Need { program: "curl", package: "curl", without: "curl as a visitor" },
    Need { program: "openssl", package: "openssl", without: "the commands of the documents" },
    Need { program: "nginx", package: "nginx", without: "nginx as a target, and the tunnel behind it" },
    Need { program: "haproxy", package: "haproxy", without: "the tunnel behind HAProxy" },
    Need { program: "redis-server", package: "redis-server", without: "several servers behind one address" },
    Need { program: "apache2", package: "apache2", without: "the tunnel behind Apache" },
    Need { program: "caddy", package: "caddy", without: "the tunnel behind Caddy" },
    Need { program: "varnishd", package: "varnish", without: "the tunnel behind Varnish" },
    Need { program: "squid", package: "squid", without: "the tunnel behind Squid" },
    Need { program: "python3", package: "python3-venv", without: "a Python web server as a target" },
    Need { program: "git", package: "git", without: "git over HTTP" },
    Need { program: "node", package: "nodejs", without: "a dev server" },
    Need { program: "npm", package: "npm", without: "a dev server" },
    Need { program: "chromium", package: "chromium", without: "a browser as a visitor" },
    Need { program: "bash", package: "bash", without: "the check of the completions for bash" },
    Need { program: "zsh", package: "zsh", without: "the check of the completions for zsh" },
    Need { program: "fish", package: "fish", without: "the check of the completions for fish" },
    Need { program: "c++", package: "g++", without: "fuzzing" },
    Need { program: "mandoc", package: "mandoc", without: "the check of the man pages" },
    Need { program: "faketime", package: "faketime", without: "wall clocks that jump" },
    Need { program: "ip", package: "iproute2", without: "a client that changes its network" },
    Need { program: "slowhttptest", package: "slowhttptest", without: "slow connections by another program" },
    Need { program: "h2load", package: "nghttp2-client", without: "a load of HTTP/2 by another program" },
    Need {
        program: "prometheus",
        package: "prometheus",
        without: "metrics and the dashboard, as Prometheus reads them",
    },
    Need { program: "systemd-analyze", package: "systemd", without: "the check of systemd's units" },
    Need { program: "pebble", package: "pebble", without: "certificates from a directory" },
    Need { program: "lintian", package: "lintian", without: "the check of the package for Debian" },
    Need { program: "mmdebstrap", package: "mmdebstrap", without: "the package for Debian on a system of its own" },
    Need { program: "ruby", package: "ruby", without: "the check of the formula for Homebrew" },
    Need { program: "nix-instantiate", package: "nix-bin", without: "the check of the flake for Nix" },
    Need { program: "docker-compose", package: "docker-compose", without: "the check of the example for compose" },
    Need { program: "wrk", package: "wrk", without: "the short benchmark" },
    Need { program: "valgrind", package: "valgrind", without: "the profile" },
    Need { program: "strace", package: "strace", without: "the profile" },
];

/// Installs what is missing if it may, and notes what is then left out.
pub(crate) fn run(policy: Policy) -> Result<()> {
    programs(policy)?;
    libraries::run(policy)
}

fn programs(policy: Policy) -> Result<()> {
    let packages: Vec<&str> = missing().map(|need| need.package).collect();
    if packages.is_empty() {
        println!("every program that the tests drive is here");
        return Ok(());
    }
    if let Some(mut installer) = installer() {
        println!("installing {}", packages.join(", "));
        if let Err(error) = program::run(installer.args(&packages)) {
            println!("{error:#}");
        }
    }
    for need in missing() {
        let line = format!("{}, because `{}` is missing", need.without, need.program);
        println!("left out: {line} (Debian package `{}`)", need.package);
        left_out::note(&line)?;
    }
    let still: Vec<&str> = missing().map(|need| need.program).collect();
    ensure!(policy == Policy::Tell || still.is_empty(), "with `CI=true` nothing may be missing: {}", still.join(", "));
    Ok(())
}

fn missing() -> impl Iterator<Item = &'static Need> {
    NEEDS.iter().filter(|need| program::find(need.program).is_none())
}

/// What installs the packages that are appended to it; none where there is no apt or no right to use it.
fn installer() -> Option<Command> {
    program::find("apt-get")?;
    let is_root = program::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    let mut command = if is_root {
        Command::new("sh")
    } else {
        // `-n`: fails where a password would be asked for.
        program::output(Command::new("sudo").args(["-n", "true"])).ok()?;
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "sh"]);
        sudo
    };
    command.arg("xtask/src/setup/install.sh").current_dir(crate::root());
    Some(command)
}
