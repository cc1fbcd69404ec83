//! The names of metrics, in the document that is for those who run a server.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use sendit::metrics::{FAMILIES, Family};

use super::Generated;
use super::markdown::{between, cell};

const FILE: &str = "docs/operations.md";

pub(crate) fn file(root: &Path) -> Result<Generated> {
    let text = fs::read_to_string(root.join(FILE)).with_context(|| format!("cannot read `{FILE}`"))?;
    let rows: String = FAMILIES.iter().map(row).collect();
    let table = format!("\n| name | kind | label | meaning |\n|---|---|---|---|\n{rows}");
    Ok(Generated { path: FILE.to_owned(), text: between(FILE, &text, "metrics", &table)? })
}

fn row(family: &Family) -> String {
    let Family { name, kind, help, label, .. } = family;
    let label = label.map_or_else(String::new, |(label, values)| match values {
        // What differs from version to version would not stay true.
        [_] => format!("`{label}`"),
        values => {
            format!("`{label}`: {}", values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", "))
        }
    });
    format!("| `{name}` | {} | {} | {} |\n", kind.word(), cell(&label), cell(help.trim_end_matches('.')))
}
