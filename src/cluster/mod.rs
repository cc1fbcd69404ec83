//! Several servers behind one address: which of them holds what, and how one passes on what is another's. Knows no session,
//! no visitor and no flag.

mod node;
pub mod peers;

pub use node::{InvalidNodeId, Node, NodeId, Secret, WeakSecret};
mod stubs;
pub use stubs::*;
