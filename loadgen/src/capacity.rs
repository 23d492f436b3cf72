//! How much a target can do: a search over many runs, each at one constant figure.
//!
//! Nothing here runs anything or waits. A [`Hunt`] says which scenario to run next and is told the outcome; whoever owns it
//! runs [`loadgen::run`](crate::run) with it, so that the whole search is tested without a network.
//!
//! ```text
//!   Hunt ── next ──▶ Step { scenario, folder } ──▶ run ──▶ Outcome ── learn ──▶ Hunt
//!    │  Search: which figure            Shape: the scenario at that figure     judged: what it says of the target
//!    └─ document ──▶ reports::capacity::Capacity, after every step
//! ```

mod fit;
mod hunt;
mod judged;
mod lag;
mod limiter;
pub mod search;
mod shape;

pub use fit::usl;
pub use hunt::{Frame, Hunt, Job, Step};
pub use shape::{Shape, ShapeError, slo};
