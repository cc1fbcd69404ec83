//! What must stay secret on its way in: secrets and tokens, as texts or in files. Knows what a file
//! may hold, not what a secret is for.

mod webhooks;

use std::convert::Infallible;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::str::FromStr;

use super::exit::{Failure, reason};
use super::sources::{Given, Sources};
use crate::auth::{EmptySecret, Key, Keys};
use crate::client::Token;
use crate::cluster;
use crate::server::admin;
use crate::wire::Credentials;

pub(crate) use webhooks::webhooks;

/// A secret or a token as it was typed. It has no `Debug`, so that it cannot reach a log.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

/// The flags of secrets, and of what else is given as a text or in a file.
const SECRET: [&str; 2] = ["--secret", "--secret-file"];
pub(crate) const TOKEN: [&str; 2] = ["--token", "--token-file"];
pub(crate) const BASIC_AUTH: [&str; 2] = ["--basic-auth", "--basic-auth-file"];

/// The secrets in their order: texts, then files. Only the first place that has some of either counts, so that a secret
/// which was taken off the command line is not let in again by a forgotten variable.
pub(crate) fn secrets(flags: Vec<Secret>, files: Vec<String>, from: &Sources<'_>) -> Result<Vec<Vec<u8>>, Failure> {
    let [text, file] = SECRET;
    let given = from.all([(text, flags.into_iter().map(|Secret(text)| text).collect()), (file, files)]);
    let secret = |(flag, given): (&str, Given)| {
        if flag == text {
            return Ok(given.text.into_bytes());
        }
        let path = given.path()?;
        let bytes = read("secret", &path)?;
        let none = "holds no secret; `openssl rand -hex 32` makes one";
        match without_newline(&bytes) {
            [] => Err(Failure::file(format!("the file `{}` {none}", path.display()))),
            secret => Ok(secret.to_vec()),
        }
    };
    given.into_iter().map(secret).collect()
}

/// The keys that the secrets make; none where there are no secrets.
pub(crate) fn keys(secrets: &[Vec<u8>]) -> Result<Option<(Keys, Strength)>, EmptySecret> {
    let mut keys = secrets.iter().map(|secret| Key::new(secret)).collect::<Result<Vec<_>, _>>()?.into_iter();
    let weak = keys.as_slice().iter().any(Key::is_weak);
    let strength = if weak { Strength::Weak } else { Strength::Strong };
    Ok(keys.next().map(|first| (Keys::new(first, keys), strength)))
}

/// Whether each secret is long enough that nobody can find it by trying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strength {
    /// All are.
    Strong,
    /// One is not.
    Weak,
}

/// What is said of a [`Strength::Weak`] secret.
pub(crate) const WEAK: &str = "a secret under 32 bytes can be found by trying; make one with `openssl rand -hex 32`";

/// The token that a client presents.
pub(crate) fn token(flag: Option<Secret>, file: Option<String>, from: &Sources<'_>) -> Result<Option<Token>, Failure> {
    Ok(token_text(flag, file, from)?.map(|text| Token::new(&text)))
}

/// The token as text; at each place the text goes before the file.
pub(crate) fn token_text(
    flag: Option<Secret>,
    file: Option<String>,
    from: &Sources<'_>,
) -> Result<Option<String>, Failure> {
    let text = match first(TOKEN, flag, file, from) {
        None => return Ok(None),
        Some((flag, given)) if flag == TOKEN[0] => given.text,
        Some((_, given)) => token_in(&given.path()?)?,
    };
    Ok(Some(text).filter(|text| !text.trim().is_empty()))
}

/// The token of whoever runs a server, from its file.
pub(crate) fn admin_token(path: &Path) -> Result<admin::Token, Failure> {
    let bytes = read("admin token", path)?;
    let text = std::str::from_utf8(without_newline(&bytes)).unwrap_or_default();
    let wrong = |cause| Failure::file(format!("the file `{}` holds no admin token: {cause}", path.display()));
    text.parse().map_err(wrong)
}

/// The secret of a cluster, from its file.
pub(crate) fn cluster_secret(path: &Path) -> Result<cluster::Secret, Failure> {
    let bytes = read("cluster secret", path)?;
    cluster::Secret::new(without_newline(&bytes)).map_err(|cause| {
        let at = path.display();
        Failure::file(format!("the file `{at}` holds no cluster secret: {cause}; `openssl rand -hex 32` makes one"))
    })
}

