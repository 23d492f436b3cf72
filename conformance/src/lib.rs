//! A verdict for every normative statement of MQTT 3.1.1 and 5.0, with the packets as evidence, and proof that the verdict can
//! be trusted.
//!
//! What this crate is: cases, the bench that they run on, the runner, the proof. What it is not: it shares no code with the
//! reference broker, and it does not draw reports.
//!
//! Where to start reading:
//!
//! * `cases/publish.rs`: what cases look like, a file for each family of sections; [`cases::all`] lists them.
//! * [`Bench`] and [`Peer`]: the verbs of cases. [`Outcome`]: what the standard allows to happen.
//! * [`Statement`] and [`Mark`]: what cases decide. [`Capability`] and [`Site`]: where they can.
//! * [`mod@run`]: cases against targets, observed. [`Selection`]: which.
//! * [`Check`]: the suite in another project's `cargo test`.
//! * [`embedded`]: the reference broker in its configurations.
//! * [`properties`] and [`model`]: random programs, and what a server may make of them.
//! * [`Mutant`] and [`prove`]: brokers that must make their case fail, and the proof that they do.

mod bench;
mod capability;
mod case;
pub mod cases;
mod certificates;
mod check;
pub mod coverage;
mod desk;
pub mod embedded;
pub mod excused;
mod finding;
pub mod model;
mod mutant;
mod nodes;
mod outcome;
mod patience;
mod peer;
mod probe;
pub mod properties;
pub mod prove;
pub mod run;
mod select;
mod site;
mod statement;
mod subject;
pub mod tls;
mod transcript;
mod trial;
pub mod websocket;

pub use bench::Bench;
pub use capability::Capability;
pub use case::{After, Case, Conversation, Script};
pub use check::Check;
pub use finding::{About, CaseResult, Finding, Judge, Stop, Weight};
pub use mutant::{How, Mutant};
pub use nodes::{Started, Stopping};
pub use outcome::Outcome;
pub use peer::Peer;
pub use select::{Chosen, Selection};
pub use site::{Facts, Site};
pub use statement::{Mark, Statement, Testable};
pub use subject::{Subject, covers};
