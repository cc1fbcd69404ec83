//! The flags of `sendit serve`.

use argh::{ArgsInfo, FromArgs};

use crate::cmd::secret::Secret;

/// Runs the public end, to which clients connect and which visitors call.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "serve",
    help_triggers("-h", "--help"),
    example = "A server behind a reverse proxy on the same machine, its secret in a file:
  openssl rand -hex 32 > secret
  {command_name} --secret-file secret --public-url https://example.com",
    example = "On every interface, without TLS:
  {command_name} --addr :5050 --secret-file secret",
    example = "On every interface, with a certificate:
  {command_name} --addr :5050 --tls-cert cert.pem --tls-key key.pem --secret-file secret",
    example = "Changing the secret without a stop: the new one signs, both are accepted:
  {command_name} --secret-file new --secret-file old",
    note = "The first line on standard error is `Listening: ADDRESS`, with the port that
was found where port 0 was asked for. `GET /` answers an empty 200.",
    note = "
Without a secret anybody who reaches the server can open a tunnel. So it then
listens on loopback addresses only, unless --insecure is given.",
    note = "
Each setting is taken from its flag, then the environment, then the table `[serve]` of
sendit.toml. Secrets are all those that the first of these has, as texts, then in files.
One newline at the end of a file is dropped.",
    note = "
A list of revoked tokens has one in a line: `jti:ID`, as `token --id` has set it;
`sub:SUBJECT`, for all tokens of a subject; or `sha256:HEX`, the digest of the token
itself. Lines with a `#` before them are comments. What is added counts after 3 s at
most, for tunnels that stand too. A list that is missing, empty or not understood
changes nothing: the one before stays in force, and a warning says so.",
    note = "
With --tls-cert and --tls-key the server speaks TLS at --addr, HTTP/2 and HTTP/1.1. The
two files are read again when they change, and the new certificate is shown from then on;
one that is of no use changes nothing, and a warning says so.",
    note = "
With --client-ca-file clients have to present a certificate that an authority in it vouches
for, by `connect --client-cert` and --client-key, beside their token. Visitors need none.",
    note = "
With --acme and --acme-cache the server gets its certificate itself, from Let's Encrypt or
another directory, and renews it after two thirds of its life. The directory has to reach it
at port 443 of each DOMAIN. What it refuses is told in the log, and tried again later, or at
SIGHUP.",
    note = "
With --domain tunnel.example.com the tunnel my-app is at my-app.tunnel.example.com too,
a browser origin of its own, where no path stands before the service's. Clients are
told. It takes a name `*.tunnel.example.com` that leads here, and a certificate for it.",
    note = "
A client whose link is lost comes back to its session within --grace, and until
then its visitors wait, for 10 s at most. That takes a client on wire v2; the
session of a client on wire v1 ends with its link.",
    note = "
What X-Forwarded-For and its kin say is believed if it comes from a proxy in
--trusted-proxy, and dropped if it comes from anybody else. Such a proxy has to
set X-Forwarded-For itself, or visitors can choose the address that
`connect --allow-ip` sees, and the log has.",
    note = "
Whatever is beyond a limit is answered with 429 or 503 and `Retry-After`; nobody
else is harmed, and clients try again by themselves. A token that is accepted is
never told to wait for the wrong ones that its address has sent.",
    note = "
At --admin, a listener of its own, `/healthz` says that the server lives, `/readyz` that it
takes visitors, which it does not while it stops, or while --acme has no certificate yet, and
`/metrics` has what it counts, for Prometheus. With --admin-token-file whoever asks for more
than health has to show the token, as `Authorization: Bearer`, and `sendit sessions` lists
sessions and ends them. On an address that other machines can reach the token is a must.",
    note = "
Under systemd it takes the socket that is handed over in the place of --addr, and one named
`admin` in that of --admin; it tells when it listens, stops, and lives. In RUNTIME_DIRECTORY
it leaves the names of its tunnels to the next server, whose visitors wait for their clients.",
    note = "
Each exchange has a line in the log when it is over, refused ones included: address
of the visitor, method and path, status, bytes of visitor and service, milliseconds,
prefix and session, the code of `Sendit-Error`, and `cut` where it did not come to its
end. With --log-format json each line on standard error is an object, from `Listening`
on; what keeps the server from starting is said as text.
Nobody who reads slowly holds the server up: lines are dropped then, and counted.",
    note = "