/// What visitors have to know; at each place the text goes before the file. What is there and cannot be meant is refused:
/// nobody is let in by mistake.
pub(crate) fn credentials(
    flag: Option<Secret>,
    file: Option<String>,
    from: &Sources<'_>,
) -> Result<Option<Credentials>, Failure> {
    let Some((flag, given)) = first(BASIC_AUTH, flag, file, from) else { return Ok(None) };
    if flag == BASIC_AUTH[0] {
        return given.read(str::parse).map(Some);
    }
    let path = given.path()?;
    let bytes = read("password", &path)?;
    let text = std::str::from_utf8(without_newline(&bytes)).unwrap_or_default();
    let wrong = |cause| Failure::file(format!("the file `{}` is no password file: {cause}", path.display()));
    text.parse().map(Some).map_err(wrong)
}

/// What is said first, by one flag or the other.
pub(crate) fn first(
    [text, in_file]: [&'static str; 2],
    flag: Option<Secret>,
    file: Option<String>,
    from: &Sources<'_>,
) -> Option<(&'static str, Given)> {
    let flag = flag.map(|Secret(text)| text).into_iter().collect();
    from.all([(text, flag), (in_file, file.into_iter().collect())]).into_iter().next()
}

fn token_in(path: &Path) -> Result<String, Failure> {
    let text = String::from_utf8(read("token", path)?).unwrap_or_default();
    // Three parts with dots between them; what they say only the server judges.
    if text.trim().split('.').count() != 3 {
        return Err(Failure::file(format!("the file `{}` holds no token; `sendit token` makes one", path.display())));
    }
    Ok(text)
}

/// More than any secret or token needs; it keeps a mistaken path, such as a device, from filling the memory.
const MAX_FILE: u64 = 64 * 1024;

/// Reads a file, whole.
pub(crate) fn read(what: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    let (mut bytes, at) = (Vec::new(), path.display());
    File::open(path)
        .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
        .map_err(|cause| Failure::file(format!("cannot read the {what} file `{at}`: {}", reason(&cause))))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(Failure::file(format!("the {what} file `{at}` is larger than 64 KiB; is it the right one?")));
    }
    Ok(bytes)
}

