//! What stands in the directory, as text, and what follows from it. Pure: knows no engine.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use url::Url;

use super::{Node, NodeId};

/// The longest entry that is read.
pub(super) const MAX_ENTRY: usize = 1024;

/// The first word of an entry of this kind. What begins with another is of a program that is older or newer, and is left alone.
const VERSION: &str = "1";

/// No fence is as high: the engine's numbers are doubles, which count exactly for a little longer. Microseconds since 1970 are below it
/// until the year 2255.
const MAX_FENCE: u64 = 9_000_000_000_000_000;

/// The longest that visitors wait because an entry says so.
const LONGEST: Duration = Duration::from_secs(3_600);

/// How many claims of a prefix there were: it only rises, so what holds it by a lower one has lost it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fence(pub(super) u64);

/// Why a text is no [`Fence`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fence is a number below 9 000 000 000 000 000")]
pub struct InvalidFence;

/// A text that is no entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no entry of the directory")]
pub(super) struct Unreadable;

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Fence {
    type Err = InvalidFence;

    fn from_str(text: &str) -> Result<Self, InvalidFence> {
        text.parse().ok().filter(|fence| *fence < MAX_FENCE).map(Self).ok_or(InvalidFence)
    }
}

/// Whether a prefix is held, or given away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Held,
    /// Its node stops, and anybody may have it.
    Moving,
}

/// Which node has a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) node: NodeId,
    /// Where that is asked whether it lives, for its own entry is gone with its lease.
    pub(super) address: SocketAddr,
    pub(super) fence: Fence,
    pub(super) state: State,
    /// How long visitors wait for the prefix while nobody answers for it.
    pub(super) hold: Duration,
    /// Whose sessions it counts among.
    pub(super) who: Option<Who>,
}

/// Whose a session is: digits that name a subject without telling it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Who(String);

impl Who {
    /// The first 128 bits of a digest.
    pub(super) fn of(digest: &[u8; 32]) -> Self {
        Self(format!("{:032x}", u128::from_be_bytes(digest[..16].try_into().expect("16 of 32 bytes"))))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Who {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == 32 && text.bytes().all(digit) { Ok(Self(text.to_owned())) } else { Err(Unreadable) }
    }
}

impl Entry {
    /// What stands before the fence, which the engine gives.
    pub(super) fn head(&self) -> String {
        format!("{VERSION} {} {} ", self.node, self.address)
    }

    /// What stands behind it.
    pub(super) fn tail(&self) -> String {
        let state = if self.state == State::Held { "held" } else { "moving" };
        let who = self.who.as_ref().map_or("-", Who::as_str);
        format!(" {state} {} {who}", self.hold.as_millis())
    }

    /// The same node, where no more is known of it.
    pub(super) fn holder(&self) -> Node {
        Node { id: self.node, address: self.address, url: None, sessions: 0, draining: false }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.head(), self.fence, self.tail())
    }
}

impl FromStr for Entry {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let [node, address, fence, state, hold, who] = words(text)?;
        let state = match state {
            "held" => State::Held,
            "moving" => State::Moving,
            _ => return Err(Unreadable),
        };
        let who = if who == "-" { None } else { Some(read(who)?) };
        let hold = Duration::from_millis(read(hold)?).min(LONGEST);
        Ok(Self { node: read(node)?, address: read(address)?, fence: read(fence)?, state, hold, who })
    }
}

/// A node as it stands in the directory, below its id.
pub(super) fn write_node(node: &Node) -> String {
    let state = if node.draining { "draining" } else { "ready" };
    let url = node.url.as_ref().map_or("-", Url::as_str);
    format!("{VERSION} {} {} {state} {url}", node.address, node.sessions)
}

/// The node that stands there.
pub(super) fn read_node(id: &str, text: &str) -> Result<Node, Unreadable> {
    let [address, sessions, state, url] = words(text)?;
    let draining = match state {
        "ready" => false,
        "draining" => true,
        _ => return Err(Unreadable),
    };
    let url = if url == "-" { None } else { Some(read(url)?) };
    Ok(Node { id: read(id)?, address: read(address)?, url, sessions: read(sessions)?, draining })
}

