//! `sendit.toml`: from its text to what it says for the client, for each tunnel and for the server. Pure but for
//! `File::find`; knows which keys there are, and not what their values mean.

pub mod keys;

mod section;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::env::{self, Env};
use super::exit::Failure;
use super::secret;
use keys::{Known, SERVE, TUNNELS, Table, hint};
use section::Source;
pub(crate) use section::{Position, Section};

/// The file's name.
const NAME: &str = "sendit.toml";

/// The keys under which a secret may stand.
const SECRETS: &[&str] = &["token", "basic_auth", "webhook_secret", "secret"];

/// What a file says.
#[derive(Clone)]
pub(crate) struct File {
    path: PathBuf,
    known: Known,
    /// For the client as a whole, and for each tunnel that says nothing else.
    pub(crate) top: Section,
    /// By their names.
    tunnels: BTreeMap<String, Section>,
    /// For the server.
    pub(crate) serve: Section,
}

impl File {
    /// The file that is named, else the one in the working folder, else the one in the user's configuration folder; none
    /// where there is none.
    pub(crate) fn find(named: Option<&str>, env: &Env, known: &Known) -> Result<Option<Self>, Failure> {
        let named = named.or_else(|| env.value(env::CONFIG)).map(PathBuf::from);
        let there = || [Some(PathBuf::from(NAME)), env.folder().map(|folder| folder.join(NAME))].into_iter().flatten();
        let path = named.or_else(|| there().find(|path| path.exists()));
        path.map(|path| Self::read(&path, known)).transpose()
    }

    /// Reads a file.
    pub(crate) fn read(path: &Path, known: &Known) -> Result<Self, Failure> {
        let bytes = secret::read("configuration", path)?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Failure::usage(format!("the configuration file `{}` is no UTF-8", path.display())))?;
        Self::parse(path, &text, known)
    }

    /// Reads it again, for it may have changed.
    pub(crate) fn again(&self) -> Result<Self, Failure> {
        Self::read(&self.path, &self.known)
    }

    fn parse(path: &Path, text: &str, known: &Known) -> Result<Self, Failure> {
        let source = Source { file: Arc::from(path), text };
        let mut table = DeTable::parse(text).map_err(|error| {
            let line = source.line(error.span().map_or(0, |span| span.start));
            Failure::usage(format!("`{}`, line {line}, is no TOML: {}", path.display(), error.message()))
        })?;
        let tunnels = table.get_mut().remove_entry(TUNNELS);
        let serve = table.get_mut().remove_entry(SERVE);
        let top = Section::read(&source, table.get_ref(), Table::Top, known)?;
        let serve = match &serve {
            Some((key, value)) => {
                let table = inner(&source, key, value, "a table, `[serve]`")?;
                Section::read(&source, table, Table::Serve, known)?
            }
            None => Section::default(),
        };
        let mut file = Self { path: path.to_owned(), known: known.clone(), top, tunnels: BTreeMap::new(), serve };
        if let Some((key, value)) = &tunnels {
            for (name, value) in inner(&source, key, value, "tables, such as `[tunnels.web]`")? {
                let table = inner(&source, name, value, "a table, such as `[tunnels.web]`")?;
                let section = Section::read(&source, table, Table::Tunnel, known)?;
                file.add(name.get_ref(), section, &source.position(name))?;
            }
        }
        Ok(file)
    }

    /// Takes in a tunnel whose prefix nobody has yet.
    fn add(&mut self, name: &str, section: Section, at: &Position) -> Result<(), Failure> {
        let prefix = prefix(name, &section);
        if let Some(other) = self.tunnels.iter().find(|(name, section)| self::prefix(name, section) == prefix) {
            return Err(at.wrong(format_args!(
                "it has the prefix `{prefix}`, and so has `{}`; give one of them another `prefix`",
                other.0
            )));
        }
        self.tunnels.insert(name.to_owned(), section);
        Ok(())
    }

    /// The tunnel of that name.
    pub(crate) fn tunnel(&self, name: &str) -> Result<&Section, Failure> {
        self.tunnels.get(name).ok_or_else(|| {
            let hint = hint(name, self.names());
            Failure::usage(format!("there is no tunnel `{name}` in `{}`; {hint}", self.path.display()))
        })
    }

    /// The names of all tunnels, in their order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tunnels.keys().map(String::as_str)
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What is to be said where it holds secrets that others can read.
    pub(crate) fn warning(&self) -> Option<String> {
        let mut sections = self.tunnels.values().chain([&self.top, &self.serve]);
        let holds = sections.any(|section| SECRETS.iter().any(|key| section.get(key).is_some()));
        let path = self.path.display();
        (holds && others_read(&self.path))
            .then(|| format!("`{path}` holds a secret, and others can read it; `chmod 600 {path}` keeps them out"))
    }
}

/// The prefix that a tunnel asks for: its name, unless it says another.
pub(crate) fn prefix<'a>(name: &'a str, section: &'a Section) -> &'a str {
    section.get("prefix").and_then(|(texts, _)| texts.first()).map_or(name, String::as_str)
}

fn inner<'a, 'i>(
    source: &Source<'_>,
    key: &Spanned<impl AsRef<str>>,
    value: &'a Spanned<DeValue<'i>>,
    expected: &str,
) -> Result<&'a DeTable<'i>, Failure> {
    let table = value.get_ref().as_table();
    table.ok_or_else(|| source.position(key).wrong(format_args!("it has to be {expected}")))
}

#[cfg(unix)]
fn others_read(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    // A pipe is read once, and by whoever was given it.
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.mode() & 0o044 != 0)
}

#[cfg(not(unix))]
fn others_read(_: &Path) -> bool {
    false
}

#[cfg(test)]
pub(crate) mod tests;
