//! A range of IP addresses, as `192.0.2.0/24` says it. Knows no sockets and no headers.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Addresses that begin with the same bits. A text is made one by parsing it; an address alone is a range of one.
///
/// ```
/// use sendit::wire::Network;
///
/// let office: Network = "192.0.2.0/24".parse()?;
/// assert!(office.contains("192.0.2.7".parse()?));
/// assert!(!office.contains("2001:db8::7".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    /// The first address of the range.
    first: IpAddr,
    /// How many of its bits all others share.
    bits: u8,
}

/// Why a text is no [`Network`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no range of addresses; write it like `192.0.2.0/24`, `2001:db8::/32` or `192.0.2.7`")]
pub struct InvalidNetwork(String);

impl Network {
    /// Whether `address` is in the range. An IPv4 address that came as an IPv6 one (`::ffff:192.0.2.7`) is the IPv4
    /// address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        masked(address.to_canonical(), self.bits) == Some(self.first)
    }
}

/// The first address of the range of so many bits that `address` is in; none where it has not so many.
fn masked(address: IpAddr, bits: u8) -> Option<IpAddr> {
    let bits = u32::from(bits);
    match address {
        IpAddr::V4(v4) => {
            let rest = 32_u32.checked_sub(bits)?;
            let mask = u32::MAX.checked_shl(rest).unwrap_or(0);
            Some(IpAddr::V4((v4.to_bits() & mask).into()))
        }
        IpAddr::V6(v6) => {
            let rest = 128_u32.checked_sub(bits)?;
            let mask = u128::MAX.checked_shl(rest).unwrap_or(0);
            Some(IpAddr::V6((v6.to_bits() & mask).into()))
        }
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let parsed = || {
            let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
            let address: IpAddr = address.parse().ok()?;
            let all = if address.is_ipv4() { 32 } else { 128 };
            let plain = |bits: &&str| !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
            let bits = match bits {
                None => all,
                Some(bits) => Some(bits).filter(plain)?.parse().ok()?,
            };
            Some(Self { first: masked(address, bits)?, bits })
        };
        parsed().ok_or_else(|| InvalidNetwork(text.to_owned()))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

impl TryFrom<String> for Network {
    type Error = InvalidNetwork;

    fn try_from(text: String) -> Result<Self, InvalidNetwork> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(network: &str, address: &str, within: bool) {
        let network: Network = network.parse().unwrap();
        assert_eq!(network.contains(address.parse().unwrap()), within, "{network} {address}");
    }

    #[test]
    fn ranges() {
        check("192.0.2.0/24", "192.0.2.0", true);
        check("192.0.2.0/24", "192.0.2.255", true);
        check("192.0.2.0/24", "192.0.3.0", false);
        check("192.0.2.9/24", "192.0.2.1", true);
        check("192.0.2.0/24", "::ffff:192.0.2.7", true);
        check("192.0.2.0/24", "::192.0.2.7", false);
        check("192.0.2.128/25", "192.0.2.127", false);
        check("192.0.2.7", "192.0.2.7", true);
        check("192.0.2.7", "192.0.2.6", false);
        check("192.0.2.7/32", "192.0.2.7", true);
        check("0.0.0.0/0", "255.1.2.3", true);
        check("0.0.0.0/0", "::1", false);
        check("::/0", "2001:db8::1", true);
        // A range of IPv6 has no IPv4 address, however it came.
        check("::/0", "::ffff:192.0.2.7", false);
        check("2001:db8::/33", "2001:db8:7fff::", true);
        check("2001:db8::/33", "2001:db8:8000::", false);
        check("::1", "::1", true);
        check("::1/128", "::2", false);
    }

    #[test]
    fn texts() {
        for text in ["", "/", "/24", "192.0.2.0/", "192.0.2.0/33", "::/129", "192.0.2.0/+4", "192.0.2.0/-1"] {
            assert_eq!(text.parse::<Network>(), Err(InvalidNetwork(text.to_owned())));
        }
        for text in ["192.0.2/24", "192.0.2.0/24/8", "192.0.2.0 /24", "a.example", "192.0.2.0/255.255.255.0", "[::1]"] {
            assert_eq!(text.parse::<Network>(), Err(InvalidNetwork(text.to_owned())));
        }
        for (text, said) in
            [("192.0.2.9/24", "192.0.2.0/24"), ("192.0.2.9", "192.0.2.9/32"), ("2001:DB8::/32", "2001:db8::/32")]
        {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), said);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn an_address_is_in_every_range_around_it(bits: u128, length in 0_u8..=128) {
            let address = IpAddr::V6(bits.into());
            let network: Network = format!("{address}/{length}").parse().unwrap();
            prop_assert!(network.contains(address) || address.to_canonical().is_ipv4());
            prop_assert_eq!(network.to_string().parse::<Network>(), Ok(network));
        }
    }
}
