//! The compact form of a signed token: `header.payload.signature`, each in base64url ([RFC 7515], 3.1). Knows nothing
//! of claims.
//!
//! [RFC 7515]: https://www.rfc-editor.org/rfc/rfc7515

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

use super::{Keys, Refusal, json};

/// Tokens are about 200 bytes long; this leaves room for names and patterns, and bounds what a stranger can cause.
const MAX_LEN: usize = 4096;

/// Signs `header` and `payload` as they stand.
pub(super) fn seal(keys: &Keys, header: &[u8], payload: &[u8]) -> String {
    let mut token = String::new();
    BASE64_URL_SAFE_NO_PAD.encode_string(header, &mut token);
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    let signature = keys.sign(&token);
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    token
}

/// The payload of a token that one of `keys` signed. Nothing is parsed as JSON before the signature is known to be
/// good, so that strangers reach no parser.
pub(super) fn open(keys: &Keys, token: &str) -> Result<Vec<u8>, Refusal> {
    if token.len() > MAX_LEN {
        return Err(Refusal::TooLong);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(Refusal::Parts)?;
    let (header, payload) = message.split_once('.').ok_or(Refusal::Parts)?;
    if payload.contains('.') {
        return Err(Refusal::Parts);
    }
    let (header, payload) = (decode(header)?, decode(payload)?);
    let signature = decode(signature)?.try_into().map_err(|_| Refusal::Encoding)?;
    if !keys.signed(message, signature) {
        return Err(Refusal::Signature);
    }
    check_header(&header)?;
    Ok(payload)
}

/// This engine is as strict as RFC 7515, 2 asks: "with all trailing '=' characters omitted [...] and without the
/// inclusion of any line breaks, whitespace, or other additional characters". It also refuses bits after the end.
fn decode(part: &str) -> Result<Vec<u8>, Refusal> {
    BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Encoding)
}

/// What else a header says, keys and where to find them above all, is of no interest: the server has its own.
fn check_header(header: &[u8]) -> Result<(), Refusal> {
    let header = json::object(header).ok_or(Refusal::Json("header"))?;
    if header.get("alg").and_then(Value::as_str) != Some("HS256") {
        return Err(Refusal::Algorithm);
    }
    // RFC 7515, 4.1.11: "If any of the listed extension Header Parameters are not understood and supported by the
    // recipient, then the JWS is invalid." RFC 7797, 3: `b64` is true unless a token says otherwise.
    let encoded = header.get("b64").is_none_or(|b64| *b64 == Value::Bool(true));
    if header.contains_key("crit") || !encoded {
        return Err(Refusal::Extension);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Key;

    /// The example of RFC 7515, appendix A.1.
    const KEY: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    const HEADER: &str = "{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}";
    const PAYLOAD: &str = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
    const TOKEN: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9\
        .eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ\
        .dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    fn keys() -> Keys {
        Keys::new(Key::new(&decode(KEY).unwrap()).unwrap(), [])
    }

    #[test]
    fn the_example_of_the_rfc() {
        assert_eq!(open(&keys(), TOKEN), Ok(PAYLOAD.as_bytes().to_vec()));
        assert_eq!(seal(&keys(), HEADER.as_bytes(), PAYLOAD.as_bytes()), TOKEN);
    }

    #[track_caller]
    fn check(token: &str, refusal: Refusal) {
        assert_eq!(open(&keys(), token), Err(refusal), "{token}");
    }

    #[test]
    fn forms() {
        check("", Refusal::Parts);
        check("..", Refusal::Encoding);
        check(&TOKEN.replacen('.', "", 1), Refusal::Parts);
        check(&format!("{TOKEN}."), Refusal::Parts);
        check(&format!(".{TOKEN}"), Refusal::Parts);
        check(&format!("{TOKEN}="), Refusal::Encoding);
        check(&format!("{TOKEN}\n"), Refusal::Encoding);
        check(&format!(" {TOKEN}"), Refusal::Encoding);
        check(&TOKEN.replace('-', "+"), Refusal::Encoding);
        check(&TOKEN.replace('_', "/"), Refusal::Encoding);
        check(&TOKEN[..TOKEN.len() - 1], Refusal::Encoding);
        check(TOKEN.strip_suffix("Xk").unwrap(), Refusal::Encoding);
        check(&TOKEN.replace("jXk", "jXl"), Refusal::Encoding);
        check(&TOKEN.replace("jXk", "jXg"), Refusal::Signature);
        check(&".".repeat(MAX_LEN + 1), Refusal::TooLong);
    }

    #[test]
    fn length() {
        let sealed = |len: usize| seal(&keys(), br#"{"alg":"HS256"}"#, &vec![b' '; len]);
        let longest = sealed(3023);
        assert_eq!(longest.len(), MAX_LEN);
        assert!(open(&keys(), &longest).is_ok());
        check(&sealed(3024), Refusal::TooLong);
    }

    #[track_caller]
    fn check_signed_header(header: &str, expected: Result<(), Refusal>) {
        assert_eq!(open(&keys(), &seal(&keys(), header.as_bytes(), b"")).map(drop), expected, "{header}");
    }

    #[test]
    fn headers() {
        check_signed_header(r#"{"alg":"HS256","b64":true,"kid":"a","jku":"https://example.com","jwk":{}}"#, Ok(()));
        check_signed_header("", Err(Refusal::Json("header")));
        check_signed_header("null", Err(Refusal::Json("header")));
        check_signed_header(r#"{"alg":"HS256","alg":"HS256"}"#, Err(Refusal::Json("header")));
        check_signed_header("{}", Err(Refusal::Algorithm));
        check_signed_header(r#"{"alg":"hs256"}"#, Err(Refusal::Algorithm));
        check_signed_header(r#"{"alg":"none"}"#, Err(Refusal::Algorithm));
        check_signed_header(r#"{"alg":"HS256","crit":[]}"#, Err(Refusal::Extension));
        check_signed_header(r#"{"alg":"HS256","b64":false}"#, Err(Refusal::Extension));
        check_signed_header(r#"{"alg":"HS256","b64":null}"#, Err(Refusal::Extension));
    }
}
