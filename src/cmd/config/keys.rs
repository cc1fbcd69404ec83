//! The keys of `sendit.toml`. They follow from the flags, so that whatever has a flag has a key and is described once: the
//! key of `--token-file` is `token_file`. Pure; knows flags as data, and no file.

use argh::{FlagInfo, FlagInfoKind, Optionality};

/// A key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// As it is written.
    pub name: String,
    /// The flag that says the same; none for what is no flag's.
    pub flag: Option<&'static str>,
    /// What it takes.
    pub kind: Kind,
    /// What it says.
    pub meaning: &'static str,
}

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Switch,
    /// A text.
    One,
    /// A text, or a list of them.
    Many,
    /// A number, or its digits as a text.
    Number,
    /// A port of this machine, or a text.
    Port,
}

/// A table of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// What stands before all others: for the client as a whole, and for each tunnel that says nothing else.
    Top,
    /// `[tunnels.NAME]`.
    Tunnel,
    /// `[serve]`.
    Serve,
}

/// Every key that is known.
#[derive(Clone, Debug)]
pub struct Known {
    /// Those of the client as a whole, and what they may say for all tunnels.
    pub top: Vec<Key>,
    /// Those of a tunnel.
    pub tunnel: Vec<Key>,
    /// Those of the server.
    pub serve: Vec<Key>,
}

/// Where a tunnel leads to, which on a command line is an argument.
pub(crate) const TARGET: &str = "target";

/// What tunnels are in, each under its name.
pub(crate) const TUNNELS: &str = "tunnels";

/// What the server reads.
pub(crate) const SERVE: &str = "serve";

/// What a flag calls its value that is a number.
const NUMBER: &str = "NUMBER";

/// What is said for a single run.
const NEVER: &[&str] = &["--config", "--help", "--qr", "--url-file"];

/// What a process has once, however many tunnels.
const ONCE: &[&str] = &[
    "--server",
    "--ca-file",
    "--client-cert",
    "--client-key",
    "--inspect",
    "--webhook-secret",
    "--quiet",
    "--log",
    "--log-format",
];

/// What no two tunnels can share.
const ALONE: &[&str] = &["--prefix"];

impl Known {
    /// Those that the flags of a tunnel and of a server come to.
    pub(crate) fn new(tunnel: &'static [FlagInfo<'static>], serve: &'static [FlagInfo<'static>]) -> Self {
        let keys = |flags: &'static [FlagInfo<'static>], without: &[&str]| {
            let flags = flags.iter().filter(|flag| !flag.hidden && !NEVER.contains(&flag.long));
            flags.filter(|flag| !without.contains(&flag.long)).map(Key::of).collect::<Vec<_>>()
        };
        let target = Key {
            name: TARGET.to_owned(),
            flag: None,
            kind: Kind::Port,
            meaning: "local service, such as http://localhost:3000, or its port on this machine",
        };
        let tunnel_keys = std::iter::once(target).chain(keys(tunnel, ONCE)).collect();
        Self { top: keys(tunnel, ALONE), tunnel: tunnel_keys, serve: keys(serve, &[]) }
    }

    /// The keys of a table.
    #[must_use]
    pub fn of(&self, table: Table) -> &[Key] {
        match table {
            Table::Top => &self.top,
            Table::Tunnel => &self.tunnel,
            Table::Serve => &self.serve,
        }
    }

    /// The key of that name in a table, or else what there may have been meant.
    pub(super) fn find(&self, table: Table, name: &str) -> Result<&Key, String> {
        let keys = self.of(table);
        let found = keys.iter().find(|key| key.name == name);
        found.ok_or_else(|| self.elsewhere(name).unwrap_or_else(|| self.hint(table, name)))
    }

    /// Asks for the key that is near, or says where all are: they are too many to name.
    fn hint(&self, table: Table, name: &str) -> String {
        match near(name, self.names(table)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "docs/configuration.md has every key".to_owned(),
        }
    }

    fn names(&self, table: Table) -> impl Iterator<Item = &str> {
        let tables = if table == Table::Top { &[TUNNELS, SERVE][..] } else { &[] };
        self.of(table).iter().map(|key| key.name.as_str()).chain(tables.iter().copied())
    }

    /// Where a key stands that is in the wrong place.
    fn elsewhere(&self, name: &str) -> Option<String> {
        let places = [
            (Table::Tunnel, "a tunnel's table, such as `[tunnels.web]`"),
            (Table::Top, "the file's beginning, before every `[…]`"),
            (Table::Serve, "the table `[serve]`"),
        ];
        let (_, place) = places.into_iter().find(|(table, _)| self.of(*table).iter().any(|key| key.name == name))?;
        Some(format!("it belongs into {place}"))
    }
}