/// The words behind the first, where that is ours and there are exactly so many.
fn words<const N: usize>(text: &str) -> Result<[&str; N], Unreadable> {
    let text = text.strip_prefix(VERSION).and_then(|text| text.strip_prefix(' ')).ok_or(Unreadable)?;
    if text.len() > MAX_ENTRY {
        return Err(Unreadable);
    }
    text.split(' ').collect::<Vec<_>>().try_into().map_err(|_| Unreadable)
}

fn read<T: FromStr>(word: &str) -> Result<T, Unreadable> {
    word.parse().map_err(|_| Unreadable)
}

/// What follows from an entry that stands where somebody wants to write another.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Follows {
    /// Its node has it, and has the rules of who takes over.
    Held,
    /// It is taken over, if it still stands so: its node gives it away, or is this one and holds nothing of it.
    Taken,
    /// The node's lease is over; it is asked before its claim is.
    Asked,
}

/// What follows for `me`, which holds nothing of it, where `is_alive` says whether the holder's lease counts.
pub(super) fn follows(entry: &Entry, me: NodeId, is_alive: bool) -> Follows {
    match entry.state {
        _ if entry.node == me => Follows::Taken,
        State::Moving => Follows::Taken,
        State::Held if is_alive => Follows::Held,
        State::Held => Follows::Asked,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry() -> impl Strategy<Value = Entry> {
        let parts = (any::<[u8; 8]>(), any::<SocketAddr>(), 0..MAX_FENCE, any::<bool>(), 0..=LONGEST.as_secs() * 1_000);
        (parts, any::<Option<[u8; 32]>>()).prop_map(|((node, address, fence, is_held, hold), who)| Entry {
            node: NodeId::from_random(node),
            // The text of an address of IPv6 has no room for the label of a flow.
            address: SocketAddr::new(address.ip(), address.port()),
            fence: Fence(fence),
            state: if is_held { State::Held } else { State::Moving },
            hold: Duration::from_millis(hold),
            who: who.as_ref().map(Who::of),
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(entry in entry(), sessions: u64, draining: bool, has_url: bool) {
            prop_assert_eq!(entry.to_string().parse(), Ok(entry.clone()));
            let url = has_url.then(|| "https://a.example/base/".parse().unwrap());
            let node = Node { url, sessions, draining, ..entry.holder() };
            prop_assert_eq!(read_node(&node.id.to_string(), &write_node(&node)), Ok(node));
        }

        #[test]
        fn nobody_is_held_for_ever(entry in entry(), millis: u64) {
            let hold = Duration::from_millis(millis);
            let read: Entry = Entry { hold, ..entry.clone() }.to_string().parse().unwrap();
            prop_assert_eq!(read, Entry { hold: hold.min(LONGEST), ..entry });
        }

        #[test]
        fn any_text_is_read(text in "(1 )?([0-9a-f]{16} )?.{0,60}", id: String) {
            let _ = (text.parse::<Entry>(), read_node(&id, &text));
        }

        #[test]
        fn what_is_held_is_never_taken_unasked(entry in entry(), me: [u8; 8], is_alive: bool) {
            let me = NodeId::from_random(me);
            let is_taken = follows(&entry, me, is_alive) == Follows::Taken;
            prop_assert_eq!(is_taken, entry.node == me || entry.state == State::Moving);
        }
    }

    #[test]
    fn what_is_no_entry() {
        let good = "1 0123456789abcdef 127.0.0.1:7 9 held 100 -";
        assert!(good.parse::<Entry>().is_ok());
        for (from, to) in [
            ("1 0", "2 0"),
            ("held", "kept"),
            (" -", ""),
            (" -", " - -"),
            (" -", " x"),
            ("7 9", "7 -9"),
            ("7 9", "7 9000000000000000"),
        ] {
            assert_eq!(good.replacen(from, to, 1).parse::<Entry>(), Err(Unreadable), "{from} {to}");
        }
        assert_eq!("x".repeat(1 << 20).parse::<Entry>(), Err(Unreadable));
        assert_eq!(read_node("0123456789abcdef", "1 127.0.0.1:7 0 ready javascript"), Err(Unreadable));
    }
}
