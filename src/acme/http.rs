//! Requests to a directory: over TLS alone, each with a deadline and a bound. Knows nothing of what they say.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use reqwest::redirect::Policy;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How long a connection to the directory may take to be made, and a request all in all.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
const REQUEST_DEADLINE: Duration = Duration::from_secs(30);

/// The most that is read of an answer: some certificates are the longest.
const MAX_ANSWER: usize = 1024 * 1024;

/// What asks. Clones share their connections.
#[derive(Clone)]
pub(super) struct Http(reqwest::Client);

impl Http {
    /// Believes the authorities in `roots`, as PEM, or else those of the machine.
    pub(super) fn new(roots: Option<&[u8]>) -> Result<Self, String> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(roots)?)
            .https_only(true)
            .redirect(Policy::none())
            .http1_only()
            .connect_timeout(CONNECT_DEADLINE)
            .timeout(REQUEST_DEADLINE)
            .user_agent(concat!("sendit/", env!("CARGO_PKG_VERSION")));
        client.build().map(Self).map_err(|cause| format!("no HTTP client can be made: {cause}"))
    }
}

fn tls(roots: Option<&[u8]>) -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|cause| cause.to_string())?;
    let builder = match roots {
        Some(text) => builder.with_root_certificates(authorities(text)?),
        None => builder.with_platform_verifier().map_err(|cause| cause.to_string())?,
    };
    Ok(builder.with_no_client_auth())
}

fn authorities(text: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(text) {
        let certificate = certificate.map_err(|cause| cause.to_string())?;
        roots.add(certificate).map_err(|cause| cause.to_string())?;
    }
    if roots.is_empty() { Err("there is no certificate of an authority in it".to_owned()) } else { Ok(roots) }
}

impl HttpClient for Http {
    fn request(
        &self,
        request: http::Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let client = self.0.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let Ok(body) = body.collect().await;
            let request = http::Request::from_parts(head, body.to_bytes());
            let other = |error: reqwest::Error| Error::Other(Box::new(error));
            let answer = client.execute(request.try_into().map_err(other)?).await.map_err(other)?;
            let answer: http::Response<reqwest::Body> = answer.into();
            Ok(answer.map(|body| Limited::new(body, MAX_ANSWER)).into())
        })
    }
}
