//! Many who want much at a time, and some who want nothing but to be in the way: crowds, slow connections, readers that
//! stall, frames of HTTP/2 that only cost. Each run says what it saw as figures beside what is promised.

mod crowd;

mod figure;

mod frames;

mod resident;

mod slow;

mod stage;

mod stalled;

mod starved;

mod stop;

mod target;

mod unfair;

mod visitors;

pub use crowd::{Crowd, crowd};
pub use figure::{Figure, Figures, Measure};
pub use frames::{SHAPES, Shape, frames};
pub use slow::{Slow, slow};
pub use stage::{Stage, Wanted};
pub use stalled::{Stalled, stalled};
pub use starved::{Starved, starved};
pub use stop::{Stops, stops};
pub use target::Target;
pub use unfair::{Unfair, unfair};
pub use visitors::{Tally, get};
