//! What `Cargo.toml` says of the program, as cargo reads it.

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::program;

/// Facts of the package.
pub(super) struct Facts {
    pub(super) version: String,
    pub(super) description: String,
    pub(super) license: String,
    /// Who answers for the package for Debian.
    pub(super) maintainer: String,
}

impl Facts {
    pub(super) fn of_cargo() -> Result<Self> {
        let metadata =
            program::output(&mut program::cargo(&["metadata", "--no-deps", "--offline", "--format-version=1"]))?;
        let metadata: Value = serde_json::from_str(&metadata).context("what cargo says is no JSON")?;
        let packages = metadata["packages"].as_array().context("cargo names no packages")?;
        let package = packages.iter().find(|package| package["name"] == "sendit").context("cargo knows no `sendit`")?;
        let fact = |pointer: &str| {
            let fact = package.pointer(pointer).and_then(Value::as_str);
            fact.map(ToOwned::to_owned).with_context(|| format!("`Cargo.toml` does not say `{pointer}`"))
        };
        Ok(Self {
            version: fact("/version")?,
            description: fact("/description")?,
            license: fact("/license")?,
            maintainer: fact("/metadata/deb/maintainer")?,
        })
    }
}
