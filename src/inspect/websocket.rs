//! The frames of a WebSocket's direction, joined to messages. (RFC 6455, section 5) A pure value; what it holds is one
//! message at most, as much as is kept of it.
//!
//! Nothing is inflated here: with `permessage-deflate` each message is compressed together with all before it, so
//! whoever shows them begins with the first. (RFC 7692, section 7)

use super::exchange::{Body, Kind};
use super::heard::Heard;
use super::http1::{Why, take};

/// The longest header of a frame: two bytes, eight of length, four of mask.
const MAX_HEADER: usize = 14;

/// The most that a frame which is no part of a message may carry. (RFC 6455, section 5.5)
const MAX_CONTROL: u64 = 125;

const FIN: u8 = 0x80;
const COMPRESSED: u8 = 0x40;
const RESERVED: u8 = 0x30;
const MASKED: u8 = 0x80;

/// One direction's frames.
#[derive(Debug, Default)]
pub(super) struct Frames {
    header: [u8; MAX_HEADER],
    /// How much of the header has come.
    have: usize,
    /// The frame whose bytes come now.
    frame: Option<Frame>,
    /// The message that frames have begun and not ended.
    message: Option<Heard>,
    /// What a frame in between brings.
    control: Option<Heard>,
}

#[derive(Debug)]
struct Frame {
    last: bool,
    is_control: bool,
    left: u64,
    mask: [u8; 4],
    /// How many of its bytes have come.
    come: usize,
}

impl Frames {
    /// Takes a step through `bytes`, and gives the message that it completes, if any.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Result<Option<Heard>, Why> {
        let Some(frame) = &mut self.frame else { return self.header(bytes) };
        let part = take(bytes, &mut frame.left);
        let heard = if frame.is_control { &mut self.control } else { &mut self.message };
        if let Some(heard) = heard {
            let from = heard.keep(part);
            for (byte, at) in heard.body.kept[from..].iter_mut().zip(frame.come..) {
                *byte ^= frame.mask[at % 4];
            }
        }
        frame.come = frame.come.wrapping_add(part.len());
        Ok(if frame.left == 0 { self.frame_ended() } else { None })
    }

    /// What has come of a message that is not whole.
    pub(super) fn rest(&mut self) -> Option<Heard> {
        self.message.take()
    }

    /// What it holds.
    pub(super) fn capacity(&self) -> usize {
        self.message.iter().chain(&self.control).map(|heard| heard.body.kept.capacity()).sum()
    }

    fn header(&mut self, bytes: &mut &[u8]) -> Result<Option<Heard>, Why> {
        while let Some((byte, rest)) = bytes.split_first() {
            self.header[self.have] = *byte;
            self.have += 1;
            *bytes = rest;
            if self.have >= 2 && self.have == header_len(self.header[1]) {
                self.have = 0;
                self.begin()?;
                let is_empty = self.frame.as_ref().is_some_and(|frame| frame.left == 0);
                return Ok(if is_empty { self.frame_ended() } else { None });
            }
        }
        Ok(None)
    }

    /// Begins the frame whose header is whole.
    fn begin(&mut self) -> Result<(), Why> {
        let [first, second, after @ ..] = &self.header;
        let (length_len, mask_len) = lengths(*second);
        let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let left = if length_len == 0 { u64::from(second & !MASKED) } else { number(&after[..length_len]) };
        let mut mask = [0; 4];
        mask[..mask_len].copy_from_slice(&after[length_len..length_len + mask_len]);
        let (last, deflated) = (first & FIN != 0, first & COMPRESSED != 0);
        if first & RESERVED != 0 || left > u64::MAX / 2 {
            return Err("a frame of the WebSocket is malformed");
        }
        let kind = match first & 0xf {
            0 if self.message.is_some() && !deflated => None,
            1 if self.message.is_none() => Some(Kind::Text),
            2 if self.message.is_none() => Some(Kind::Binary),
            8 => Some(Kind::Close),
            9 => Some(Kind::Ping),
            10 => Some(Kind::Pong),
            _ => return Err("a frame of the WebSocket stands where it may not"),
        };
        let is_control = matches!(kind, Some(Kind::Close | Kind::Ping | Kind::Pong));
        if is_control && (!last || deflated || left > MAX_CONTROL) {
            return Err("a frame of the WebSocket is malformed");
        }
        if let Some(kind) = kind {
            let heard = Heard { kind, deflated, body: Body::default() };
            *(if is_control { &mut self.control } else { &mut self.message }) = Some(heard);
        }
        self.frame = Some(Frame { last, is_control, left, mask, come: 0 });
        Ok(())
    }

    fn frame_ended(&mut self) -> Option<Heard> {
        let frame = self.frame.take()?;
        match frame.is_control {
            true => self.control.take(),
            false if frame.last => self.message.take(),
            false => None,
        }
    }
}

/// How long a header is, by its second byte.
fn header_len(second: u8) -> usize {
    let (length_len, mask_len) = lengths(second);
    2 + length_len + mask_len
}

/// How many bytes of it are the length and the mask.
fn lengths(second: u8) -> (usize, usize) {
    let length_len = match second & !MASKED {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    (length_len, if second & MASKED == 0 { 0 } else { 4 })
}
