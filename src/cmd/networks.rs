//! Ranges of addresses as they are given, each by a setting that may have several.

use super::exit::Failure;
use super::sources::Given;
use crate::proxy::Trusted;
use crate::wire::Network;

/// The ranges that are named.
pub(crate) fn parse(given: &[Given]) -> Result<Vec<Network>, Failure> {
    given.iter().map(|given| given.read(str::parse)).collect()
}

/// The proxies that are believed, where a person names them, or says that there are none.
pub(crate) fn trusted(given: &[Given]) -> Result<Option<Trusted>, Failure> {
    match given {
        [] => Ok(None),
        [none] if none.text == "none" => Ok(Some(Trusted::new(&[]))),
        _ => Ok(Some(Trusted::new(&parse(given)?))),
    }
}
