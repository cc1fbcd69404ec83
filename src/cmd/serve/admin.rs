//! The flags of `sendit serve` that are for whoever runs it: where it tells of itself, and to whom.

use std::future::pending;
use std::net::SocketAddr;

use anyhow::Context as _;
use tokio::net::TcpListener;

use super::systemd;
use crate::cmd::exit::Failure;
use crate::cmd::listen::{Address, Resolved};
use crate::cmd::secret;
use crate::cmd::sources::Sources;
use crate::server::Server;
use crate::server::admin::{self, Token};

/// Where the server tells of itself, and what has to be shown there.
pub(super) struct Admin {
    /// None where it tells nobody, unless a socket is handed over.
    address: Option<Address>,
    token: Option<Token>,
}

/// The same, listened on.
pub(super) struct Listening {
    listener: TcpListener,
    addr: SocketAddr,
    token: Option<Token>,
}

impl Admin {
    /// What flags, environment and file say.
    pub(super) fn settle(addr: Option<String>, token: Option<String>, from: &Sources<'_>) -> Result<Self, Failure> {
        let address = from.read(addr, "--admin", Address::parse)?;
        let token = from.one(token, "--admin-token-file");
        if address.is_none() && !systemd::hands_admin(from.env()) {
            // The variable is what `sendit sessions` reads too.
            return match token.filter(|given| !given.is_variable()) {
                Some(slip) => Err(slip.useless_without("--admin")),
                None => Ok(Self { address, token: None }),
            };
        }
        let token = token.map(|given| secret::admin_token(&given.path()?)).transpose()?;
        Ok(Self { address, token })
    }

    /// Listens there.
    pub(super) async fn listen(self, handed: Option<Resolved>) -> Result<Option<Listening>, Failure> {
        let Some((resolved, token)) = self.resolve(handed).await? else { return Ok(None) };
        let listener = resolved.bind("--admin")?;
        let addr = listener.local_addr().context("no address to tell")?;
        Ok(Some(Listening { listener, addr, token }))
    }

    /// What the address stands for, and what has to be shown there. What other machines can reach tells nothing without a
    /// token.
    pub(super) async fn resolve(self, handed: Option<Resolved>) -> Result<Option<(Resolved, Option<Token>)>, Failure> {
        let Self { address, token } = self;
        let resolved = match (handed, address) {
            (Some(handed), _) => handed,
            (None, Some(address)) => address.resolve().await?,
            (None, None) => return Ok(None),
        };
        if token.is_none() && !resolved.is_loopback() {
            return Err(Failure::usage(format!(
                "`{}` can be reached from other machines, and there is no admin token: give `--admin-token-file`, or have \
                 `--admin` on `127.0.0.1`",
                resolved.text()
            )));
        }
        Ok(Some((resolved, token)))
    }
}

impl Listening {
    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

/// Answers there for as long as this runs; without end where there is nothing that listens.
pub(super) async fn serve(listening: Option<Listening>, server: Server) {
    match listening {
        Some(Listening { listener, token, .. }) => admin::serve(listener, server, token).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::config::tests::parse;
    use crate::cmd::env::{self, Env};

    #[track_caller]
    fn check(typed: [Option<&str>; 2], env: &Env, file: &str, expected: Result<Option<&str>, &str>) {
        let file = parse(file).map_err(|failure| failure.sentence).unwrap();
        let [addr, token] = typed.map(|text| text.map(ToOwned::to_owned));
        let seen = Admin::settle(addr, token, &Sources::new("serve", env, [&file.serve]));
        let expected = expected.map(|text| text.map(|text| Address::parse(text).unwrap()));
        assert_eq!(
            seen.map(|admin| admin.address).map_err(|failure| failure.sentence),
            expected.map_err(ToOwned::to_owned)
        );
    }

    #[test]
    fn flag_variable_and_file_say_where_and_to_whom() {
        let (none, set) = (Env::default(), Env::from([(env::ADMIN, "127.0.0.1:1")]));
        let said = "[serve]\nadmin = '127.0.0.1:2'\n";
        check([None, None], &none, "", Ok(None));
        check([None, None], &none, said, Ok(Some("127.0.0.1:2")));
        check([None, None], &set, said, Ok(Some("127.0.0.1:1")));
        check([Some("127.0.0.1:3"), None], &set, said, Ok(Some("127.0.0.1:3")));
        let sentence = "wrong `admin` in `dir/sendit.toml`, line 2: `x` is no address to listen on; write it like \
                        `127.0.0.1:5050`";
        check([None, None], &none, "[serve]\nadmin = 'x'", Err(sentence));
        let sentence = "cannot read the admin token file `dir/token`: there is no such file or directory";
        check([None, None], &none, &format!("{said}admin_token_file = 'token'"), Err(sentence));
    }

    #[test]
    fn a_token_alone_is_a_slip_where_a_flag_or_the_file_names_it() {
        let sentence = "`--admin-token-file` is of no use without `--admin`";
        check([None, Some("token")], &Env::default(), "", Err(sentence));
        let said = "[serve]\nadmin_token_file = 'token'";
        let sentence = "`admin_token_file` in `dir/sendit.toml`, line 2, is of no use without `admin`";
        check([None, None], &Env::default(), said, Err(sentence));
        // What `sendit sessions` reads too.
        check([None, None], &Env::from([(env::ADMIN_TOKEN_FILE, "token")]), "", Ok(None));
    }
}
