//! Where a setting comes from: the first of flag, environment variable and file that says something. Knows names and
//! texts, and not what they mean; the texts may be secrets, so nothing here has `Debug` that holds one.

mod given;

use std::fmt;
use std::path::Path;

use super::config::keys::name;
use super::config::{NAME, Origin, Section};
use super::env::{self, Env};
use super::exit::Failure;
use super::flags::go_bool;
pub(crate) use given::Given;
use given::Place;

/// What a command is told, beside its flags.
#[derive(Clone)]
pub(crate) struct Sources<'a> {
    command: &'static str,
    env: &'a Env,
    /// What the file says, the most particular first.
    file: Vec<&'a Section>,
}

impl<'a> Sources<'a> {
    /// Those of a command that reads these parts of a file, the most particular first.
    pub(crate) fn new(command: &'static str, env: &'a Env, file: impl IntoIterator<Item = &'a Section>) -> Self {
        Self { command, env, file: file.into_iter().collect() }
    }

    /// The environment.
    pub(crate) fn env(&self) -> &Env {
        self.env
    }

    /// All that is said of these settings at the first place that says something of any, in their order; each beside its
    /// flag.
    pub(crate) fn all<const N: usize>(&self, typed: [(&'static str, Vec<String>); N]) -> Vec<(&'static str, Given)> {
        let flags = typed.each_ref().map(|(flag, _)| *flag);
        let typed = typed
            .into_iter()
            .flat_map(|(flag, texts)| texts.into_iter().map(move |text| (flag, Given::typed(flag, text))));
        let in_env = flags.into_iter().filter_map(|flag| Some((flag, self.in_env(flag)?)));
        let layers = [typed.collect(), in_env.collect()];
        let in_file = self.file.iter().map(|section| {
            flags.into_iter().flat_map(|flag| of_section(section, flag).map(move |given| (flag, given))).collect()
        });
        layers.into_iter().chain(in_file).find(|layer: &Vec<_>| !layer.is_empty()).unwrap_or_default()
    }

    /// What is said of a setting that is said once.
    pub(crate) fn one(&self, typed: Option<String>, flag: &'static str) -> Option<Given> {
        self.each(typed.into_iter().collect(), flag).pop()
    }

    /// What is said of one that is said as often as one likes.
    pub(crate) fn each(&self, typed: Vec<String>, flag: &'static str) -> Vec<Given> {
        self.all([(flag, typed)]).into_iter().map(|(_, given)| given).collect()
    }

    /// The same, read.
    pub(crate) fn read<T, E: fmt::Display>(
        &self,
        typed: Option<String>,
        flag: &'static str,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Failure> {
        self.one(typed, flag).map(|given| given.read(read)).transpose()
    }

    /// Whether something is switched on; nobody has said so, unless somebody has.
    pub(crate) fn switch(&self, typed: Option<bool>, flag: &'static str) -> Result<bool, Failure> {
        let read = |text: &str| go_bool(text).ok_or_else(|| format!("it is `1` or `0`, not `{text}`"));
        Ok(self.read(typed.map(|on| on.to_string()), flag, read)?.unwrap_or(false))
    }

    /// The file that merely lies in the working folder, where it says something.
    pub(crate) fn here(&self) -> Option<&Origin> {
        self.file.iter().find_map(|section| section.origin()).filter(|origin| origin.is_here())
    }

    /// The configuration file that there is, or the usual one.
    pub(crate) fn file(&self) -> &Path {
        self.file.first().map_or(Path::new(NAME), |section| section.head().origin().path())
    }

    /// Names the line of the file that a failure comes from, where that says the setting.
    pub(crate) fn blame(&self, flag: &str, failure: Failure) -> Failure {
        match self.in_file(flag).first() {
            Some(given) => Failure { sentence: format!("wrong {}: {}", given.place, failure.sentence), ..failure },
            None => failure,
        }
    }

    /// What a variable says.
    pub(crate) fn variable(&self, name: &'static str) -> Option<Given> {
        Some(Given { text: self.env.value(name)?.to_owned(), place: Place::Variable(name) })
    }

    /// What the file says of a setting.
    pub(crate) fn in_file(&self, flag: &str) -> Vec<Given> {
        let said = self.file.iter().map(|section| of_section(section, flag).collect());
        said.into_iter().find(|said: &Vec<_>| !said.is_empty()).unwrap_or_default()
    }

    fn in_env(&self, flag: &str) -> Option<Given> {
        let mut rows = env::TABLE.iter().filter(|row| row.flag == flag && row.commands.contains(&self.command));
        rows.find_map(|row| self.variable(row.name))
    }
}

/// What a part of the file says of the setting that has this flag.
fn of_section(section: &Section, flag: &str) -> impl Iterator<Item = Given> {
    let (texts, position) = section.get(&name(flag)).unzip();
    let texts = texts.unwrap_or_default().iter();
    texts
        .zip(std::iter::repeat(position))
        .filter_map(|(text, position)| Some(Given { text: text.clone(), place: Place::File(position?.clone()) }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cmd::config::{File, tests::parse};

    fn file(text: &str) -> File {
        parse(text).map_err(|failure| failure.sentence).unwrap()
    }

    #[track_caller]
    fn check(flag: Option<&str>, env: &Env, file: &str, expected: Option<&str>) {
        let file = self::file(file);
        let from = Sources::new("serve", env, [&file.serve]);
        let given = from.one(flag.map(ToOwned::to_owned), "--addr");
        assert_eq!(given.map(|given| given.text).as_deref(), expected);
    }

    #[test]
    fn a_flag_goes_before_its_variable_and_both_before_the_file() {
        let set = Env::from([(env::ADDR, "a")]);
        let said = "[serve]\naddr = 'c'";
        check(None, &Env::default(), "", None);
        check(None, &set, "", Some("a"));
        check(None, &Env::from([(env::ADDR, "")]), "", None);
        check(Some("b"), &set, "", Some("b"));
        check(Some(""), &set, said, Some(""));
        check(None, &set, said, Some("a"));
        check(None, &Env::from([(env::ADDR, "")]), said, Some("c"));
        check(Some("b"), &Env::default(), said, Some("b"));
    }

    /// A variable is another command's, or of another meaning there.
    #[test]
    fn a_variable_counts_for_the_commands_that_heed_it() {
        let env = Env::from([(env::ADDR, "a")]);
        assert!(Sources::new("connect", &env, []).one(None, "--addr").is_none());
    }

    #[test]
    fn switches() {
        let switch = |typed, env: &Env, text: &str| {
            let file = file(text);
            let from = Sources::new("serve", env, [&file.serve]);
            from.switch(typed, "--https-redir").map_err(|failure| failure.sentence)
        };
        let (none, on) = (Env::default(), Env::from([(env::HTTPS_REDIR, "1")]));
        assert_eq!(switch(None, &none, ""), Ok(false));
        assert_eq!(switch(None, &none, "[serve]\nhttps_redir = true"), Ok(true));
        assert_eq!(switch(None, &on, "[serve]\nhttps_redir = false"), Ok(true));
        assert_eq!(switch(Some(false), &on, "[serve]\nhttps_redir = true"), Ok(false));
    }

    #[test]
    fn who_said_it_is_named() {
        let wrong = |typed: Option<&str>, env: &Env, text: &str| {
            let file = file(text);
            let from = Sources::new("serve", env, [&file.serve]);
            let given = from.one(typed.map(ToOwned::to_owned), "--addr").unwrap();
            given.wrong("no").sentence
        };
        let set = Env::from([(env::ADDR, "a")]);
        assert_eq!(wrong(Some("b"), &set, ""), "wrong `--addr`: no");
        assert_eq!(wrong(None, &set, ""), "wrong environment variable `SENDIT_ADDR`: no");
        let sentence = "wrong `addr` in `dir/sendit.toml`, line 3: no";
        assert_eq!(wrong(None, &Env::default(), "\n[serve]\naddr = 'c'"), sentence);
    }

    /// What each place says of a token and of its file.
    type Said = [Option<u8>; 2];

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_first_place_that_says_something_is_heard_alone(places in any::<[Said; 4]>()) {
            let text = |said: Option<u8>| said.map(|said| format!("v{said}"));
            let [flags, variables, tunnel, top] = places.map(|[one, other]| [text(one), text(other)]);
            let line = |key: &str, said: &Option<String>| {
                said.as_ref().map_or_else(String::new, |said| format!("{key} = '{said}'\n"))
            };
            let table = |[one, other]: &[Option<String>; 2]| line("token", one) + &line("token_file", other);
            let file = file(&format!("{}[tunnels.web]\n{}", table(&top), table(&tunnel)));
            let [one, other] = variables.each_ref().map(|said| said.clone().unwrap_or_default());
            let env = Env::from([(env::TOKEN, &*one), (env::TOKEN_FILE, &*other)]);
            let from = Sources::new("connect", &env, [file.tunnel("web").map_err(|_| "web").unwrap(), &file.top]);
            let typed = |said: &Option<String>| said.clone().into_iter().collect::<Vec<_>>();
            let seen = from.all([("--token", typed(&flags[0])), ("--token-file", typed(&flags[1]))]);
            let seen: Vec<_> = seen.into_iter().map(|(flag, given)| (flag, given.text)).collect();
            let heard = [flags, variables, tunnel, top].into_iter().find(|said| said.iter().any(Option::is_some));
            let [one, other] = heard.unwrap_or_default();
            let expected = one.map(|one| ("--token", one)).into_iter().chain(other.map(|other| ("--token-file", other)));
            prop_assert_eq!(seen, expected.collect::<Vec<_>>());
        }
    }
}
