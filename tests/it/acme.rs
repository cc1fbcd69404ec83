//! Certificates that the server gets itself: from a real directory, kept, renewed while all goes on, and what is said where
//! there is none to be had.

mod pebble;

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use trials::load::{LARGEST, Mix, Public, run};

use crate::certificates::{connector, secured};
use crate::tunnel::{Client, Server};
use crate::world::{PATIENCE, Program, sendit};
use pebble::{BLOCKED, Pebble};

/// The name whose certificate is had: one that every machine has.
const NAME: &str = "localhost";

/// Longer than any test.
const LONG: u64 = 24 * 60 * 60;

const ISSUED: &str = "a certificate was issued, and is shown from now on";

const NONE: &str = "there is no certificate yet, so nobody is served";

/// A server that gets a certificate for these names, and proves them.
async fn serve(pebble: &Pebble, cache: &Path, names: &[&str]) -> Server {
    pebble.prove_at(None);
    let server = start(pebble, cache, names).await;
    pebble.prove_at(Some(server.addr));
    server
}

/// One that may be unable to.
async fn start(pebble: &Pebble, cache: &Path, names: &[&str]) -> Server {
    let (url, ca, cache) = (pebble.url(), pebble.authority.path("ca.pem"), cache.to_str().unwrap());
    let mut args = vec![
        "--access-log",
        "off",
        "--admin",
        "127.0.0.1:0",
        "--acme-directory",
        &url,
        "--acme-ca-file",
        &ca,
        "--acme-cache",
        cache,
    ];
    args.extend(names.iter().flat_map(|name| ["--acme", name]));
    Server::start(&args).await
}

/// Where nobody listens.
fn nowhere() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Waits until it has got so many.
async fn issued(server: &mut Server, times: usize) {
    server.program.printed(|output| output.stderr.matches(ISSUED).count() >= times).await;
}

/// A handshake by somebody who believes the authority `root`.
async fn visit(root: &str, server: &Server, protocols: &[&str]) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(server.addr).await?;
    let name = ServerName::try_from(NAME).unwrap();
    timeout(PATIENCE, connector(root, protocols).connect(name, stream)).await.expect("in time")
}

/// What a server shows of itself.
async fn shown(root: &str, server: &Server) -> CertificateDer<'static> {
    let stream = visit(root, server, &[]).await.expect("a handshake");
    stream.get_ref().1.peer_certificates().expect("they are known")[0].clone()
}

/// Visitors' connections are made anew all the time, and so are the carriers, each of which lives for 100 ms.
#[tokio::test]
async fn a_certificate_is_renewed_under_load() {
    let Some(pebble) = Pebble::start(24, "certificates from a directory").await else { return };
    let cache = TempDir::new().unwrap();
    let mut server = serve(&pebble, &cache.path().join("acme"), &[NAME]).await;
    issued(&mut server, 1).await;
    let root = pebble.root().await;
    std::fs::write(cache.path().join("root.pem"), &root).unwrap();
    let target = trials::load::Target::start(tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap();
    let (source, ca) = (format!("https://{NAME}:{}/app", server.addr.port()), cache.path().join("root.pem"));
    let args = ["--ca-file", ca.to_str().unwrap(), "--max-ttl", "100ms"];
    let client = Client::start(&source, &format!("http://{}", target.address), &args).await;
    let name = ServerName::try_from(NAME).unwrap();
    let (address, _relay) = secured(connector(&root, &[]), name, server.addr).await;
    let public = Public { address, prefix: "/app".to_owned() };
    let before = shown(&root, &server).await;
    let mix = Mix { at_once: 8, seed: 1, first_id: 0, largest: LARGEST.min(16) };
    let figures = run(&mix, &public, issued(&mut server, 2)).await;
    assert_eq!((figures.failed, figures.wrong, figures.hung), (0, 0, 0), "{figures}");
    assert!(figures.exchanges > 20, "{figures}");
    assert_ne!(shown(&root, &server).await, before);
    let said = client.program.output().stderr;
    assert_eq!(said.matches("Ready; ").count(), 1, "{said}");
}

#[tokio::test]
async fn what_is_kept_is_not_asked_for_again() {
    let Some(mut pebble) = Pebble::start(LONG, "a certificate that is kept").await else { return };
    let folder = TempDir::new().unwrap();
    let cache = folder.path().join("acme");
    let mut server = serve(&pebble, &cache, &[NAME]).await;
    issued(&mut server, 1).await;
    let root = pebble.root().await;
    let first = shown(&root, &server).await;
    server.program.kill().await;
    let of_directory = std::fs::read_dir(&cache).unwrap().next().unwrap().unwrap().path();
    for (path, mode) in
        [(&cache, 0o700), (&of_directory.join("certificate.pem"), 0o600), (&of_directory.join("account.json"), 0o600)]
    {
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, mode, "{}", path.display());
    }
    let mut server = serve(&pebble, &cache, &[NAME]).await;
    assert_eq!((shown(&root, &server).await, pebble.issued()), (first, 1));
    server.program.kill().await;
    // One that is not for all names, at a directory that has forgotten the account.
    pebble.forget().await;
    let mut server = serve(&pebble, &cache, &[NAME, "other.example"]).await;
    issued(&mut server, 1).await;
    shown(&pebble.root().await, &server).await;
    // What cannot be read.
    server.program.kill().await;
    std::fs::write(of_directory.join("certificate.pem"), "no certificate").unwrap();
    std::fs::write(of_directory.join("account.json"), "no account").unwrap();
    let mut server = serve(&pebble, &cache, &[NAME]).await;
    issued(&mut server, 1).await;
}

