//! The lines for proxies in `dist/proxies`, which `docs/hosting.md` shows: each proxy is started with them, and with a
//! certificate; both ends of a tunnel come by it, streams pass both ways, and visitors bring all that an exchange may be.
#![cfg(unix)]

use trials::intermediaries::SHIPPED;

use crate::certificates::{Authority, GOOD};
use crate::left_out::is_here;
use crate::origin::Target;
use crate::tunnel::{Client, Server};
use crate::visitor::Visitor;

/// Where the lines say `example.com` and port 443, the proxy is to listen on a free port of this machine. The certificate's
/// two files are of an authority of the test's own.
async fn check(name: &str, words: &[(&str, &str)]) {
    let shipped = SHIPPED.iter().find(|shipped| shipped.name == name).expect("it is in the table");
    if shipped.find().is_none() && !is_here(shipped.program, &format!("the lines for {name}")) {
        return;
    }
    let (authority, target) = (Authority::new(), Target::start().await);
    let (certificate, key) = authority.issue(&[], GOOD);
    let both = authority.write("both.pem", &(certificate + &key));
    let key = authority.write("key.pem", &key);
    let server = Server::start(&[]).await;
    let files =
        [("/etc/ssl/example.com.pem", &*both), ("/etc/ssl/example.com.key", &key), ("127.0.0.1:5050", "ORIGIN")];
    let words: Vec<_> = files
        .iter()
        .chain(words)
        .map(|(shown, real)| (*shown, real.replace("PEM", &both).replace("KEY", &key)))
        .collect();
    let words: Vec<_> = words.iter().map(|(shown, real)| (*shown, &**real)).collect();
    let running = shipped.start_as(server.addr, &words).await.unwrap_or_else(|trouble| panic!("{name}: {trouble}"));

    let (source, target_url) = (format!("https://{}/app", running.address), format!("http://{}", target.address));
    let mut client = Client::start(&source, &target_url, &["--ca-file", &authority.path("ca.pem")]).await;
    let said = client.program.printed(|output| output.stderr.contains("\nwire v2: ")).await.stderr;
    assert!(said.contains("\nwire v2: streams down, streams up\n"), "{name}: {said}");

    let (public, _relay) = authority.secured(running.address).await;
    let visitor = Visitor::who_keeps_none(public, "app");
    visitor.tour(&target).await;
    let (_, fields) = visitor.get("fields").await.unwrap();
    let fields = String::from_utf8(fields.to_vec()).unwrap();
    for expected in
        ["x-forwarded-proto: https\n", "x-forwarded-for: 127.0.0.1, 127.0.0.1\n", &format!("host: {public}\n")]
    {
        assert!(fields.contains(expected), "{name}: no `{expected}` in {fields}");
    }
}

#[tokio::test]
async fn nginx() {
    check("nginx", &[("listen 443 ", "listen LISTEN "), ("server_name example.com", "server_name 127.0.0.1")]).await;
}

/// Its own authority cannot be asked here, so the certificate is named.
#[tokio::test]
async fn caddy() {
    let site = "https://LISTEN {\n    bind 127.0.0.1\n    tls PEM KEY";
    check("Caddy", &[("example.com {", site), ("import sendit", "import FOLDER/sendit")]).await;
}

#[tokio::test]
async fn haproxy() {
    check("HAProxy", &[("bind :443 ", "bind LISTEN ")]).await;
}

#[tokio::test]
async fn apache() {
    check(
        "Apache",
        &[("<VirtualHost *:443>", "<VirtualHost LISTEN>"), ("ServerName example.com", "ServerName 127.0.0.1")],
    )
    .await;
}

#[tokio::test]
async fn traefik() {
    let folder = ("/etc/traefik/sendit.yml\n", "FOLDER/sendit.yml\n");
    check("Traefik", &[("\":443\"", "\"LISTEN\""), ("Host(`example.com`)", "Host(`127.0.0.1`)"), folder]).await;
}
