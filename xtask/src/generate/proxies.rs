//! The lines for proxies, in the document that is for those who run a server.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::Generated;
use super::markdown::between;

const FILE: &str = "docs/hosting.md";

/// The files that the document shows, and what their lines are called there.
const SHOWN: [(&str, &str); 6] = [
    ("nginx.conf", "nginx"),
    ("Caddyfile", "text"),
    ("haproxy.cfg", "text"),
    ("apache.conf", "apache"),
    ("traefik.yml", "yaml"),
    ("traefik-sendit.yml", "yaml"),
];

pub(crate) fn file(root: &Path) -> Result<Generated> {
    let read = |path: &str| fs::read_to_string(root.join(path)).with_context(|| format!("cannot read `{path}`"));
    let text = SHOWN.iter().try_fold(read(FILE)?, |text, (name, kind)| {
        let path = format!("dist/proxies/{name}");
        let lines = read(&path)?;
        between(FILE, &text, &path, &format!("```{kind}\n{}```", lines.replace("\r\n", "\n")))
    })?;
    Ok(Generated { path: FILE.to_owned(), text })
}
