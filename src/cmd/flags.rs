//! Makes one spelling of all that Go and GNU tools take: `-flag v`, `--flag v`, `-flag=v`, `--flag=v`, Go's booleans
//! (`-switch=false`), `--` as the end of flags, and flags after arguments. A pure function from what was typed to
//! what argh reads; knows which flags there are from argh's description of the command, and not what they mean.

use argh::{CommandInfoWithArgs, FlagInfo, FlagInfoKind, Optionality};

use super::exit::Failure;

/// Respells `args` for the command that `info` describes: first the flags, then `--`, then the arguments. A call for
/// help anywhere becomes `--help` alone. Where a flag that has one value is repeated, the last one counts, as in Go.
///
/// A switch may have a hidden twin of the same name with `no-` before it; `-switch=false` becomes the twin, so that
/// the command can tell "off" from "not said".
pub(crate) fn normalise(name: &str, info: &CommandInfoWithArgs, args: &[String]) -> Result<Vec<String>, Failure> {
    let mut typed = Typed { name, info, settings: Vec::new(), arguments: Vec::new() };
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if arg == "--" {
            typed.arguments.extend(rest.by_ref().cloned());
        } else if let Some(spelled) = after_dashes(arg) {
            if matches!(spelled, "h" | "help") {
                return Ok(vec!["--help".to_owned()]);
            }
            typed.set(spelled, || rest.next().cloned())?;
        } else {
            typed.arguments.push(arg.clone());
        }
    }
    typed.count_arguments()?;
    typed.look_for_flags()?;
    Ok(typed.respelled())
}

/// What stands after one dash or two. A dash alone is an argument, as everywhere.
fn after_dashes(arg: &str) -> Option<&str> {
    let spelled = arg.strip_prefix("--").or_else(|| arg.strip_prefix('-'))?;
    (!spelled.is_empty()).then_some(spelled)
}

struct Typed<'a> {
    name: &'a str,
    info: &'a CommandInfoWithArgs,
    settings: Vec<(&'a FlagInfo<'static>, Option<String>)>,
    arguments: Vec<String>,
}

impl<'a> Typed<'a> {
    fn set(&mut self, spelled: &str, next: impl FnOnce() -> Option<String>) -> Result<(), Failure> {
        let (flag, value) = spelled.split_once('=').map_or((spelled, None), |(flag, value)| (flag, Some(value)));
        let info = self.find(flag).ok_or_else(|| self.wrong(&format!("unknown flag `--{flag}`")))?;
        if matches!(info.kind, FlagInfoKind::Switch) {
            let on = value.map_or(Some(true), go_bool);
            let on = on.ok_or_else(|| self.wrong(&format!("`--{flag}` is either `true` or `false`")))?;
            self.switch(info, on);
        } else {
            let value = value.map(ToOwned::to_owned).or_else(next);
            let value = value.ok_or_else(|| self.wrong(&format!("`--{flag}` needs a value")))?;
            if info.optionality != Optionality::Repeating {
                self.forget(info);
            }
            self.settings.push((info, Some(value)));
        }
        Ok(())
    }

    fn switch(&mut self, info: &'a FlagInfo<'static>, on: bool) {
        let twin = self.find(&format!("no-{}", bare(info)));
        self.forget(info);
        if let Some(twin) = twin {
            self.forget(twin);
        }
        if let Some(said) = if on { Some(info) } else { twin } {
            self.settings.push((said, None));
        }
    }

    fn find(&self, flag: &str) -> Option<&'a FlagInfo<'static>> {
        self.info.flags.iter().find(|info| bare(info) == flag)
    }

    fn forget(&mut self, info: &FlagInfo<'_>) {
        self.settings.retain(|(set, _)| set.long != info.long);
    }

    fn count_arguments(&self) -> Result<(), Failure> {
        let positionals = self.info.positionals;
        let takes_more = positionals.last().is_some_and(|last| last.optionality == Optionality::Repeating);
        if let Some(surplus) = self.arguments.get(positionals.len()).filter(|_| !takes_more) {
            return Err(self.wrong(&format!("unexpected argument `{surplus}`")));
        }
        let missing = positionals.iter().skip(self.arguments.len()).find(|p| p.optionality == Optionality::Required);
        missing.map_or(Ok(()), |missing| Err(self.wrong(&format!("the argument `{}` is missing", missing.name))))
    }

