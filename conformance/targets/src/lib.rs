//! Brokers under test: what they are, where they are, how they are started, and what they cost while they run.
//!
//! What this crate is: descriptors of brokers, those that come with Paddock, the launcher of brokers as child processes and in
//! containers, and the sampler of a process's CPU, memory and open files. What it is not: it speaks no MQTT beyond the one
//! fixed CONNECT by which it knows that a broker is there, and judges nothing.
//!
//! Where to start reading:
//!
//! * [`Descriptor`]: a broker with its versions, capabilities and known deviations. [`Descriptor::load`] reads one from a file
//!   or takes a shipped one by its name; `descriptors/*.toml` are the language by example.
//! * [`Descriptor::launch`]: makes it reachable and gives a [`Live`], which has a [`Node`] or several.
//! * [`Target`]: a broker of which nothing needs to be known: somebody else's, or a command that starts one.
//! * [`Target::launch`]: makes it reachable and gives a [`Running`]; dropping that ends the child.
//! * [`Sampler`]: what the process cost, read from the kernel. [`Whereabouts`] finds the process of a broker that somebody else
//!   started on this machine.

mod descriptor;
mod document;
mod launch;
mod live;
mod shipped;
mod target;
mod usage;
mod whereabouts;

pub use descriptor::{
    Container, Descriptor, Process, Reach, Ready, Release, Version,
    capabilities::{Capabilities, User},
    deviation::{Cases, Deviation},
    glob::Glob,
    listeners::Listeners,
    template::Template,
};
pub use launch::{LaunchError, Running, Silence};
pub use live::{Host, Live, Node};
pub use shipped::{LoadError, Shipped, shipped};
pub use target::{Command, Ending, Readiness, Target};
pub use usage::{Sampler, Usage};
pub use whereabouts::Whereabouts;

/// The JSON schema of descriptors, as shipped in `target.schema.json`.
#[must_use]
pub fn schema() -> serde_json::Value {
    document::schema()
}
