//! Open-loop load, honest latency, a ledger of every message.
//!
//! What this crate is: the engine that runs a scenario against one target, from intended starts to a verdict. What it is
//! not: it knows no device (`simulator` does) and renders nothing (`reports` does, from the observations of a run).
//!
//! Where to start reading:
//!
//! * [`run`]: one [`Plan`] in, observations and an [`Outcome`] out.
//! * [`capacity`]: how much a target can do, searched over many runs.
//! * [`schedule`]: when each message is meant to start, whatever the target does.
//! * [`sink`]: what stands in for a broker when the generator itself is measured.
//! * [`Stamp`]: what a message says about itself, so that its receiver can measure it.
//! * [`merge`]: the segments of a split run, judged as one run.
//! * [`compare`]: recorded runs of two sides, and whether the new one is worse.
//! * [`ledger`]: who must receive each message, who did, and what went wrong.

pub mod capacity;
pub mod compare;
pub mod judge;
pub mod ledger;
pub mod measure;
pub mod merge;
mod metrics;
mod outcome;
mod run;
pub mod schedule;
pub mod sink;
mod stamp;

pub use metrics::MetricsPage;
pub use outcome::{Exit, Outcome};
pub use run::{BrokerControl, Deed, Done, Plan, run};
pub use stamp::{NotAnObject, RunId, Stamp, StreamId, TooShort};