impl Key {
    fn of(flag: &'static FlagInfo<'static>) -> Self {
        let kind = match (&flag.kind, &flag.optionality) {
            (FlagInfoKind::Switch, _) => Kind::Switch,
            (_, Optionality::Repeating) => Kind::Many,
            (FlagInfoKind::Option { arg_name }, _) if *arg_name == NUMBER => Kind::Number,
            _ => Kind::One,
        };
        Self { name: name(flag.long), flag: Some(flag.long), kind, meaning: flag.description }
    }
}

/// How a flag is written as a key.
pub(crate) fn name(flag: &str) -> String {
    flag.trim_start_matches('-').replace('-', "_")
}

/// The known name that was meant, where one is near: a step writes, drops, changes or swaps a letter, and no more than a third
/// of what is written is a slip.
pub(crate) fn near<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = name.chars().count() / 3;
    let steps = known.into_iter().map(|known| (strsim::osa_distance(name, known), known));
    steps.filter(|(steps, _)| *steps <= most).min().map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use argh::{ArgsInfo as _, FromArgs};
    use proptest::prelude::*;

    use super::*;

    /// A command with a flag of each kind.
    #[derive(FromArgs, argh::ArgsInfo)]
    #[expect(dead_code, reason = "only its description is read")]
    struct Sample {
        /// one
        #[argh(option, arg_name = "FILE")]
        token_file: Option<String>,
        /// many
        #[argh(option)]
        allow_ip: Vec<String>,
        /// on
        #[argh(switch)]
        quiet: bool,
        /// off
        #[argh(switch, hidden_help)]
        no_quiet: bool,
        /// alone
        #[argh(option)]
        prefix: Option<String>,
        /// as many
        #[argh(option, arg_name = "NUMBER")]
        threads: Option<String>,
        /// for a moment
        #[argh(switch)]
        qr: bool,
    }

    fn known() -> Known {
        let flags = Sample::get_args_info().flags;
        Known::new(flags, flags)
    }

    #[test]
    fn each_flag_has_its_key_where_it_can_be_meant() {
        let names = |table| known().of(table).iter().map(|key| (key.name.clone(), key.kind)).collect::<Vec<_>>();
        let key = |name: &str, kind| (name.to_owned(), kind);
        let (file, many) = (key("token_file", Kind::One), key("allow_ip", Kind::Many));
        let (quiet, prefix) = (key("quiet", Kind::Switch), key("prefix", Kind::One));
        let (target, threads) = (key("target", Kind::Port), key("threads", Kind::Number));
        assert_eq!(names(Table::Top), [file.clone(), many.clone(), quiet.clone(), threads.clone()]);
        assert_eq!(names(Table::Tunnel), [target, file.clone(), many.clone(), prefix.clone(), threads.clone()]);
        assert_eq!(names(Table::Serve), [file, many, quiet, prefix, threads]);
    }

    #[track_caller]
    fn unknown(table: Table, name: &str, hint: &str) {
        assert_eq!(known().find(table, name).err().as_deref(), Some(hint), "{name}");
    }

    #[test]
    fn what_is_not_known_is_told_what_it_may_be() {
        unknown(Table::Top, "tokenfile", "did you mean `token_file`?");
        unknown(Table::Top, "tunnel", "did you mean `tunnels`?");
        unknown(Table::Tunnel, "alow_pi", "did you mean `allow_ip`?");
        for other in ["", "colour", "t", "allow"] {
            unknown(Table::Tunnel, other, "docs/configuration.md has every key");
        }
        unknown(Table::Top, "prefix", "it belongs into a tunnel's table, such as `[tunnels.web]`");
        unknown(Table::Tunnel, "quiet", "it belongs into the file's beginning, before every `[…]`");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_near_is_the_nearest_and_a_slip_away(name in "[a-z_é]{0,12}") {
            let known = known();
            let names: Vec<&str> = known.names(Table::Top).collect();
            let steps = |other: &&str| strsim::osa_distance(&name, other);
            let least = names.iter().map(steps).min().unwrap();
            let found = near(&name, names.iter().copied());
            prop_assert_eq!(found.map(|found| steps(&found)), Some(least).filter(|least| least * 3 <= name.chars().count()));
        }
    }
}
