//! `sendit.toml`: from its text to what it says for the client, for each tunnel and for the server. Pure but for
//! `File::find` and `File::again`; knows which keys there are, and not what their values mean.

pub mod keys;

mod origin;
mod section;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::env::Env;
use super::exit::Failure;
use keys::{Known, SERVE, TUNNELS, Table, near};
pub(crate) use origin::Origin;
use section::Source;
pub(crate) use section::{Position, Section};

/// The file's name.
pub(crate) const NAME: &str = "sendit.toml";

/// The keys under which a secret may stand.
const SECRETS: &[&str] = &["token", "basic_auth", "webhook_secret", "secret"];

/// Those of URLs in which a password may stand.
const URLS: &[&str] = &["cluster"];

/// What a file says.
#[derive(Clone)]
pub(crate) struct File {
    origin: Arc<Origin>,
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
        let origin = Origin::find(named, env);
        origin.map(|origin| Self::read(Arc::new(origin), known)).transpose()
    }

    fn read(origin: Arc<Origin>, known: &Known) -> Result<Self, Failure> {
        let text = String::from_utf8(origin.read()?)
            .map_err(|_| Failure::usage(format!("the configuration file `{}` is no UTF-8", origin.path().display())))?;
        Self::parse(origin, &text, known)
    }

    /// Reads it again, for it may have changed.
    pub(crate) fn again(&self) -> Result<Self, Failure> {
        Self::read(Arc::clone(&self.origin), &self.known)
    }

    fn parse(origin: Arc<Origin>, text: &str, known: &Known) -> Result<Self, Failure> {
        let source = Source::new(Arc::clone(&origin), text);
        let mut table = DeTable::parse(text).map_err(|error| {
            let line = source.line(error.span().map_or(0, |span| span.start));
            Failure::usage(format!("`{}`, line {line}, is no TOML: {}", origin.path().display(), error.message()))
        })?;
        let tunnels = table.get_mut().remove_entry(TUNNELS);
        let serve = table.get_mut().remove_entry(SERVE);
        let top = Section::read(&source, source.beginning(), table.get_ref(), Table::Top, known)?;
        let serve = match &serve {
            Some((key, value)) => {
                let table = inner(&source, key, value, "a table, `[serve]`")?;
                Section::read(&source, source.position(key), table, Table::Serve, known)?
            }
            None => Section::empty(source.beginning()),
        };
        let tunnels = match &tunnels {
            Some((key, value)) => {
                read_tunnels(&source, inner(&source, key, value, "tables, such as `[tunnels.web]`")?, known)?
            }
            None => BTreeMap::new(),
        };
        Ok(Self { origin, known: known.clone(), top, tunnels, serve })
    }

    /// The tunnel of that name.
    pub(crate) fn tunnel(&self, name: &str) -> Result<&Section, Failure> {
        self.tunnels.get(name).ok_or_else(|| {
            let hint = near(name, self.names()).map(|near| format!("did you mean `{near}`?"));
            let hint = hint.unwrap_or_else(|| self.has());
            Failure::usage(format!("there is no tunnel `{name}` in `{}`; {hint}", self.path().display()))
        })
    }

    /// Which tunnels there are, in a sentence.
    pub(crate) fn has(&self) -> String {
        let names = self.names().map(|name| format!("`{name}`")).collect::<Vec<_>>();
        if names.is_empty() { "there are none".to_owned() } else { format!("it has {}", names.join(", ")) }
    }

    /// The names of all tunnels, in their order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tunnels.keys().map(String::as_str)
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        self.origin.path()
    }

    /// What is to be said where it holds secrets that others can read.
    pub(crate) fn warning(&self) -> Option<String> {
        let mut sections = self.tunnels.values().chain([&self.top, &self.serve]);
        let holds = sections.any(|section| {
            let mut urls = URLS.iter().filter_map(|key| section.get(key)).flat_map(|(texts, _)| texts);
            SECRETS.iter().any(|key| section.get(key).is_some()) || urls.any(|url| has_password(url))
        });
        let path = self.path().display();
        (holds && others_read(self.path()))
            .then(|| format!("`{path}` holds a secret, and others can read it; `chmod 600 {path}` keeps them out"))
    }
}

/// The prefix that a tunnel asks for: its name, unless it says another.
pub(crate) fn prefix<'a>(name: &'a str, section: &'a Section) -> &'a str {
    section.get("prefix").and_then(|(texts, _)| texts.first()).map_or(name, String::as_str)
}

/// The tunnels by their names, no two of which have one prefix. They are read in the order of their lines, so that the second
/// of two is the one that is told.
fn read_tunnels(source: &Source, tables: &DeTable<'_>, known: &Known) -> Result<BTreeMap<String, Section>, Failure> {
    let mut tables: Vec<_> = tables.iter().collect();
    tables.sort_by_key(|(key, _)| key.span().start);
    let (mut tunnels, mut taken) = (BTreeMap::new(), BTreeMap::new());
    for (key, value) in tables {
        let table = inner(source, key, value, "a table, such as `[tunnels.web]`")?;
        let (name, head) = (key.get_ref(), source.position(key));
        let section = Section::read(source, head.clone(), table, Table::Tunnel, known)?;
        let prefix = prefix(name, &section).to_owned();
        if let Some((other, line)) = taken.get(&prefix) {
            return Err(head.wrong(format_args!(
                "it has the prefix `{prefix}`, and so has `{other}`, line {line}; give one of them another `prefix`"
            )));
        }
        taken.insert(prefix, (name, head.line()));
        tunnels.insert(name.to_string(), section);
    }
    Ok(tunnels)
}

fn inner<'a, 'i>(
    source: &Source,
    key: &Spanned<impl AsRef<str>>,
    value: &'a Spanned<DeValue<'i>>,
    expected: &str,
) -> Result<&'a DeTable<'i>, Failure> {
    let table = value.get_ref().as_table();
    table.ok_or_else(|| source.position(key).wrong(format_args!("it has to be {expected}")))
}

/// Whether a URL has one, as `redis://USER:PASSWORD@HOST` has.
fn has_password(url: &str) -> bool {
    let user = url.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@'));
    user.is_some_and(|(user, _)| user.contains(':'))
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
