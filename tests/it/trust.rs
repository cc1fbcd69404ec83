//! What a person is told whose client does not get to its server: by name, by TLS, by certificate.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_util::task::AbortOnDropHandle;

use crate::apps::root;
use crate::left_out;
use crate::target::Target;
use crate::tunnel::{Client, Server};
use crate::world::sendit;

/// Something that speaks TLS with a certificate for `name` that ends in `year`, and closes; and the certificate's file.
async fn shows(folder: &Path, name: &str, year: i32) -> (String, PathBuf, AbortOnDropHandle<()>) {
    serves(certified(name, year), folder.join(format!("{name}-{year}"))).await
}

async fn serves(
    (acceptor, certificate): (TlsAcceptor, CertificateDer<'static>),
    file: PathBuf,
) -> (String, PathBuf, AbortOnDropHandle<()>) {
    let pem = BASE64_STANDARD.encode(certificate);
    std::fs::write(&file, format!("-----BEGIN CERTIFICATE-----\n{pem}\n-----END CERTIFICATE-----\n")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let serving = tokio_util::task::TaskTracker::new().spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // Each handshake fails, but for the one that the test is not about.
            drop(acceptor.accept(stream).await);
        }
    });
    (url, file, AbortOnDropHandle::new(serving))
}

/// What takes TLS with a certificate for `name` that ends in `year`, and the certificate.
pub(crate) fn certified(name: &str, year: i32) -> (TlsAcceptor, CertificateDer<'static>) {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(year, 1, 1);
    params.distinguished_name.push(DnType::CommonName, format!("{name}-{year}"));
    vouching_for_itself(&params)
}

fn vouching_for_itself(params: &CertificateParams) -> (TlsAcceptor, CertificateDer<'static>) {
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().der().clone();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let config = config.with_no_client_auth().with_single_cert(vec![certificate.clone()], key).unwrap();
    (TlsAcceptor::from(Arc::new(config)), certificate)
}

async fn check(url: &str, trusted: Option<&Path>, cause: &str) {
    let mut command = sendit();
    command.args(["connect", &format!("{url}/app"), "http://127.0.0.1:1"]);
    if let Some(file) = trusted {
        command.env("SSL_CERT_FILE", file);
    }
    let mut client = Client::of(command);
    let said = client.program.printed(|output| output.stderr.contains("trying again")).await.stderr;
    let expected = format!("no tunnel: the server at `{url}` cannot be reached: {cause}");
    assert!(said.starts_with(&expected), "{said}");
}

#[tokio::test]
async fn what_keeps_a_client_from_its_server_is_said_in_words() {
    let folder = TempDir::new().unwrap();
    let (trusted, trusted_file, _trusted) = shows(folder.path(), "127.0.0.1", 4000).await;
    let (other, other_file, _other) = shows(folder.path(), "other.example", 4000).await;
    let (old, old_file, _old) = shows(folder.path(), "127.0.0.1", 2000).await;
    let authority = "a private authority is trusted where `--ca-file` names a file with its certificate";
    let unknown = format!("its certificate is not trusted: its issuer is unknown here; {authority}; trying again");
    check(&trusted, Some(&other_file), &unknown).await;
    check(&other, Some(&other_file), "its certificate is for another name; trying again").await;
    check(&old, Some(&old_file), "its certificate has expired; trying again").await;
    let mut authority = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = vouching_for_itself(&authority);
    let (authoritys, authoritys_file, _authoritys) = serves(authority, folder.path().join("authority")).await;
    let sentence = "its certificate is an authority's, which vouches for others and is no server's own: make the server's \
                    with `basicConstraints=CA:FALSE`; trying again";
    check(&authoritys, Some(&authoritys_file), sentence).await;
    check("http://no.such.invalid", None, "the name `no.such.invalid` ").await;
    let plain = Server::start(&[]).await;
    let url = plain.url("").replace("http:", "https:");
    check(&url, Some(&trusted_file), "it does not speak TLS; give it as `http://`; trying again").await;
    let target = Target::start();
    let mut command = sendit();
    command.args(["connect", &format!("{trusted}/app"), &target.url()]).env("SSL_CERT_FILE", &trusted_file);
    let said = Client::of(command).program.printed(|output| output.stderr.contains("trying again")).await.stderr;
    assert!(!said.contains("certificate"), "one that is trusted is not complained of: {said}");
}

/// What the document shows for a trial is believed by a client that is told so.
#[tokio::test]
async fn a_certificate_for_a_trial_is_made_as_the_document_says() {
    if !left_out::is_here("openssl", "a certificate for a trial") {
        return;
    }
    let document = std::fs::read_to_string(root().join("docs/hosting.md")).unwrap();
    let line = document.lines().find(|line| line.trim_start().starts_with("openssl req -x509")).expect("the command");
    let folder = TempDir::new().unwrap();
    let made = Command::new("sh").args(["-c", line]).current_dir(folder.path()).output().await.unwrap();
    assert!(made.status.success(), "{made:?}");
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name).display().to_string());
    let server = Server::start(&["--tls-cert", &certificate, "--tls-key", &key]).await;
    let (source, target) = (format!("https://localhost:{}/app", server.addr.port()), Target::start());
    Client::start(&source, &target.url(), &["--ca-file", &certificate]).await;
}