/// Nobody is served meanwhile, and at SIGHUP there is another try.
#[tokio::test]
async fn what_a_directory_refuses_is_told() {
    let Some(pebble) = Pebble::start(LONG, "what a directory refuses").await else { return };
    let folder = TempDir::new().unwrap();
    let cache = folder.path().join("acme");
    let mut blocked = serve(&pebble, &cache, &[BLOCKED]).await;
    let said = blocked.program.printed(|output| output.stderr.contains(NONE)).await.stderr;
    assert!(said.contains(BLOCKED) && said.contains("policy"), "{said}");
    pebble.prove_at(Some(nowhere()));
    let mut server = start(&pebble, &cache, &[NAME]).await;
    let said = server.program.printed(|output| output.stderr.contains(NONE)).await.stderr;
    assert!(said.contains("tls-alpn-01 challenge"), "{said}");
    let root = pebble.root().await;
    assert!(visit(&root, &server, &[]).await.is_err());
    let none = ("503".to_owned(), "the server has no certificate yet\n".to_owned());
    assert_eq!(server.told("/readyz").await, none);
    let mut client = Client::begin(&format!("https://{NAME}:{}/app", server.addr.port()), "http://127.0.0.1:1", &[]);
    client.program.printed(|output| output.stderr.contains("received fatal alert: AccessDenied; trying again")).await;
    pebble.prove_at(Some(server.addr));
    server.program.signal("-HUP").await;
    issued(&mut server, 1).await;
    shown(&root, &server).await;
    assert_eq!(server.told("/readyz").await.0, "200");
    assert!(visit(&root, &server, &["acme-tls/1"]).await.is_err(), "no name is to be proved");
    let mut command = sendit();
    command.args(["serve", "--addr", "127.0.0.1:0", "--acme", NAME, "--acme-directory", &pebble.url()]);
    command.args(["--acme-cache", folder.path().join("other").to_str().unwrap()]);
    let mut stranger = Program::start(command);
    let said = stranger.printed(|output| output.stderr.contains(NONE)).await.stderr;
    assert!(said.contains("UnknownIssuer"), "{said}");
}

#[tokio::test]
async fn what_is_shown_stays_where_no_other_is_to_be_had() {
    let Some(mut pebble) = Pebble::start(9, "a certificate that stays").await else { return };
    let folder = TempDir::new().unwrap();
    let mut server = serve(&pebble, &folder.path().join("acme"), &[NAME]).await;
    issued(&mut server, 1).await;
    let root = pebble.root().await;
    pebble.program.kill().await;
    let stays = "the certificate was not renewed; the one before is still shown";
    let said = server.program.printed(|output| output.stderr.contains(stays)).await.stderr;
    assert!(said.contains("refused"), "{said}");
    let counted = server.told("/metrics").await.1;
    for line in ["{outcome=\"issued\"} 1\n", "{outcome=\"failed\"} 1\n"] {
        assert!(counted.contains(&format!("sendit_certificates_asked_total{line}")), "{counted}");
    }
    assert!(!counted.contains("sendit_certificate_expiry_timestamp_seconds 0\n"), "{counted}");
    // By now it may be out of date, of which a visitor can only be told by being shown it.
    let seen = visit(&root, &server, &[]).await.map(drop).map_err(|cause| cause.to_string());
    assert!(seen.as_ref().err().is_none_or(|cause| cause.contains("expired")), "{seen:?}");
}

/// None is needed for this.
#[tokio::test]
async fn no_server_starts_with_a_cache_that_is_of_no_use() {
    let folder = TempDir::new().unwrap();
    let cache = folder.path().join("acme");
    let at = cache.display();
    std::fs::create_dir(&cache).unwrap();
    std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o755)).unwrap();
    let check = async |cache: &Path, sentence: &str| {
        let mut command = sendit();
        command.args(["serve", "--addr", "127.0.0.1:0", "--acme", NAME, "--acme-cache", cache.to_str().unwrap()]);
        let mut server = Program::start(command);
        assert_eq!(server.ended().await, Some(7), "{sentence}");
        assert_eq!(server.all().await.stderr, format!("error: {sentence}\n"));
    };
    let open = format!("others can look into the ACME cache `{at}`; `chmod 700 {at}` keeps them out");
    check(&cache, &open).await;
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let sentence = format!("the ACME cache `{}` cannot be written to: it is there already", file.display());
    check(&file, &sentence).await;
}
