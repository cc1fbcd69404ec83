//! The handshake on a new pair of carriers, as a pure value: bytes in, what to do out.

use bytes::{Buf, Bytes};

/// What each end says first.
pub(super) const SYN: &[u8] = b"SYN\n";
/// What each end says once it has read the other's `SYN`.
pub(super) const SYNACK: &[u8] = b"SYNACK\n";

/// All that a peer ever says before its data, so that comparing with it is the whole parser, and the bound as well.
const SCRIPT: &[u8] = b"SYN\nSYNACK\n";

/// How far the peer has come.
#[derive(Debug, Default)]
pub(super) struct Handshake {
    read: usize,
}

/// What has to be done after some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The peer's `SYN` is complete: send `SYNACK`.
    pub(super) send_synack: bool,
    /// The peer's `SYNACK` is complete: what is left of the bytes is data.
    pub(super) done: bool,
}

/// The peer said something else.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the peer does not speak the handshake of wire v1")]
pub(super) struct Violation;

impl Handshake {
    /// Takes from the front of `bytes` what belongs to the handshake.
    pub(super) fn advance(&mut self, bytes: &mut Bytes) -> Result<Step, Violation> {
        let before = self.read;
        let part = bytes.len().min(SCRIPT.len() - before);
        if bytes[..part] != SCRIPT[before..before + part] {
            return Err(Violation);
        }
        bytes.advance(part);
        self.read += part;
        let send_synack = before < SYN.len() && self.read >= SYN.len();
        Ok(Step { send_synack, done: self.read == SCRIPT.len() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_script_is_what_we_say_ourselves() {
        assert_eq!(SCRIPT, [SYN, SYNACK].concat());
    }

    proptest! {
        #[test]
        fn however_it_is_cut(data in proptest::collection::vec(any::<u8>(), 0..20), cuts in proptest::collection::vec(1_usize..14, 1..40)) {
            let mut said = Bytes::from([SCRIPT, &data].concat());
            let (mut handshake, mut synacks, mut cuts) = (Handshake::default(), 0, cuts.into_iter().cycle());
            loop {
                let mut part = said.split_to(cuts.next().expect("a cycle").min(said.len()));
                let step = handshake.advance(&mut part).expect("what a peer says");
                synacks += usize::from(step.send_synack);
                if step.done {
                    prop_assert_eq!([part, said].concat(), data);
                    break;
                }
                prop_assert!(part.is_empty());
            }
            prop_assert_eq!(synacks, 1);
        }

        #[test]
        fn anything_else_is_refused_at_its_first_byte(at in 0..SCRIPT.len(), byte: u8) {
            prop_assume!(byte != SCRIPT[at]);
            let mut handshake = Handshake::default();
            handshake.advance(&mut Bytes::copy_from_slice(&SCRIPT[..at])).expect("right so far");
            prop_assert_eq!(handshake.advance(&mut Bytes::from(vec![byte])), Err(Violation));
        }
    }
}
