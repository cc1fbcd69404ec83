//! What a peer of wire v1 may say first, as bytes that a fuzzer chooses.

#![expect(clippy::missing_panics_doc, reason = "a panic is how a fuzzer hears of a fault")]

use bytes::Bytes;

use super::handshake::{Handshake, SYN, SYNACK};

/// The beginning of a body; the first byte says how the others are cut.
pub fn handshake(data: &[u8]) {
    let Some((cut, data)) = data.split_first() else { return };
    let script = [SYN, SYNACK].concat();
    let honest = script.iter().zip(data).take_while(|(wanted, came)| wanted == came).count();
    let (mut handshake, mut taken) = (Handshake::default(), 0);
    for piece in data.chunks(1 + usize::from(*cut)) {
        let mut bytes = Bytes::copy_from_slice(piece);
        let Ok(step) = handshake.advance(&mut bytes) else {
            assert!(honest < script.len() && taken + piece.len() > honest);
            return;
        };
        taken += piece.len() - bytes.len();
        assert!(taken <= honest);
        assert_eq!(step.done, taken == script.len());
        if step.done {
            return;
        }
    }
}
