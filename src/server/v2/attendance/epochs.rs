//! Which carrier of a direction is the newest, and which come too late. Pure.

use crate::wire::v2::{Carrier, Manner};

/// The newest carrier of each direction.
#[derive(Default)]
pub(super) struct Epochs {
    read: Newest,
    write: Newest,
}

#[derive(Default)]
struct Newest {
    epoch: u64,
    streams: bool,
}

/// A direction, as the URLs name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server::v2) enum Direction {
    Read,
    Write,
}

/// A newer carrier has been there.
#[derive(Debug)]
pub(in crate::server::v2) struct Stale;

/// What a carrier that is not too late is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rank {
    /// The newest, and so a sign that the client is there.
    Newest,
    /// No such sign: anybody could have brought it.
    Uncounted,
}

impl Epochs {
    /// Epochs only rise: a stream's must be new, while batches up of one epoch may be many, in any order, and the same one
    /// may come twice.
    pub(super) fn admit(&mut self, direction: Direction, carrier: &Carrier) -> Result<Rank, Stale> {
        let newest = match direction {
            Direction::Read => &mut self.read,
            Direction::Write => &mut self.write,
        };
        match carrier.manner {
            Manner::Stream | Manner::Renewal if carrier.epoch <= newest.epoch => Err(Stale),
            Manner::Batch if carrier.epoch < newest.epoch => Err(Stale),
            // What comes twice may be anybody's who has seen it. What it brings shows whether it does.
            Manner::Batch if carrier.epoch == newest.epoch => Ok(Rank::Uncounted),
            Manner::Stream | Manner::Renewal | Manner::Batch => {
                *newest = Newest { epoch: carrier.epoch, streams: carrier.manner != Manner::Batch };
                Ok(Rank::Newest)
            }
            // It can be repeated by anybody who has seen it, so it is no sign that the client is there.
            Manner::Trial => Ok(Rank::Uncounted),
        }
    }

    /// Whether the newest carrier streams: down, and up.
    pub(super) fn streams(&self) -> [bool; 2] {
        [self.read.streams, self.write.streams]
    }
}
