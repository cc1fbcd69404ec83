//! The words that flags take, for completions. The flags themselves are read elsewhere; a test holds the two together.

/// What a flag takes.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// The flag.
    pub flag: &'static str,
    /// Its words, in the order to name them.
    pub words: &'static [&'static str],
}

/// The flags with words of their own. `--host-header` takes hosts as well, the others nothing else.
pub const TABLE: &[Choice] = &[
    Choice { flag: "--wire", words: &["auto", "v1", "v2"] },
    Choice { flag: "--host-header", words: &["keep", "target"] },
    Choice { flag: "--access-log", words: &["path", "query", "off"] },
    Choice { flag: "--log", words: &["error", "warn", "info", "debug", "trace"] },
    Choice { flag: "--log-format", words: &["text", "json"] },
];

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;
    use crate::client::HostHeader;
    use crate::cmd::env::Env;
    use crate::cmd::sources::Sources;
    use crate::cmd::{connect, log, serve};

    /// Whether the flag takes the word, or else what is said.
    fn taken(flag: &str, word: &str) -> Result<(), String> {
        let none = Env::default();
        let from = Sources::new("serve", &none, []);
        // Before the cause stands whose it is.
        let said = |failure: crate::cmd::exit::Failure| {
            failure.sentence.split_once(": ").map(|(_, cause)| cause.to_owned()).unwrap_or_default()
        };
        match flag {
            "--wire" => connect::wire(word).map(drop),
            "--host-header" => {
                let header = word.parse::<HostHeader>().map_err(|error| error.to_string());
                header.and_then(
                    |header| if matches!(header, HostHeader::Fixed(_)) { Err(word.to_owned()) } else { Ok(()) },
                )
            }
            "--access-log" => serve::access_log(word).map(drop),
            "--log" => log::level(Some(word.to_owned()), &from, Level::WARN).map(drop).map_err(said),
            "--log-format" => log::format(Some(word.to_owned()), &from).map(drop).map_err(said),
            _ => Err(format!("nobody knows {flag}")),
        }
    }

    #[test]
    fn each_word_is_taken_and_another_one_is_answered_by_all_of_them() {
        for Choice { flag, words } in TABLE {
            for word in *words {
                assert_eq!(taken(flag, word), Ok(()), "{flag} {word}");
            }
            let answer = taken(flag, "?").unwrap_err();
            let named: Vec<&str> = answer.split('`').skip(3).step_by(2).collect();
            assert!(*flag == "--host-header" || named == *words, "{flag}: {answer}");
        }
    }
}
