//! Patterns of prefixes, such as `team-*`. Knows nothing of the tokens that carry them.

use std::fmt;
use std::str::FromStr;

use crate::wire::Prefix;

/// A pattern of prefixes: `*` stands for any characters or none, `?` for any one, and the characters that a prefix may
/// have for themselves.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Glob(String);

/// Why a text is no [`Glob`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pattern of prefixes is 1 to 64 of `a-z`, `0-9`, `-`, `*` and `?`")]
pub struct InvalidGlob;

impl FromStr for Glob {
    type Err = InvalidGlob;

    fn from_str(text: &str) -> Result<Self, InvalidGlob> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'*' | b'?');
        // No prefix is longer, so no pattern has to be.
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidGlob)
        }
    }
}

impl Glob {
    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the whole of `prefix` is as the pattern says.
    #[must_use]
    pub fn matches(&self, prefix: &Prefix) -> bool {
        matches(self.0.as_bytes(), prefix.as_str().as_bytes())
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Goes through `text` once, and back only to where the last star began: what an earlier star took can stay as it is,
/// for the last one can take all that is left. So no pattern takes more than `pattern × text` steps.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut star = None;
    while let Some(byte) = text.get(seen) {
        match pattern.get(at) {
            Some(b'*') => {
                at += 1;
                star = Some((at, seen));
            }
            Some(expected) if *expected == b'?' || expected == byte => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((after, from)) = star else { return false };
                star = Some((after, from + 1));
                (at, seen) = (after, from + 1);
            }
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(glob: &str, prefix: &str, expected: Result<bool, InvalidGlob>) {
        let prefix = prefix.parse().unwrap();
        assert_eq!(glob.parse().map(|glob: Glob| glob.matches(&prefix)), expected, "{glob:?} on {prefix}");
    }

    #[test]
    fn globs() {
        check("foo", "foo", Ok(true));
        check("foo", "food", Ok(false));
        check("foo", "a-foo", Ok(false));
        check("*", "foo", Ok(true));
        check("team-*", "team-blue", Ok(true));
        check("team-*", "team-", Ok(true));
        check("team-*", "team", Ok(false));
        check("team-?", "team-1", Ok(true));
        check("team-?", "team-", Ok(false));
        check("*-eu", "a-eu-eu", Ok(true));
        check("a*b*c", "a-b-b-c", Ok(true));
        check("a*b*c", "a-c-b", Ok(false));
        check("", "foo", Err(InvalidGlob));
        check("Team-*", "foo", Err(InvalidGlob));
        check("[ab]*", "foo", Err(InvalidGlob));
        check("a.*", "foo", Err(InvalidGlob));
        check("föö", "foo", Err(InvalidGlob));
        check(&"a".repeat(64), &"a".repeat(64), Ok(true));
        check(&"*".repeat(65), "foo", Err(InvalidGlob));
        // Minutes, where every star tries again.
        check(&"*a".repeat(31), &"-".repeat(64), Ok(false));
        check(&format!("{}b", "*a".repeat(31)), &"a".repeat(64), Ok(false));
    }

    /// The definition, word for word.
    fn model(pattern: &[u8], text: &[u8]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len()).any(|taken| model(rest, &text[taken..])),
            Some((b'?', rest)) => !text.is_empty() && model(rest, &text[1..]),
            Some((byte, rest)) => text.first() == Some(byte) && model(rest, &text[1..]),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 4096, ..ProptestConfig::default() })]

        #[test]
        fn matches_as_the_model_does(pattern in "[ab*?]{1,8}", text in "[ab]{3,8}") {
            let glob: Glob = pattern.parse().unwrap();
            let expected = model(pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(glob.matches(&text.parse().unwrap()), expected);
        }
    }
}