SIGHUP: files of secrets, sendit.toml's own among them, the list of revoked tokens, the
certificate with its key and the authorities of clients are read again at once, and no
connection is cut; what changes without it counts after 3 s at most. A token that was signed with a secret that is gone opens no session any more; those
that stand go on.",
    note = "
SIGINT or SIGTERM: no new sessions, exchanges in flight have 30 s to end. A
second signal ends at once. Where the socket was handed over nobody is refused: all goes on
until those have ended, and whoever comes then waits for the next server."
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch that a person types")]
pub(crate) struct Serve {
    /// configuration file, whose table `[serve]` is read (default: sendit.toml in this folder, else in the user's
    /// configuration folder)
    #[argh(option, arg_name = "FILE")]
    pub(super) config: Option<String>,

    /// address to listen on, `:PORT` for every interface (default: 127.0.0.1:5050)
    #[argh(option, arg_name = "HOST:PORT")]
    pub(super) addr: Option<String>,

    /// secret that clients' tokens are signed with; can be repeated: the first signs, all verify
    #[argh(option, arg_name = "SECRET")]
    pub(super) secret: Vec<Secret>,

    /// file that holds such a secret; can be repeated
    #[argh(option, arg_name = "FILE")]
    pub(super) secret_file: Vec<String>,

    /// list of tokens that are good no more; read again when it changes, as files of secrets are
    #[argh(option, arg_name = "FILE")]
    pub(super) revoked_file: Option<String>,

    /// certificate to speak TLS with, then those that vouch for it; read again when it changes
    #[argh(option, arg_name = "FILE")]
    pub(super) tls_cert: Option<String>,

    /// key of that certificate
    #[argh(option, arg_name = "FILE")]
    pub(super) tls_key: Option<String>,

    /// authority whose certificates clients have to present; read again when it changes
    #[argh(option, arg_name = "FILE")]
    pub(super) client_ca_file: Option<String>,

    /// domain to get a certificate for by ACME, which means that you accept the directory's terms; can be repeated
    #[argh(option, arg_name = "DOMAIN")]
    pub(super) acme: Vec<String>,

    /// folder that keeps account and certificate, and that nobody else can look into
    #[argh(option, arg_name = "DIR")]
    pub(super) acme_cache: Option<String>,

    /// directory that issues the certificate (default: that of Let's Encrypt)
    #[argh(option, arg_name = "URL")]
    pub(super) acme_directory: Option<String>,

    /// address that the directory may write to
    #[argh(option, arg_name = "EMAIL")]
    pub(super) acme_contact: Option<String>,

    /// authority that vouches for the directory, instead of the system's own
    #[argh(option, arg_name = "FILE")]
    pub(super) acme_ca_file: Option<String>,

    /// address without TLS whose visitors are sent to https
    #[argh(option, arg_name = "HOST:PORT")]
    pub(super) redirect_addr: Option<String>,

    /// the Redis where several servers keep what each has, such as `redis://10.0.0.2:6379` (default: the server is alone)
    #[argh(option, arg_name = "URL")]
    pub(super) cluster: Option<String>,

    /// where the other servers of the cluster reach this one, such as `http://10.0.0.5:5052`
    #[argh(option, arg_name = "URL")]
    pub(super) advertise: Option<String>,

    /// file that holds the secret by which the servers of a cluster know each other
    #[argh(option, arg_name = "FILE")]
    pub(super) cluster_secret_file: Option<String>,

    /// address to listen on for the other servers (default: that of --advertise)
    #[argh(option, arg_name = "HOST:PORT")]
    pub(super) cluster_addr: Option<String>,

    /// where clients reach this server and no other of the cluster (default: they go where they have asked)
    #[argh(option, arg_name = "URL")]
    pub(super) node_url: Option<String>,

    /// domain below which each prefix is a host as well, such as tunnel.example.com for my-app.tunnel.example.com
    #[argh(option, arg_name = "NAME")]
    pub(super) domain: Option<String>,

    /// path below which the server lives, where a reverse proxy gives it only a part of a site
    #[argh(option, arg_name = "PATH")]
    pub(super) http_prefix: Option<String>,

    /// send visitors who came over plain HTTP, as X-Forwarded-Proto says, to https
    #[argh(switch)]
    pub(super) https_redir: bool,

