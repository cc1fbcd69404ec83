//! What the tunnel is measured against, and where it comes from.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Result;

use super::candidate::Candidate;
use crate::program::{self, cargo};

/// What can be named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    Nginx2,
    Bore,
    Rathole,
}

/// A list of them, with commas; an empty one is nobody.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Peers(pub(super) Vec<Peer>);

impl FromStr for Peers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let peers = names.map(|name| match name {
            "nginx2" => Ok(Peer::Nginx2),
            "bore" => Ok(Peer::Bore),
            "rathole" => Ok(Peer::Rathole),
            _ => Err(format!("`{name}` is none of `nginx2`, `bore` and `rathole`")),
        });
        peers.collect::<Result<_, _>>().map(Self)
    }
}

impl Peer {
    /// Makes sure that it is there.
    pub(super) fn candidate(self) -> Result<Candidate> {
        Ok(match self {
            Self::Nginx2 => Candidate::Nginx2,
            Self::Bore => Candidate::Bore { binary: install("bore-cli", "bore")? },
            Self::Rathole => Candidate::Rathole { binary: install("rathole", "rathole")? },
        })
    }
}

/// Has cargo install a package below `target`, once. Not by the lock file that it was published with: rathole's names a
/// dependency that today's compiler refuses.
pub(crate) fn install(package: &str, binary: &str) -> Result<PathBuf> {
    let root = crate::root().join("target/peers");
    let path = root.join("bin").join(binary);
    if !path.is_file() {
        program::run(cargo(&["install", "--quiet", package, "--root"]).arg(&root))?;
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        assert_eq!("nginx2, bore".parse(), Ok(Peers(vec![Peer::Nginx2, Peer::Bore])));
        assert_eq!("".parse(), Ok(Peers(Vec::new())));
        assert_eq!("frp".parse::<Peers>(), Err("`frp` is none of `nginx2`, `bore` and `rathole`".to_owned()));
    }
}
