//! The table of commands: what becomes of each that a document shows.

/// What becomes of a command.
#[derive(Clone, Copy)]
pub(super) enum Does {
    /// It ends with this code and has printed what is shown, no more.
    Ends(i32),
    /// The same, where what it prints is a token.
    Mints,
    /// It ends, and has printed the rows that are shown, of which the figures are the machine's own.
    Measures,
    /// It ends well, and what it prints is of the session's own client.
    Asks,
    /// It goes on as the session's server, client or demo, in the place of the one before, once it has printed what is
    /// shown, or else this.
    Stays(&'static str),
    /// It is stopped as soon as it has printed what is shown, or else this.
    Passes(&'static str),
    /// It is what CI runs, this test included.
    IsCi,
    /// It takes minutes and a quiet machine. The document has its table, a row for each intermediary; that each of them is
    /// passed is what `intermediaries.rs` tests.
    IsTable,
}

use Does::{Asks, Ends, IsCi, IsTable, Measures, Mints, Passes, Stays};

const LISTENING: &str = "Listening: ";
const READY: &str = "Ready; Forwarding ";

/// What a section takes for granted.
pub(super) const BEFORE: [&str; 3] = [
    "openssl rand -hex 32 > secret",
    "sendit serve --secret-file secret --public-url https://example.com",
    "sendit token --secret-file secret > token",
];

/// Every command of every document.
pub(super) const COMMANDS: &[(&str, Does)] = &[
    ("cargo run --release -- demo", Stays("")),
    ("curl -d hello http://127.0.0.1:36131/demo/echo", Ends(0)),
    ("curl http://127.0.0.1:36131/nobody", Ends(0)),
    ("cargo xtask ci", IsCi),
    ("cargo xtask intermediaries --markdown", IsTable),
    ("openssl rand -hex 32 > secret", Ends(0)),
    ("head -c 32 /dev/urandom | base64 > secret", Ends(0)),
    ("sendit serve --secret-file secret --public-url https://example.com", Stays(LISTENING)),
    ("sendit token --secret-file secret --ttl 30d > token", Ends(0)),
    ("sendit connect --token-file token https://example.com/my-app http://localhost:3000", Stays(READY)),
    ("curl 'https://example.com/my-app/hello?from=far'", Ends(0)),
    ("sendit connect --wire v1 --token-file token https://example.com/my-app http://localhost:3000", Stays(READY)),
    ("printf 'jo:%s' \"$(openssl rand -hex 8)\" > password", Ends(0)),
    (
        "sendit connect --basic-auth-file password --token-file token https://example.com/my-app http://localhost:3000",
        Stays(READY),
    ),
    ("curl --user \"$(cat password)\" https://example.com/my-app/", Ends(0)),
    (
        "sendit connect --allow-ip 192.0.2.0/24 --token-file token https://example.com/my-app http://localhost:3000",
        Stays(READY),
    ),
    ("sendit connect --strip-prefix --token-file token https://example.com/my-app http://localhost:3000", Stays(READY)),
    ("curl https://example.com/my-app/hello", Ends(0)),
    (
        "sendit connect --token-file token --allow-ip 192.0.2.0/24 --strip-prefix https://example.com/my-app http://localhost:3000",
        Stays(READY),
    ),
    ("sendit connect --token-file token --strip-prefix https://example.com/my-app h2c://localhost:50051", Stays(READY)),
    ("sendit connect --wire v1 --basic-auth jo:secret https://example.com/my-app http://localhost:3000", Ends(2)),
    ("sendit serve --secret-file secret --trusted-proxy 10.0.0.0/8 --trusted-proxy ::1", Passes(LISTENING)),
    ("sendit connect --server https://example.com --prefix my-app --token-file token 3000", Stays(READY)),
    ("sendit start web api", Passes(READY)),
    ("sendit start --all", Passes(READY)),
    ("sendit start web", Stays(READY)),
    ("sendit run --server https://example.com --prefix my-app --token-file token -- npm run dev", Asks),
    (
        "sendit run --server https://example.com --prefix my-app --token-file token -- sh -c 'echo \"$PUBLIC_URL $BASE_PATH\"; exit 0' 2> said",
        Ends(0),
    ),
    (
        "printf 'server = \"https://example.com\"\\n[tunnels.web]\\ntarget = 3000\\nstrip-prefix = true\\n' > draft.toml",
        Ends(0),
    ),
    (
        "printf 'server = \"https://example.com\"\\ntoken_file = \"token\"\\n[tunnels.web]\\ntarget = 3000\\n' > sendit.toml",
        Ends(0),
    ),
    ("sendit config check --config draft.toml", Ends(2)),
    ("sendit config check --config sendit.toml", Ends(0)),
    ("sendit config check", Asks),
    ("sendit doctor --token-file token --longest 1s https://example.com/my-app", Measures),
    ("sendit doctor --token-file token https://example.com/my-app", Measures),
    ("sendit doctor --token-file token --longest 1s --json https://example.com", Measures),
    ("sendit doctor --token wrong https://example.com", Ends(3)),
    ("sendit doctor http://localhost:3000/my-app", Ends(5)),
    ("sendit doctor http://localhost:4000", Ends(9)),
    ("sendit sessions --admin-token-file admin-token", Asks),
    ("sendit sessions --admin-token-file admin-token end my-app", Asks),
    ("sendit requests --limit 20", Asks),
    ("sendit requests --status 5xx --json", Asks),
    ("sendit replay 7", Asks),
    ("sendit record hooks", Asks),
    ("sendit record --path /my-app/hook --follow hooks", Passes("writing to `hooks`")),
    ("sendit play hooks --to http://localhost:3000", Asks),
    ("sendit play hooks --to http://localhost:3000 --expect 2xx", Asks),
    (
        "sendit connect --token-file token --target-insecure https://example.com/my-app https://localhost:8443",
        Stays(READY),
    ),
    (
        "sendit connect --host-header target --token-file token https://example.com/my-app http://localhost:3000",
        Stays(READY),
    ),
    (
        "sendit connect --host-header localhost --token-file token https://example.com/my-app http://localhost:3000",
        Stays(READY),
    ),
    (
        "sendit connect --log-format json --token-file token https://example.com/my-app http://localhost:3000",
        Stays("\"event\":\"ready\""),
    ),
    (
        "sendit connect --webhook-secret github=SECRET --token-file token https://example.com/my-app http://localhost:3000",
        Stays(READY),
    ),
    (
        "sendit connect --basic-auth jo:secret --token-file token https://example.com/my-app http://localhost:3000",
        Stays(READY),
    ),
    ("sendit connect --token-file token --max-ttl 15s https://example.com/my-app http://localhost:3000", Stays(READY)),
    ("sendit serve --secret-file secret --admin 127.0.0.1:0", Passes(LISTENING)),
    ("mkdir bin", Ends(0)),
    ("sendit install-links bin", Ends(0)),
    ("bin/sendit-token -secret 0123456789abcdef0123456789abcdef", Mints),
    ("sendit serve --addr :5050 --secret-file secret", Passes(LISTENING)),
    ("sendit serve --addr :5050 --tls-cert cert.pem --tls-key key.pem --secret-file secret", Passes(LISTENING)),
    ("sendit serve --secret-file new --secret-file old", Passes(LISTENING)),
    ("sendit serve --secret-file secret --log-format json", Passes(LISTENING)),
    ("sendit token --secret-file secret --subject jo --id laptop-2026 > token", Ends(0)),
    ("printf '# nobody yet\\n' > revoked", Ends(0)),
    ("sendit serve --secret-file secret --revoked-file revoked", Passes(LISTENING)),
    ("sendit serve --secret-file secret --revoked-file revoked --public-url https://example.com", Stays(LISTENING)),
    ("SENDIT_TOKEN=... sendit connect https://example.com/my-app http://localhost:3000", Stays(READY)),
    ("sendit token --secret-file secret > token", Ends(0)),
    ("sendit token --secret-file secret --ttl 30d --prefix 'team-*' --subject team", Mints),
    ("sendit demo", Passes("/demo\n")),
    ("sendit demo --prefix my-app http://localhost:3000", Passes("/my-app/\n")),
    ("sendit serve --secret-file secret --http-prefix tunnels", Passes(LISTENING)),
    ("sendit serve --secret-file secret --domain tunnel.example.com", Passes(LISTENING)),
    ("sendit serve --secret-file secret --grace 10m", Passes(LISTENING)),
    ("sendit serve --secret-file secret --target-timeout 5m", Passes(LISTENING)),
    ("sendit serve --secret-file secret --max-sessions 50 --max-sessions-per-token 2", Passes(LISTENING)),
    ("curl --fail https://example.com/", Ends(0)),
    ("sendit connect --token wrong https://example.com/my-app http://localhost:3000", Ends(3)),
    ("sendit connect https://example.com/my-app http://localhost:3000", Ends(3)),
    ("sendit token --secret-file secret --prefix 'team-*' > token", Ends(0)),
    ("sendit connect --token-file token https://example.com/other http://localhost:3000", Ends(4)),
    ("sendit connect --token-file token http://localhost:3000/my-app http://localhost:3000", Ends(5)),
    ("sendit connect https://example.com http://localhost:3000", Ends(2)),
    ("sendit connect example.com/my-app http://localhost:3000", Ends(2)),
    ("sendit connect https://example.com/my-app http://localhost:3000/app", Ends(2)),
    ("sendit connect https://example.com/My-App http://localhost:3000", Ends(2)),
    ("sendit connect --token-file token http://localhost:4000/my-app http://localhost:3000", Passes("")),
    ("sendit token --secret-file secret --subject other > other", Ends(0)),
    ("sendit --token-file other https://example.com/my-app http://localhost:3000", Passes("")),
    ("sendit connect --wire v3 https://example.com/my-app http://localhost:3000", Ends(2)),
    ("sendit connect --token-file token https://example.com/my-app http://localhost:4000", Stays(READY)),
    ("curl https://example.com/my-app/", Ends(0)),
    ("sendit serve --addr :5050", Ends(2)),
    ("sendit serve --secret-file nowhere", Ends(7)),
    ("sendit serve --addr 127.0.0.1:5050 --secret-file secret", Ends(6)),
    ("sendit token", Ends(2)),
    ("sendit install-links ~/.local/bin", Passes("/.local/bin/sendit-token` is a link to ")),
];
