//! Random programs against a live target, judged by the [`model`](crate::model).
//!
//! ```text
//!   seed, case ─▶ generate ─▶ Program ─▶ Execution ─▶ allowed
//!                                │           └─▶ discrepancy ─▶ again, with more patience ─▶ shrink ─▶ Found
//!                                └─ replay FILE
//! ```
//!
//! Where to start reading: [`search()`] runs many programs, [`execute`] one; [`shrink()`] makes one shorter that fails; [`compare`]
//! runs one on two targets. Beside programs, [`sweep()`] runs batches of topics, and two senders of which one mutates.

mod answers;
mod cleaning;
mod differential;
mod discrepancy;
mod execution;
mod generate;
mod link;
mod observed;
mod packets;
mod plain;
mod record;
mod search;
mod senders;
mod shrink;
mod site;
mod sweep;
mod topics;

pub use self::{
    differential::{Compared, Difference, compare, differential},
    discrepancy::Discrepancy,
    execution::{Outcome, Report, execute},
    generate::{Mix, generate},
    observed::{Ended, Observed, Suite},
    record::{Line, What},
    search::{Found, Search, Summary, search},
    shrink::shrink,
    site::Site,
    sweep::{Caught, Kind, Ran, Sweep, Swept, sweep},
};