/// Exactly one newline goes: editors and `echo` put it there. Whatever else stands at the end is the person's.
fn without_newline(bytes: &[u8]) -> &[u8] {
    bytes.strip_suffix(b"\r\n").or_else(|| bytes.strip_suffix(b"\n")).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::cmd::env::{self, Env};
    use crate::cmd::exit::Exit;

    /// A folder with a file for each content, named by its number.
    fn folder(contents: &[&[u8]]) -> (tempfile::TempDir, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let paths = contents.iter().enumerate().map(|(number, content)| {
            let path = folder.path().join(number.to_string());
            fs::write(&path, content).unwrap();
            path.to_str().unwrap().to_owned()
        });
        let paths = paths.collect();
        (folder, paths)
    }

    #[track_caller]
    fn check(flags: &[&str], files: &[String], env: &Env, expected: &[&str]) {
        let flags = flags.iter().map(|&flag| Secret(flag.to_owned())).collect();
        let seen = secrets(flags, files.to_vec(), &Sources::new("serve", env, [])).unwrap();
        assert_eq!(seen, expected.iter().map(|secret| secret.as_bytes()).collect::<Vec<_>>());
    }

    #[test]
    fn flags_go_before_files_and_both_before_the_environment() {
        let (_folder, files) = folder(&[b"f", b"g"]);
        let env = Env::from([(env::SECRET, "e"), (env::SECRET_FILE, &files[1])]);
        let none = Env::default();
        check(&[], &[], &none, &[]);
        check(&["a", "b"], &files, &none, &["a", "b", "f", "g"]);
        check(&[], &[], &env, &["e", "g"]);
        check(&[], &[], &Env::from([(env::SECRET_FILE, &*files[1])]), &["g"]);
        check(&[], &[], &Env::from([(env::SECRET, "")]), &[]);
        check(&["a"], &[], &env, &["a"]);
        check(&[""], &[], &env, &[""]);
        check(&[], &files[..1], &env, &["f"]);
    }

    #[test]
    fn one_newline_is_dropped_from_a_file() {
        let (_folder, files) = folder(&[b"s\n", b"s\r\n", b"s\n\n", b"s\r", b" s ", b"s\r\n\n"]);
        check(&[], &files, &Env::default(), &["s", "s", "s\n", "s\r", " s ", "s\r\n"]);
        check(&["s\n"], &[], &Env::default(), &["s\n"]);
    }

    #[track_caller]
    fn refused(what: &Result<(), Failure>, sentence: &str) {
        assert_eq!(*what, Err(Failure::new(Exit::File, sentence)));
    }

    #[test]
    fn files_that_cannot_be_read() {
        let (folder, files) = folder(&[&vec![b'x'; 64 * 1024 + 1], b" \n", b"\xff", b"secret\n", b"\n", b""]);
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let none = Env::default();
        let (server, client) = (Sources::new("serve", &none, []), Sources::new("connect", &none, []));
        let secret = |path: String| secrets(Vec::new(), vec![path], &server).map(drop);
        let token = |path: String| token(None, Some(path), &client).map(drop);
        let gone = path("gone");
        refused(
            &secret(gone.clone()),
            &format!("cannot read the secret file `{gone}`: there is no such file or directory"),
        );
        refused(
            &token(gone.clone()),
            &format!("cannot read the token file `{gone}`: there is no such file or directory"),
        );
        let large = &files[0];
        refused(
            &secret(large.clone()),
            &format!("the secret file `{large}` is larger than 64 KiB; is it the right one?"),
        );
        for path in &files[4..] {
            let sentence = format!("the file `{path}` holds no secret; `openssl rand -hex 32` makes one");
            refused(&secret(path.clone()), &sentence);
        }
        for path in &files[1..] {
            refused(&token(path.clone()), &format!("the file `{path}` holds no token; `sendit token` makes one"));
        }
    }

    #[track_caller]
    fn visitors(flag: Option<&str>, file: Option<&String>, env: &Env, expected: Result<Option<&str>, Failure>) {
        let from = Sources::new("connect", env, []);
        let found = credentials(flag.map(|flag| Secret(flag.to_owned())), file.cloned(), &from);
        let found = found.map(|found| found.map(|found| found.reveal().to_owned()));
        assert_eq!(found, expected.map(|expected| expected.map(ToOwned::to_owned)));
    }

    #[test]
    fn what_visitors_have_to_know() {
        let (_folder, files) = folder(&[b"f:1\n", b"f:2", b"\n", b"f"]);
        let env = Env::from([(env::BASIC_AUTH, "e:1"), (env::BASIC_AUTH_FILE, &files[1])]);
        let none = Env::default();
        visitors(None, None, &none, Ok(None));
        visitors(Some("u:1"), Some(&files[0]), &env, Ok(Some("u:1")));
        visitors(None, Some(&files[0]), &env, Ok(Some("f:1")));
        visitors(None, None, &env, Ok(Some("e:1")));
        visitors(None, None, &Env::from([(env::BASIC_AUTH_FILE, &*files[1])]), Ok(Some("f:2")));
        let rule = "a user and a password are written `USER:PASS`, neither empty, without control characters";
        let usage = |place: &str| Err(Failure::usage(format!("wrong {place}: {rule}")));
        visitors(Some(""), None, &env, usage("`--basic-auth`"));
        visitors(None, None, &Env::from([(env::BASIC_AUTH, "u")]), usage("environment variable `SENDIT_BASIC_AUTH`"));
        for path in &files[2..] {
            let sentence = format!("the file `{path}` is no password file: {rule}");
            visitors(None, Some(path), &none, Err(Failure::file(sentence)));
        }
    }

    #[test]
    fn the_weakest_secret_decides() {
        let strength = |secrets: &[&[u8]]| {
            keys(&secrets.iter().map(|secret| secret.to_vec()).collect::<Vec<_>>()).map(|keys| keys.map(|keys| keys.1))
        };
        assert_eq!(strength(&[]), Ok(None));
        assert_eq!(strength(&[&[1; 32]]), Ok(Some(Strength::Strong)));
        assert_eq!(strength(&[&[1; 32], &[1; 31]]), Ok(Some(Strength::Weak)));
        assert_eq!(strength(&[&[1; 32], b""]), Err(EmptySecret));
    }
}
