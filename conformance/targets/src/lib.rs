//! Brokers under test: where they are, how they are started, and what they cost while they run.
//!
//! What this crate is: the launcher of brokers as child processes, and the sampler of a process's CPU, memory and open
//! files. What it is not: it speaks no MQTT and judges nothing.
//!
//! Where to start reading:
//!
//! * [`Target`]: somebody else's broker, or a command that starts one.
//! * [`Target::launch`]: makes it reachable and gives a [`Running`]; dropping that ends the child.
//! * [`Sampler`]: what the process cost, read from the kernel.

mod launch;
mod target;
mod usage;

pub use launch::{LaunchError, Running};
pub use target::{Command, Readiness, Target};
pub use usage::{Sampler, Usage};
