//! Why a request did not reach the server, in words for who runs the client. Knows errors, and no connection.

use std::error::Error as StdError;
use std::io;

use tokio_rustls::rustls::{CertificateError, Error as TlsError};

/// What happened, as the bottom of an error says it: what stands above repeats URLs, and those carry tokens. `name` is
/// the one that was looked up, where one was.
pub(super) fn plain(error: &(dyn StdError + 'static), name: &str) -> String {
    let mut innermost = error;
    loop {
        if let Some(cause) = tls(innermost) {
            return explain_tls(cause);
        }
        match innermost.source() {
            Some(source) => innermost = source,
            None => break,
        }
    }
    let text = innermost.to_string();
    if text.starts_with(LOOKUP) {
        let later = text.contains("emporary");
        return format!("the name `{name}` {}", if later { "cannot be looked up now" } else { "is not known" });
    }
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

/// How the standard library begins what it says of a name that it cannot resolve.
const LOOKUP: &str = "failed to lookup address";

/// The TLS error that an error is. An I/O error hides what it wraps from who asks for its source, and may wrap another one.
pub(super) fn tls<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a TlsError> {
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.downcast_ref().or_else(|| tls(wrapped?))
}

/// What a TLS error means for who asked for TLS.
pub(super) fn explain_tls(error: &TlsError) -> String {
    match error {
        TlsError::InvalidMessage(_) => "it does not speak TLS; give it as `http://`".to_owned(),
        TlsError::InvalidCertificate(cause) => explain_certificate(cause),
        other => format!("TLS was not agreed on: {other}"),
    }
}

fn explain_certificate(cause: &CertificateError) -> String {
    match cause {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "its certificate has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet; is this machine's clock right?".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name".to_owned()
        }
        CertificateError::UnknownIssuer => {
            format!("its certificate is not trusted: its issuer is unknown here; {TRUST}")
        }
        other if is_authoritys(other) => {
            "its certificate is an authority's, which vouches for others and is no server's own: make the server's \
             with `basicConstraints=CA:FALSE`"
                .to_owned()
        }
        other => format!("its certificate is not trusted ({other}); {TRUST}"),
    }
}

/// Whether a server shows the certificate of an authority, as `openssl req -x509` makes it unless told otherwise.
fn is_authoritys(cause: &CertificateError) -> bool {
    matches!(cause, CertificateError::Other(cause) if cause.0.to_string() == "CaUsedAsEndEntity")
}

/// How the certificate of a private authority comes to be trusted.
const TRUST: &str = "a private authority is trusted where `--ca-file` names a file with its certificate";
