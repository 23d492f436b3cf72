//! What hostile clients can do to a whole broker: nothing that a bystander would notice, and no memory beyond what the
//! broker may hold. Memory is that of a process of its own: this test starts itself once more as a broker.
#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

#[path = "hostile/child.rs"]
mod child;
#[path = "hostile/churn.rs"]
mod churn;
#[path = "hostile/floods.rs"]
mod floods;
#[path = "hostile/strangers.rs"]
mod strangers;
#[path = "hostile/websocket.rs"]
mod websocket;
#[path = "hostile/wire.rs"]
mod wire;
