//! What a person is told whose client does not get to its server: by name, by TLS, by certificate.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::{CertificateParams, DnType, KeyPair};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_util::task::AbortOnDropHandle;

use crate::target::Target;
use crate::tunnel::{Client, Server};
use crate::world::sendit;

/// Something that speaks TLS with a certificate for `name` that ends in `year`, and closes; and the certificate's file.
async fn shows(folder: &Path, name: &str, year: i32) -> (String, PathBuf, AbortOnDropHandle<()>) {
    let (acceptor, certificate) = certified(name, year);
    let file = folder.join(format!("{name}-{year}"));
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