    fn look_for_flags(&self) -> Result<(), Failure> {
        let is_set = |flag: &FlagInfo<'_>| self.settings.iter().any(|(set, _)| set.long == flag.long);
        let mut required = self.info.flags.iter().filter(|flag| flag.optionality == Optionality::Required);
        let missing = required.find(|flag| !is_set(flag));
        missing.map_or(Ok(()), |missing| Err(self.wrong(&format!("`{}` is missing", missing.long))))
    }

    fn wrong(&self, what: &str) -> Failure {
        Failure::usage(format!("{what}; see `{} --help`", self.name))
    }

    fn respelled(self) -> Vec<String> {
        let flags = self.settings.into_iter().flat_map(|(info, value)| [Some(info.long.to_owned()), value]).flatten();
        flags.chain(["--".to_owned()]).chain(self.arguments).collect()
    }
}

/// A flag's name without dashes.
fn bare<'a>(info: &FlagInfo<'a>) -> &'a str {
    info.long.trim_start_matches('-')
}

/// What Go's `strconv.ParseBool` reads.
pub(crate) fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use argh::{ArgsInfo as _, FromArgs};
    use proptest::prelude::*;

    use super::*;

    /// A command with every kind of flag.
    #[derive(FromArgs, argh::ArgsInfo, PartialEq, Debug)]
    struct Sample {
        /// one value
        #[argh(option)]
        value: Option<String>,
        /// many values
        #[argh(option)]
        each: Vec<String>,
        /// on
        #[argh(switch)]
        switch: bool,
        /// off
        #[argh(switch, hidden_help)]
        no_switch: bool,
        /// on, or not said
        #[argh(switch)]
        plain: bool,
        #[argh(positional)]
        first: String,
        #[argh(positional)]
        second: Option<String>,
    }

    fn strings(args: &[&str]) -> Vec<String> {
        args.iter().map(|&arg| arg.to_owned()).collect()
    }

    fn parse(args: &[String]) -> Result<Sample, String> {
        let args = normalise("sample", &Sample::get_args_info(), args).map_err(|failure| failure.sentence)?;
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        Sample::from_args(&["sample"], &args).map_err(|exit| exit.output)
    }

    #[track_caller]
    fn check(args: &[&str], expected: Result<&[&str], &str>) {
        let seen = normalise("sample", &Sample::get_args_info(), &strings(args));
        assert_eq!(seen.map_err(|failure| failure.sentence), expected.map(strings).map_err(ToOwned::to_owned));
    }

    #[test]
    fn spellings() {
        check(&["-value", "v", "a"], Ok(&["--value", "v", "--", "a"]));
        check(&["-value=v", "a"], Ok(&["--value", "v", "--", "a"]));
        check(&["a", "--value=v"], Ok(&["--value", "v", "--", "a"]));
        check(&["--value=", "a"], Ok(&["--value", "", "--", "a"]));
        check(&["--value=a=b", "a"], Ok(&["--value", "a=b", "--", "a"]));
        check(&["--value=-x", "a"], Ok(&["--value", "-x", "--", "a"]));
        check(&["-value", "-x", "a"], Ok(&["--value", "-x", "--", "a"]));
        check(&["-value", "--", "a"], Ok(&["--value", "--", "--", "a"]));
        check(&["-value", "--help", "a"], Ok(&["--value", "--help", "--", "a"]));
        check(&["--", "-value", "--"], Ok(&["--", "-value", "--"]));
        check(&["-", "help"], Ok(&["--", "-", "help"]));
        check(&["-value", "1", "--value=2", "a"], Ok(&["--value", "2", "--", "a"]));
        check(&["-each", "1", "--each=2", "a"], Ok(&["--each", "1", "--each", "2", "--", "a"]));
    }

    #[test]
    fn switches() {
        check(&["-switch", "a"], Ok(&["--switch", "--", "a"]));
        for on in ["1", "t", "T", "true", "TRUE", "True"] {
            check(&[&format!("-switch={on}"), "a"], Ok(&["--switch", "--", "a"]));
        }
        for off in ["0", "f", "F", "false", "FALSE", "False"] {
            check(&[&format!("--switch={off}"), "a"], Ok(&["--no-switch", "--", "a"]));
            check(&[&format!("--plain={off}"), "a"], Ok(&["--", "a"]));
        }
        check(&["-switch", "-switch=false", "a"], Ok(&["--no-switch", "--", "a"]));
        check(&["-switch=false", "-switch", "a"], Ok(&["--switch", "--", "a"]));
        check(&["-plain", "-plain=0", "a"], Ok(&["--", "a"]));
        check(&["-switch=maybe", "a"], Err("`--switch` is either `true` or `false`; see `sample --help`"));
    }

    #[test]
    fn calls_for_help() {
        for help in ["-h", "--h", "-help", "--help"] {
            check(&[help], Ok(&["--help"]));
            check(&["a", help, "b", "c", "d"], Ok(&["--help"]));
        }
    }

    #[test]
    fn refusals() {
        check(&["a", "-frob"], Err("unknown flag `--frob`; see `sample --help`"));
        check(&["a", "-scret=hush"], Err("unknown flag `--scret`; see `sample --help`"));
        check(&["a", "---value", "b"], Err("unknown flag `---value`; see `sample --help`"));
        check(&["a", "-=b"], Err("unknown flag `--`; see `sample --help`"));
        check(&["a", "--value"], Err("`--value` needs a value; see `sample --help`"));
        check(&[], Err("the argument `first` is missing; see `sample --help`"));
        check(&["a", "b", "c"], Err("unexpected argument `c`; see `sample --help`"));
    }

    /// One thing that a person wants to say, in each of its spellings.
    fn said() -> impl Strategy<Value = Vec<Vec<String>>> {
        let value = prop_oneof!["-?-?[a-z=]{0,6}", Just("--help".to_owned()), Just("--".to_owned())];
        let option = (prop_oneof![Just("value"), Just("each")], value).prop_map(|(flag, value)| {
            let joined = ["-", "--"].map(|dash| vec![format!("{dash}{flag}={value}")]);
            let apart = ["-", "--"].map(|dash| vec![format!("{dash}{flag}"), value.clone()]);
            joined.into_iter().chain(apart).collect::<Vec<_>>()
        });
        let switch = prop_oneof![Just("switch"), Just("plain")].prop_map(|flag| {
            let bare = ["-", "--"].map(|dash| vec![format!("{dash}{flag}")]);
            let said = ["1", "t", "true", "TRUE"].map(|on| vec![format!("-{flag}={on}")]);
            bare.into_iter().chain(said).collect()
        });
        let off = Just(["0", "f", "False"].map(|off| vec![format!("--switch={off}")]).to_vec());
        prop_oneof![option, switch, off]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_spelling_yields_the_same_parse(
            sayings in prop::collection::vec((said(), any::<prop::sample::Index>(), any::<bool>()), 0..6),
            first in "[a-z]{1,5}",
        ) {
            let plain: Vec<String> = sayings.iter().flat_map(|(spellings, ..)| spellings[0].clone()).collect();
            let other = sayings.iter().map(|(spellings, index, _)| index.get(spellings).clone());
            let mut early: Vec<String> = Vec::new();
            let mut late = vec![first.clone()];
            let turn = sayings.iter().position(|(.., late)| *late).unwrap_or(sayings.len());
            for (at, spelling) in other.enumerate() {
                if at < turn { early.extend(spelling) } else { late.extend(spelling) }
            }
            let plain = [plain, vec!["--".to_owned(), first]].concat();
            let expected = parse(&plain);
            prop_assert!(expected.is_ok(), "{expected:?}");
            prop_assert_eq!(parse(&[early, late].concat()), expected);
        }

        #[test]
        fn nothing_typed_reaches_argh_that_it_cannot_read(args in prop::collection::vec("-{0,3}[a-z=]{0,8}", 0..6)) {
            if let Ok(normal) = normalise("sample", &Sample::get_args_info(), &args) {
                let help = normal == ["--help"];
                let normal: Vec<&str> = normal.iter().map(String::as_str).collect();
                let parsed = Sample::from_args(&["sample"], &normal);
                prop_assert!(help || parsed.is_ok(), "{parsed:?}");
            }
        }
    }
}
