//! A certificate authority of a test's own, what it has issued, and who believes it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::tunnel::Server;
use crate::world::PATIENCE;

/// An authority, with a folder for its own certificate and what it issues.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    folder: TempDir,
}

/// The years in which a certificate is good that is.
pub(crate) const GOOD: (i32, i32) = (2020, 4000);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "authority");
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let authority = Self { issuer: Issuer::new(params, key), pem, folder: TempDir::new().unwrap() };
        authority.write("ca.pem", &authority.pem);
        authority
    }

    /// A certificate for 127.0.0.1 and `names`, good in these years, and its key, both as PEM.
    pub(crate) fn issue(&self, names: &[&str], (from, until): (i32, i32)) -> (String, String) {
        let names: Vec<String> = ["127.0.0.1"].iter().chain(names).map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, "server");
        (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    /// Puts a file into the folder, in one step where it is there already, and gives its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let fresh = self.folder.path().join(format!("{name}.new"));
        std::fs::write(&fresh, text).unwrap();
        std::fs::rename(fresh, self.folder.path().join(name)).unwrap();
        self.path(name)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        path.to_str().unwrap().to_owned()
    }

    /// Has the two files be another pair.
    pub(crate) fn renew(&self, names: &[&str], years: (i32, i32)) -> [String; 2] {
        let (certificate, key) = self.issue(names, years);
        [self.write("cert.pem", &certificate), self.write("key.pem", &key)]
    }

    /// A server that speaks TLS with a certificate of this authority.
    pub(crate) async fn serve(&self, names: &[&str], args: &[&str]) -> Server {
        let [certificate, key] = self.renew(names, GOOD);
        let args = [&["--tls-cert", &certificate, "--tls-key", &key], args].concat();
        Server::start(&args).await
    }

    /// What connects to servers that this authority vouches for, and speaks these protocols.
    pub(crate) fn connector(&self, protocols: &[&str]) -> TlsConnector {
        connector(&self.pem, protocols)
    }

    /// A visitor's connection.
    pub(crate) async fn visit(&self, server: &Server) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(server.addr).await.expect("the server accepts");
        stream.set_nodelay(true).expect("it is open");
        let name = ServerName::from(server.addr.ip());
        let shaken = timeout(PATIENCE, self.connector(&["http/1.1"]).connect(name, stream)).await;
        shaken.expect("in time").expect("a handshake")
    }

    /// The address of connections that are made by TLS to `addr` for visitors who speak none.
    pub(crate) async fn secured(&self, addr: SocketAddr) -> (SocketAddr, AbortOnDropHandle<()>) {
        secured(self.connector(&[]), ServerName::from(addr.ip()), addr).await
    }
}

/// The same for a server of this name.
pub(crate) async fn secured(
    connector: TlsConnector,
    name: ServerName<'static>,
    addr: SocketAddr,
) -> (SocketAddr, AbortOnDropHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, tasks) = (listener.local_addr().unwrap(), TaskTracker::new());
    let relaying = tasks.clone().spawn(async move {
        while let Ok((mut visitor, _)) = listener.accept().await {
            let (connector, name) = (connector.clone(), name.clone());
            tasks.spawn(async move {
                let stream = TcpStream::connect(addr).await?;
                stream.set_nodelay(true)?;
                visitor.set_nodelay(true)?;
                let mut stream = connector.connect(name, stream).await?;
                copy_bidirectional(&mut visitor, &mut stream).await
            });
        }
    });
    (address, AbortOnDropHandle::new(relaying))
}

/// What connects to servers that this authority vouches for, by its PEM, and speaks these protocols.
pub(crate) fn connector(authority: &str, protocols: &[&str]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}
