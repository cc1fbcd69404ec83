//! Free ports, and folders that a proxy can use which gives up its rights.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

/// An address of loopback that nobody listens on.
pub(crate) fn address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// Started by root, most proxies go on as users of their own.
#[cfg(unix)]
pub(super) fn for_everybody(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on other systems")]
pub(super) fn for_everybody(_folder: &Path) -> io::Result<()> {
    Ok(())
}
