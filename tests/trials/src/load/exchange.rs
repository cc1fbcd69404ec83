//! One exchange: what it is, spelt in its path so that both ends know it.

use fastrand::Rng;

/// The largest body of the mix that the promises name, 8 MiB, is 2 to the power of this.
pub const LARGEST: u32 = 23;

/// An exchange that both ends can check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Unique within a run.
    pub id: u64,
    /// What its bytes are made from.
    pub seed: u64,
    /// How it goes.
    pub manner: Manner,
    /// Bytes of the request, or messages of a WebSocket.
    pub up: u64,
    /// Bytes of the answer, or events.
    pub down: u64,
}

/// How an exchange goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Bodies with a Content-Length.
    Counted,
    /// Bodies in chunks.
    Chunked,
    /// Server-sent events.
    Events,
    /// Messages that come back over a WebSocket.
    WebSocket,
}

impl Manner {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Counted, "counted"),
        (Self::Chunked, "chunked"),
        (Self::Events, "events"),
        (Self::WebSocket, "websocket"),
    ];

    /// Whether its method is safe.
    pub(super) fn is_safe(self) -> bool {
        matches!(self, Self::Events | Self::WebSocket)
    }
}

impl Exchange {
    /// The path below a prefix.
    #[must_use]
    pub fn path(&self) -> String {
        let name = Manner::ALL.iter().find(|(manner, _)| *manner == self.manner).map_or("", |(_, name)| name);
        format!("/{name}/{}/{}/{}/{}", self.id, self.seed, self.up, self.down)
    }

    /// Whether it brings at most 64 KiB each way, and takes no time of its own.
    pub(super) fn is_small(&self) -> bool {
        matches!(self.manner, Manner::Counted | Manner::Chunked) && self.up.max(self.down) <= 64 * 1024
    }

    /// The exchange that a path ends with.
    pub(super) fn of(path: &str) -> Option<Self> {
        let mut parts = path.rsplit('/');
        let mut number = || parts.next()?.parse().ok();
        let (down, up, seed, id) = (number()?, number()?, number()?, number()?);
        let name = parts.next()?;
        let manner = Manner::ALL.iter().find(|(_, named)| *named == name)?.0;
        Some(Self { id, seed, manner, up, down })
    }

    /// One of a mix: empty to the largest each way, a small one as likely as each that is twice as large.
    pub(super) fn random(id: u64, largest: u32, random: &mut Rng) -> Self {
        let seed = random.u64(..);
        let size = |random: &mut Rng| match random.u32(0..=largest + 4) {
            power if (1..=largest).contains(&power) => random.u64(1 << (power - 1)..=1 << power),
            _ => 0,
        };
        let (up, down) = (size(random), size(random));
        match random.u8(0..10) {
            0..4 => Self { id, seed, manner: Manner::Counted, up, down },
            4..8 => Self { id, seed, manner: Manner::Chunked, up, down },
            8 => Self { id, seed, manner: Manner::Events, up: 0, down: random.u64(1..100) },
            _ => Self { id, seed, manner: Manner::WebSocket, up: random.u64(1..100), down: 0 },
        }
    }
}
