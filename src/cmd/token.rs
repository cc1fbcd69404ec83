//! `sendit token`: from a secret to a token on standard output.

use argh::{ArgsInfo, FromArgs};

use super::env::Env;
use super::exit::Failure;
use super::secret::{Secret, Strength, WEAK};
use super::sources::Sources;
use super::{clock, duration, output, secret};
use crate::auth::{self, Audience, Claims, Glob};

/// Prints a token that lets its holder open tunnels.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "token",
    help_triggers("-h", "--help"),
    example = "For a server that runs with `--secret-file secret`:
  {command_name} --secret-file secret > token",
    example = "For one team, for a month:
  {command_name} --secret-file secret --ttl 30d --prefix 'team-*' --subject team",
    note = "The secret is the server's. Of several the first signs. They are taken from
--secret, then --secret-file; where neither is given, from the environment. One
newline at the end of a file is dropped.",
    note = "
In a GLOB `*` stands for any characters or none, `?` for any one. A server checks
lifetime and prefixes whenever a tunnel is opened or renewed."
)]
pub(crate) struct Token {
    /// secret to sign with; can be repeated, but only the first signs
    #[argh(option, arg_name = "SECRET")]
    secret: Vec<Secret>,

    /// file that holds the secret; can be repeated, likewise
    #[argh(option, arg_name = "FILE")]
    secret_file: Vec<String>,

    /// how long the token is good, such as 30d or 12h (default: for ever)
    #[argh(option, arg_name = "DURATION")]
    ttl: Option<String>,

    /// prefixes that may be opened; can be repeated (default: every prefix)
    #[argh(option, arg_name = "GLOB")]
    prefix: Vec<String>,

    /// name of the holder, for the server's log, its quotas and its list of revoked tokens
    #[argh(option, arg_name = "NAME")]
    subject: Option<String>,

    /// id of the token, by which it can be revoked alone
    #[argh(option, arg_name = "ID")]
    id: Option<String>,
}

/// Prints the token.
pub(crate) fn run(args: Token, env: &Env) -> Result<(), Failure> {
    let (token, strength) = args.mint(env, clock::unix_now())?;
    if strength == Strength::Weak {
        output::warn(WEAK);
    }
    output::answer(token)
}

impl Token {
    fn mint(self, env: &Env, now: u64) -> Result<(String, Strength), Failure> {
        let mut claims = Claims::new(Audience::Auth, now);
        if let Some(text) = &self.ttl {
            let ttl = duration::parse(text).map_err(|error| Failure::usage(format!("wrong `--ttl`: {error}")))?;
            // Dates are whole seconds; a part of one is rounded up, so that no token is born expired.
            let seconds = ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0);
            claims.expiry = Some(now.saturating_add(seconds));
        }
        claims.prefixes = self.prefix.iter().map(|text| glob(text)).collect::<Result<_, _>>()?;
        claims.subject = self.subject;
        claims.id = self.id;
        let secrets = secret::secrets(self.secret, self.secret_file, &Sources::new("token", env, []))?;
        let keys = secret::keys(&secrets).map_err(|empty| Failure::usage(empty.to_string()))?;
        let (keys, strength) = keys.ok_or_else(|| {
            Failure::usage("there is no secret to sign with; give the server's with `--secret-file` or `--secret`")
        })?;
        let token = auth::mint(&keys, &claims);
        // Names and patterns can be so many that no server would read it.
        auth::verify(&keys, Audience::Auth, &token, now)
            .map_err(|refusal| Failure::usage(format!("no server would accept this token: {refusal}")))?;
        Ok((token, strength))
    }
}

fn glob(text: &str) -> Result<Glob, Failure> {
    text.parse().map_err(|error| Failure::usage(format!("wrong `--prefix` `{text}`: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{Key, Keys};
    use crate::cmd::exit::Exit;
    use crate::cmd::{env, parsed};

    const NOW: u64 = 1_800_000_000;

    fn mint(args: &[&str], env: &Env) -> Result<(String, Strength), Failure> {
        parsed::<Token>("token", args).mint(env, NOW)
    }

    #[track_caller]
    fn check(args: &[&str], env: &Env, secret: &str, expected: &Claims) {
        let (token, _) = mint(args, env).map_err(|failure| failure.sentence).unwrap();
        let keys = Keys::new(Key::new(secret.as_bytes()).unwrap(), []);
        assert_eq!(auth::verify(&keys, Audience::Auth, &token, NOW).as_ref(), Ok(expected), "{args:?}");
    }

    #[test]
    fn tokens() {
        let plain = Claims::new(Audience::Auth, NOW);
        let env = Env::from([(env::SECRET, "e")]);
        check(&["-secret", "s"], &env, "s", &plain);
        check(&["-secret=-x"], &env, "-x", &plain);
        check(&["-secret", "s", "-secret", "t"], &env, "s", &plain);
        check(&[], &env, "e", &plain);
        check(&["-ttl=1h"], &env, "e", &Claims { expiry: Some(NOW + 3_600), ..plain.clone() });
        check(&["-ttl=1.5s"], &env, "e", &Claims { expiry: Some(NOW + 2), ..plain.clone() });
        check(&["-subject", "me"], &env, "e", &Claims { subject: Some("me".to_owned()), ..plain.clone() });
        check(&["-id", "7"], &env, "e", &Claims { id: Some("7".to_owned()), ..plain.clone() });
        let prefixes = ["a-*", "bcd"].map(|glob| glob.parse().unwrap()).to_vec();
        check(&["-prefix", "a-*", "--prefix=bcd"], &env, "e", &Claims { prefixes, ..plain });
    }

    #[track_caller]
    fn refused(args: &[&str], sentence: &str) {
        let seen = mint(args, &Env::default()).map(drop);
        assert_eq!(seen, Err(Failure::new(Exit::Usage, sentence)), "{args:?}");
    }

    #[test]
    fn refusals() {
        refused(&[], "there is no secret to sign with; give the server's with `--secret-file` or `--secret`");
        refused(&["-secret="], "the secret is empty; give one of 32 random bytes or more");
        refused(
            &["-secret=s", "-ttl=-1h"],
            "wrong `--ttl`: `-1h` is no use: the length of time must be more than zero",
        );
        refused(
            &["-secret=s", "-prefix=A*"],
            "wrong `--prefix` `A*`: a pattern of prefixes is 1 to 64 of `a-z`, `0-9`, `-`, `*` and `?`",
        );
        let long = "n".repeat(4096);
        let failure = mint(&["-secret=s", "-subject", &long], &Env::default()).map(drop).unwrap_err();
        assert!(failure.sentence.starts_with("no server would accept this token: "), "{failure}");
    }
}
