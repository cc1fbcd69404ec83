//! Which tokens are good no more though their time is not over, and by what a token is told from others. Knows no file.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use super::Claims;

/// By what an accepted token is told from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// The SHA-256 of its text.
    pub digest: [u8; 32],
    /// Its `jti`.
    pub id: Option<String>,
    /// Its `sub`, where that is not empty.
    pub subject: Option<String>,
}

impl Bearer {
    /// Who holds `token`, which says `claims`.
    #[must_use]
    pub fn new(token: &str, claims: &Claims) -> Self {
        let subject = claims.subject.clone().filter(|subject| !subject.is_empty());
        Self { digest: Sha256::digest(token).into(), id: claims.id.clone(), subject }
    }
}

/// A list of tokens that are revoked: one in a line, as `jti:ID`, `sub:SUBJECT`, which is every token of that subject,
/// or `sha256:HEX`, which is that of the token's text. Empty lines, and those that begin with `#`, say nothing.
///
/// ```
/// use sendit::auth::{Audience, Bearer, Claims, Revoked};
///
/// let revoked: Revoked = "# left in May\nsub:jo\njti:7\n".parse()?;
/// let claims = Claims { subject: Some("jo".to_owned()), ..Claims::new(Audience::Auth, 0) };
/// assert!(revoked.covers(&Bearer::new("x.y.z", &claims)));
/// # Ok::<(), sendit::auth::InvalidRevoked>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revoked {
    ids: HashSet<String>,
    subjects: HashSet<String>,
    digests: HashSet<[u8; 32]>,
}

/// Why a text is no such list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRevoked {
    /// A file that was cut short says nothing, and must not pass for a list of nothing.
    #[error("it is empty; where nothing is revoked a line with `#` says so")]
    Empty,
    /// The line of this number is none of those that there are.
    #[error("line {0} is none of `jti:ID`, `sub:SUBJECT`, `sha256:HEX` and `# a comment`")]
    Line(usize),
}

impl Revoked {
    /// Whether the token is on the list.
    #[must_use]
    pub fn covers(&self, bearer: &Bearer) -> bool {
        let is_in = |set: &HashSet<String>, name: &Option<String>| name.as_ref().is_some_and(|name| set.contains(name));
        is_in(&self.ids, &bearer.id) || is_in(&self.subjects, &bearer.subject) || self.digests.contains(&bearer.digest)
    }

    /// How many lines name something.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len() + self.subjects.len() + self.digests.len()
    }

    /// Whether none does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it names, as lines of such a list.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let ids = self.ids.iter().map(|id| format!("jti:{id}"));
        let subjects = self.subjects.iter().map(|subject| format!("sub:{subject}"));
        let digests = self.digests.iter().map(|digest| {
            digest.iter().fold("sha256:".to_owned(), |mut line, byte| {
                let _ = write!(line, "{byte:02x}");
                line
            })
        });
        ids.chain(subjects).chain(digests)
    }

    /// The same with these lines. What is no line of a list says nothing: it may be one of a newer version.
    #[must_use]
    pub fn with<'a>(mut self, lines: impl IntoIterator<Item = &'a str>) -> Self {
        for line in lines {
            let _ = self.add(line);
        }
        self
    }

    /// Takes a line in. None where it is no line of a list.
    fn add(&mut self, line: &str) -> Option<()> {
        let (kind, name) = line.split_once(':')?;
        let name = Some(name.trim()).filter(|name| !name.is_empty())?;
        match kind {
            "jti" => drop(self.ids.insert(name.to_owned())),
            "sub" => drop(self.subjects.insert(name.to_owned())),
            "sha256" => drop(self.digests.insert(digest(name)?)),
            _ => return None,
        }
        Some(())
    }
}

impl FromStr for Revoked {
    type Err = InvalidRevoked;

    fn from_str(text: &str) -> Result<Self, InvalidRevoked> {
        let mut revoked = Self::default();
        if text.trim().is_empty() {
            return Err(InvalidRevoked::Empty);
        }
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                revoked.add(line).ok_or(InvalidRevoked::Line(number + 1))?;
            }
        }
        Ok(revoked)
    }
}

/// 32 bytes in hexadecimal, in either case.
fn digest(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if hex.len() != 64 || !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&hex[at..at + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::Audience;
    use super::*;

    #[track_caller]
    fn check(list: &str, covered: &[&str]) {
        let revoked: Revoked = list.parse().unwrap();
        for (token, id, subject) in [("a", Some("1"), Some("jo")), ("b", None, Some("jo")), ("c", Some("jo"), Some(""))]
        {
            let (id, subject) = (id.map(str::to_owned), subject.map(str::to_owned));
            let bearer = Bearer::new(token, &Claims { subject, id, ..Claims::new(Audience::Auth, 0) });
            assert_eq!(revoked.covers(&bearer), covered.contains(&token), "{token} in {list:?}");
        }
    }

    #[test]
    fn each_line_covers_what_it_names() {
        check("#", &[]);
        check("\n\n  # sub:jo\n", &[]);
        check("sub:jo", &["a", "b"]);
        check("jti:1\r\n", &["a"]);
        check("jti: jo ", &["c"]);
        check("sub:1\njti:2\nsub:j\nsub:Jo", &[]);
        // `printf c | sha256sum`
        let digest = "2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6";
        check(&format!("sha256:{digest}"), &["c"]);
        check(&format!("#\nsha256:{}\nsub:jo", digest.to_uppercase()), &["a", "b", "c"]);
    }

    #[test]
    fn lists_are_told_and_joined() {
        let digest = "0123456789abcdef".repeat(4);
        let text = format!("sub:jo\njti:1\nsha256:{digest}");
        let list: Revoked = text.parse().unwrap();
        let lines: Vec<String> = list.lines().collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(Revoked::default().with(lines.iter().map(String::as_str)), list);
        assert_eq!(list.clone().with(["sub:al", "new:1"]), format!("{text}\nsub:al").parse().unwrap());
    }

    #[test]
    fn what_is_no_list() {
        let check = |text: &str, refusal| assert_eq!(text.parse::<Revoked>(), Err(refusal), "{text:?}");
        check("", InvalidRevoked::Empty);
        check(" \n\n", InvalidRevoked::Empty);
        for line in
            ["jo", "sub:", "sub: ", "SUB:jo", "aud:x", "sha256:12", "sha256", &format!("sha256:{}", "é".repeat(32))]
        {
            check(line, InvalidRevoked::Line(1));
            check(&format!("sub:a\n\n{line}\njti:b"), InvalidRevoked::Line(3));
        }
    }
}
