//! The flags of a tunnel, which more than one command has: described here once, since argh knows no flags that are shared.

use std::path::PathBuf;

use crate::cmd::secret::Secret;

/// What was typed for a tunnel and the client as a whole.
#[derive(Clone, Default)]
pub(crate) struct Flags {
    pub(crate) server: Option<String>,
    pub(crate) prefix: Option<String>,
    pub(crate) token: Option<Secret>,
    pub(crate) token_file: Option<String>,
    pub(crate) max_ttl: Option<String>,
    pub(crate) wire: Option<String>,
    pub(crate) ca_file: Option<String>,
    pub(crate) client_cert: Option<String>,
    pub(crate) client_key: Option<String>,
    pub(crate) target_insecure: Option<bool>,
    pub(crate) host_header: Option<String>,
    pub(crate) strip_prefix: Option<bool>,
    pub(crate) hold: Option<String>,
    pub(crate) basic_auth: Option<Secret>,
    pub(crate) basic_auth_file: Option<String>,
    pub(crate) allow_ip: Vec<String>,
    pub(crate) inspect: Option<String>,
    pub(crate) webhook_secret: Vec<Secret>,
    pub(crate) quiet: Option<bool>,
    pub(crate) qr: bool,
    pub(crate) url_file: Option<PathBuf>,
    pub(crate) log: Option<String>,
    pub(crate) log_format: Option<String>,
}

/// What a switch and its hidden twin say.
pub(crate) fn said(on: bool, off: bool) -> Option<bool> {
    if off { Some(false) } else { on.then_some(true) }
}

/// Makes the arguments of a command that has the flags of a tunnel, before its own.
macro_rules! with_tunnel_flags {
    ($(#[$about:meta])* struct $name:ident { $($own:tt)* }) => {
        $(#[$about])*
        pub(crate) struct $name {
            /// token that the server asks for, as `sendit token` prints it
            #[argh(option, arg_name = "TOKEN")]
            token: Option<$crate::cmd::secret::Secret>,

            /// file that holds the token
            #[argh(option, arg_name = "FILE")]
            token_file: Option<String>,

            /// configuration file (default: sendit.toml in this folder, else in the user's configuration folder)
            #[argh(option, arg_name = "FILE")]
            config: Option<String>,

            /// URL of the server, where no SOURCE says it
            #[argh(option, arg_name = "URL")]
            server: Option<String>,

            /// prefix of the tunnel, where no SOURCE says it (default: the name of this folder, or of a tunnel in the file)
            #[argh(option, arg_name = "PREFIX")]
            prefix: Option<String>,

            /// longest life of a request to the server before it is renewed, such as 15s or 1m30s; less than what proxies on
            /// the way allow (default: 10s)
            #[argh(option, arg_name = "DURATION")]
            max_ttl: Option<String>,

            /// wire to speak with the server: auto, v1 or v2 (default: auto)
            #[argh(option, arg_name = "WIRE")]
            wire: Option<String>,

            /// authority that vouches for the server, instead of the system's own
            #[argh(option, arg_name = "FILE")]
            ca_file: Option<String>,

            /// certificate to present to a server that asks for one
            #[argh(option, arg_name = "FILE")]
            client_cert: Option<String>,

            /// key of that certificate
            #[argh(option, arg_name = "FILE")]
            client_key: Option<String>,

            /// take any certificate that an https DESTINATION shows
            #[argh(switch)]
            target_insecure: bool,

            /// the opposite of --target-insecure, whatever the file says
            #[argh(switch, hidden_help)]
            no_target_insecure: bool,

            /// host that the service is told: keep for the visitor's word, target for DESTINATION's, or another (default: keep)
            #[argh(option, arg_name = "HOST")]
            host_header: Option<String>,

            /// take the path of SOURCE off before the service sees it, and put it back into redirects and cookies
            #[argh(switch)]
            strip_prefix: bool,

            /// the opposite of --strip-prefix, whatever the file says
            #[argh(switch, hidden_help)]
            no_strip_prefix: bool,

            /// how long visitors wait for a client that is gone, or a service that refuses (default: 10s and 5s)
            #[argh(option, arg_name = "DURATION")]
            hold: Option<String>,

            /// user and password that visitors have to give
            #[argh(option, arg_name = "USER:PASS")]
            basic_auth: Option<$crate::cmd::secret::Secret>,

            /// file that holds user and password
            #[argh(option, arg_name = "FILE")]
            basic_auth_file: Option<String>,

            /// addresses that visitors have to come from, such as 192.0.2.0/24; can be repeated (default: anywhere)
            #[argh(option, arg_name = "CIDR")]
            allow_ip: Vec<String>,

            /// where the page is that shows what passes: an address of this machine, or off (default: 127.0.0.1:4040, or the next
            /// port up to 4059 that is free)
            #[argh(option, arg_name = "ADDR|off")]
            inspect: Option<String>,

            /// secret that a sender of webhooks signs with, such as github=SECRET or github=@FILE: the page then says whether
            /// signatures hold, and replays of those that do are signed afresh; can be repeated
            #[argh(option, arg_name = "PROVIDER=SECRET")]
            webhook_secret: Vec<$crate::cmd::secret::Secret>,

            /// say nothing of exchanges, only how the link is and what fails
            #[argh(switch)]
            quiet: bool,

            /// the opposite of --quiet, whatever the file says
            #[argh(switch, hidden_help)]
            no_quiet: bool,

            /// show the public URL as a QR code as well
            #[argh(switch)]
            qr: bool,

            /// file that holds the public URL for as long as the tunnel is there
            #[argh(option, arg_name = "FILE")]
            url_file: Option<std::path::PathBuf>,

            /// how much is logged: error, warn, info, debug or trace (default: warn)
            #[argh(option, arg_name = "LEVEL")]
            log: Option<String>,

            /// what the log, and all else on standard error, looks like: text for people, or json for scripts, each line an
            /// event (default: text)
            #[argh(option, arg_name = "FORMAT")]
            log_format: Option<String>,

            $($own)*
        }

        impl $name {
            /// The configuration file that is named.
            pub(crate) fn config(&self) -> Option<&str> {
                self.config.as_deref()
            }

            /// The flags of the tunnel, which are taken out.
            fn flags(&mut self) -> $crate::cmd::connect::Flags {
                use $crate::cmd::connect::said;
                $crate::cmd::connect::Flags {
                    server: self.server.take(),
                    prefix: self.prefix.take(),
                    token: self.token.take(),
                    token_file: self.token_file.take(),
                    max_ttl: self.max_ttl.take(),
                    wire: self.wire.take(),
                    ca_file: self.ca_file.take(),
                    client_cert: self.client_cert.take(),
                    client_key: self.client_key.take(),
                    target_insecure: said(self.target_insecure, self.no_target_insecure),
                    host_header: self.host_header.take(),
                    strip_prefix: said(self.strip_prefix, self.no_strip_prefix),
                    hold: self.hold.take(),
                    basic_auth: self.basic_auth.take(),
                    basic_auth_file: self.basic_auth_file.take(),
                    allow_ip: std::mem::take(&mut self.allow_ip),
                    inspect: self.inspect.take(),
                    webhook_secret: std::mem::take(&mut self.webhook_secret),
                    quiet: said(self.quiet, self.no_quiet),
                    qr: self.qr,
                    url_file: self.url_file.take(),
                    log: self.log.take(),
                    log_format: self.log_format.take(),
                }
            }
        }
    };
}

pub(crate) use with_tunnel_flags;
