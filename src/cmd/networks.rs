//! Ranges of addresses as they are typed, each behind a flag that can be repeated.

use super::exit::Failure;
use crate::proxy::Trusted;
use crate::wire::Network;

/// The ranges that a flag names.
pub(crate) fn parse(flag: &str, texts: &[String]) -> Result<Vec<Network>, Failure> {
    let network = |text: &String| text.parse().map_err(|error| Failure::usage(format!("wrong `{flag}`: {error}")));
    texts.iter().map(network).collect()
}

/// The proxies that are believed, where a person names them, or says that there are none.
pub(crate) fn trusted(texts: &[String]) -> Result<Option<Trusted>, Failure> {
    match texts {
        [] => Ok(None),
        [none] if none == "none" => Ok(Some(Trusted::new(&[]))),
        _ => Ok(Some(Trusted::new(&parse("--trusted-proxy", texts)?))),
    }
}
