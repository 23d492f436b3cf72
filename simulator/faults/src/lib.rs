//! The bad network: a proxy that sees MQTT packets and does to them what its rules say.
//!
//! What this crate is: hardship for scenarios, mutants that prove the conformance suite, a recorder. What it is not: a judge;
//! it lets malformed bytes pass, and it knows of MQTT only what `wire` reads leniently.
//!
//! Where to start reading:
//!
//! * [`Clause`]: the small language, by example. Rules for people who write mutants.
//! * [`keep_open`], [`swallow_close`], [`withhold_will`], ...: rules by name.
//! * [`Hardship`]: what scenarios do to their devices.
//! * [`Rule`], [`Seen`], [`Actions`]: what a rule sees and may do.
//! * [`Link`]: one connection without input or output; all of the behaviour is there and runs under virtual time.
//! * [`Proxy`]: a listener on a loopback port with a [`Link`] for each connection.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use faults::{Proxy, server};
//! use wire::Kind;
//!
//! let broker: std::net::SocketAddr = "127.0.0.1:1883".parse().expect("an address");
//! let proxy = Proxy::start(broker, server(Kind::Puback).nth(2).drop(), 42).await?;
//! println!("connect to {}", proxy.address());
//! // ...
//! for entry in proxy.log() {
//!     println!("{entry}");
//! }
//! # Ok(())
//! # }
//! ```

mod actions;
mod clause;
mod hardship;
mod link;
mod log;
mod proxy;
mod ready;
mod rule;
mod rules;
mod shared;
mod time;

pub use actions::Actions;
pub use clause::{
    Clause, Part, Sight, client, client_closes, client_garbage, from_client, from_server, opened, server, server_closes,
};
pub use hardship::{Hardship, Switch, Trouble};
pub use link::{Link, Output};
pub use log::{Deed, Entry};
pub use proxy::{Proxy, Upstream};
pub use ready::{forget_disconnect, keep_open, leak, swallow_close, withhold_will};
pub use rule::{Connection, Manner, Newcomer, Rule, Seen};
pub use rules::{Rules, rule};
pub use shared::Shared;
pub use time::Time;
