//! Several servers behind one address: which of them holds what, and how one passes on what is another's. Knows no session,
//! no visitor and no flag.

mod node;
pub mod peers;

mod cache;
mod claim;
mod place;
mod tenure;

pub mod directory;

pub use claim::{Fence, InvalidFence};
pub use directory::{Claim, Directory, Found, Keeper, Unavailable, Unclaimed};
pub use node::{InvalidNodeId, Node, NodeId, Secret, WeakSecret};
pub use place::place;