    /// the opposite of --https-redir, whatever the environment says
    #[argh(switch, hidden_help)]
    pub(super) no_https_redir: bool,

    /// address of health, metrics and sessions, for whoever runs the server (default: none)
    #[argh(option, arg_name = "HOST:PORT")]
    pub(super) admin: Option<String>,

    /// file that holds the token which whoever asks for metrics and sessions there has to show
    #[argh(option, arg_name = "FILE")]
    pub(super) admin_token_file: Option<String>,

    /// how many threads sessions are spread over (default: as many as the machine has cores)
    #[argh(option, arg_name = "NUMBER")]
    pub(super) threads: Option<String>,

    /// do without a secret on any address
    #[argh(switch)]
    pub(super) insecure: bool,

    /// the opposite of --insecure, whatever the file says
    #[argh(switch, hidden_help)]
    pub(super) no_insecure: bool,

    /// address that visitors use; redirects then never leave it
    #[argh(option, arg_name = "URL")]
    pub(super) public_url: Option<String>,

    /// how long a prefix is kept for a client that is gone, such as 30s or 5m (default: 60s)
    #[argh(option, arg_name = "DURATION")]
    pub(super) grace: Option<String>,

    /// longest that a client may have its visitors wait for it (default: 60s)
    #[argh(option, arg_name = "DURATION")]
    pub(super) max_hold: Option<String>,

    /// addresses of proxies whose X-Forwarded headers are believed, or none; can be repeated (default: loopback)
    #[argh(option, arg_name = "CIDR")]
    pub(super) trusted_proxy: Vec<String>,

    /// how long the client of a new session may take to bring its first carrier (default: 15s)
    #[argh(option, arg_name = "DURATION")]
    pub(super) ready_within: Option<String>,

    /// how many connections there may be at a time (default: 16384, or what the system's descriptors allow)
    #[argh(option, arg_name = "NUMBER")]
    pub(super) max_connections: Option<String>,

    /// how many of them from one address, unless it is a trusted proxy's (default: 1024)
    #[argh(option, arg_name = "NUMBER")]
    pub(super) max_connections_per_address: Option<String>,

    /// how many sessions there may be at a time (default: 1000)
    #[argh(option, arg_name = "NUMBER")]
    pub(super) max_sessions: Option<String>,

    /// how many of them with one token, or with all tokens of one subject (default: 16)
    #[argh(option, arg_name = "NUMBER")]
    pub(super) max_sessions_per_token: Option<String>,

    /// how many exchanges there may be at a time, visitors that wait included (default: 10000)
    #[argh(option, arg_name = "NUMBER")]
    pub(super) max_exchanges: Option<String>,

    /// how many of them in one session (default: 256)
    #[argh(option, arg_name = "NUMBER")]
    pub(super) max_exchanges_per_session: Option<String>,

    /// how many of them with one token, or with all tokens of one subject (default: 2500)
    #[argh(option, arg_name = "NUMBER")]
    pub(super) max_exchanges_per_token: Option<String>,

    /// how many visitors may wait for one session (default: 64)
    #[argh(option, arg_name = "NUMBER")]
    pub(super) max_held_per_session: Option<String>,

    /// how many wrong tokens an address may send in a minute before it is told to wait (default: 10)
    #[argh(option, arg_name = "NUMBER")]
    pub(super) max_failed_opens: Option<String>,

    /// how many MiB may be kept for all clients together until they acknowledge them (default: 256)
    #[argh(option, arg_name = "NUMBER")]
    pub(super) max_replay: Option<String>,

    /// how long a target may take to answer, such as 30s or 5m (default: as long as it likes)
    #[argh(option, arg_name = "DURATION")]
    pub(super) target_timeout: Option<String>,

    /// how much is logged: error, warn, info, debug or trace (default: info)
    #[argh(option, arg_name = "LEVEL")]
    pub(super) log: Option<String>,

    /// what the log looks like: text for people, or json (default: text)
    #[argh(option, arg_name = "FORMAT")]
    pub(super) log_format: Option<String>,

    /// how each exchange is logged: with its path, with its query too, which may hold secrets, or off (default: path)
    #[argh(option, arg_name = "HOW")]
    pub(super) access_log: Option<String>,
}
