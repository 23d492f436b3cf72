//! Virtual farm devices, and the fleets that bring them to a broker.
//!
//! What this crate is: models of the farm's devices ([`farm`]), MQTT clients in the thousands on one thread
//! ([`engine`]), and the [`Fleet`] that couples the two as real devices behave. What it is not: it measures nothing and
//! judges nothing. `loadgen` drives a fleet, stamps its messages and keeps the ledger.
//!
//! Where to start reading:
//!
//! * [`farm`]: which devices there are and what they say. Pure: seed and time in, topics and payloads out.
//! * [`ClientEngine`]: many clients behind one trait; [`engine::Native`] and [`engine::Rumqttc`] are its two kinds.
//! * [`Fleet`]: connect, birth, will, heartbeat, commands, reconnecting, buffering while offline.
//! * [`simulate`]: `paddock simulate`, a fleet alone against any broker.
//!
//! ```text
//!   Farm ──publications──▶ Fleet ──publish──▶ ClientEngine ──▶ broker
//!        ◀───commands─────       ◀──events───
//! ```

pub mod engine;
pub mod farm;
pub mod fleet;
mod identities;
mod ports;
mod simulate;
mod target;

pub use engine::{ClientEngine, ClientEvent, ClientKey, Clock, ConnectOptions, Engine, EngineKind, Outgoing};
pub use fleet::{Fleet, FleetEvent, FleetOptions, Stamper, Unstamped};
pub use identities::Identities;
pub use ports::local_ports;
pub use simulate::{Progress, SimulateError, Simulation, simulate};
pub use target::{Credentials, Target, TopicPrefix};
