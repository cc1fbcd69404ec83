//! What one table of the file says: texts under their keys, and the line that each stands on. Pure. It has no `Debug`, for
//! secrets may stand in it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{Key, Kind, Known, Table};
use super::origin::Origin;
use crate::cmd::exit::Failure;

/// A table's settings.
#[derive(Clone)]
pub(crate) struct Section {
    /// Where it begins.
    head: Position,
    entries: BTreeMap<String, Entry>,
}

#[derive(Clone)]
struct Entry {
    texts: Vec<String>,
    position: Position,
}

/// Where a key stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    origin: Arc<Origin>,
    line: usize,
    key: String,
}

/// A file, and where its lines end.
pub(super) struct Source {
    origin: Arc<Origin>,
    ends: Vec<usize>,
}

impl Section {
    /// Reads a table that begins at `head`, whose keys have to be among those that are `known`.
    pub(super) fn read(
        source: &Source,
        head: Position,
        table: &DeTable<'_>,
        kind: Table,
        known: &Known,
    ) -> Result<Self, Failure> {
        let mut entries = BTreeMap::new();
        for (name, value) in table {
            let position = source.position(name);
            let key = known
                .find(kind, name.get_ref())
                .map_err(|hint| Failure::usage(format!("unknown key {position}; {hint}")))?;
            let texts = texts(key, value.get_ref()).ok_or_else(|| position.wrong(expected(key)))?;
            entries.insert(key.name.clone(), Entry { texts, position });
        }
        Ok(Self { head, entries })
    }

    /// Whether it says nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A table that says nothing.
    pub(super) fn empty(head: Position) -> Self {
        Self { head, entries: BTreeMap::new() }
    }

    /// Where it begins.
    pub(crate) fn head(&self) -> &Position {
        &self.head
    }

    /// The file that says something here.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        self.entries.values().next().map(|entry| entry.position.origin())
    }

    /// What it says under a key, and where.
    pub(crate) fn get(&self, key: &str) -> Option<(&[String], &Position)> {
        self.entries.get(key).map(|entry| (&entry.texts[..], &entry.position))
    }
}

impl Source {
    pub(super) fn new(origin: Arc<Origin>, text: &str) -> Self {
        Self { origin, ends: text.match_indices('\n').map(|(at, _)| at).collect() }
    }

    /// Where this key stands.
    pub(super) fn position(&self, key: &Spanned<impl AsRef<str>>) -> Position {
        let line = self.line(key.span().start);
        Position { origin: Arc::clone(&self.origin), line, key: key.get_ref().as_ref().to_owned() }
    }

    /// Where the file begins.
    pub(super) fn beginning(&self) -> Position {
        Position { origin: Arc::clone(&self.origin), line: 1, key: String::new() }
    }

    /// The line that a byte is in, counted from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.ends.partition_point(|end| *end < at) + 1
    }
}

impl Position {
    /// A path as it is written there: from the folder that the file lies in, and only where the file may name it.
    pub(crate) fn beside(&self, path: &str) -> Result<PathBuf, Failure> {
        self.origin.beside(path).map_err(|cause| self.wrong(cause))
    }

    /// The file that it stands in.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The line that it stands on, counted from 1.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// That something else was expected there.
    pub(super) fn wrong(&self, cause: impl fmt::Display) -> Failure {
        Failure::usage(format!("wrong {self}: {cause}"))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` in `{}`, line {}", self.key, self.origin.path().display(), self.line)
    }
}

/// A value as the texts that a flag would have. None where it is of another type.
fn texts(key: &Key, value: &DeValue<'_>) -> Option<Vec<String>> {
    match (key.kind, value) {
        (Kind::Switch, DeValue::Boolean(on)) => Some(vec![on.to_string()]),
        (Kind::Many, DeValue::Array(values)) => values.iter().map(|value| text(value.get_ref())).collect(),
        (Kind::Number | Kind::Port, DeValue::Integer(number)) if number.radix() == 10 => {
            Some(vec![number.as_str().to_owned()])
        }
        (Kind::Switch, _) => None,
        (_, value) => text(value).map(|text| vec![text]),
    }
}

fn text(value: &DeValue<'_>) -> Option<String> {
    value.as_str().map(ToOwned::to_owned)
}

fn expected(key: &Key) -> String {
    let name = &key.name;
    match key.kind {
        Kind::Switch => format!("write `{name} = true` or `{name} = false`"),
        Kind::One => format!("write a text, such as `{name} = \"…\"`"),
        Kind::Many => format!("write a text or a list of them, such as `{name} = [\"…\", \"…\"]`"),
        Kind::Number => format!("write a number, such as `{name} = 16`"),
        Kind::Port => format!("write a port or a text, such as `{name} = 3000`"),
    }
}
