//! Several servers behind one address, with the real programs around them: Redis, `HAProxy`, and processes that are stopped,
//! killed, frozen and started anew while a load that knows each byte goes through. Each trial says what it saw as figures
//! beside what is promised.

mod ask;

mod balancer;

mod crash;

mod engine;

mod frozen;

mod idle;

mod load;

mod mixed;

mod node;

mod outage;

mod rolling;

mod stage;

pub use ask::{Answer, ask};
pub use balancer::{Leads, balance, haproxy, lead, part};
pub use crash::{Crash, crash};
pub use engine::Engine;
pub use frozen::{Frozen, frozen};
pub use idle::{Idle, idle};
pub use load::{Loads, judge};
pub use mixed::{Mixed, mixed};
pub use node::{Joins, Node};
pub use outage::{Outage, What, outage};
pub use rolling::{Rolling, rolling};
pub use stage::{PATIENCE, Stage, Tunnel, Wanted};

/// Programs without which none of this can be tried.
pub const NEEDED: [&str; 2] = ["redis-server", "haproxy"];
