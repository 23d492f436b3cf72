//! What hostile clients can do to a whole broker: nothing that a bystander would notice, and no memory beyond what the
//! broker may hold. Memory is that of a process of its own.
#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

mod child;
#[path = "hostile/churn.rs"]
mod churn;
#[path = "hostile/floods.rs"]
mod floods;
#[path = "hostile/strangers.rs"]
mod strangers;
#[path = "hostile/victim.rs"]
mod victim;
#[path = "hostile/websocket.rs"]
mod websocket;
#[path = "hostile/wire.rs"]
mod wire;
