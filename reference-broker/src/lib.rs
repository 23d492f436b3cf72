//! Paddock's reference MQTT broker: one node, MQTT 3.1, 3.1.1 and 5.0, as a library.
//!
//! What this crate is: sessions, subscriptions, retained messages, wills, and the workers that carry messages between
//! them. What it is not: it parses no packet (`protocol` does) and opens no socket for MQTT (`transport` does).
//!
//! Where to start reading:
//!
//! * [`serve`] and [`Broker`]: a running broker; [`Bind`]: one of its listeners; [`Config`] and [`Limits`]: what bounds it;
//!   [`Counters`]: what it did.
//! * [`access`]: the two traits that decide who may do what, and what they are made of.
//! * `worker`: one worker without sockets or clock; everything MQTT-ish that the broker decides happens there.
//! * `routing`: the path-copying trie of subscriptions that all workers read without locks.
//! * `retained`, `registry`: the two stores that workers share under locks, which a publication without RETAIN never takes.
//! * [`Settings`]: the configuration file, from which a [`Config`] and [`Bind`]s come.
//! * `status`: what the broker shows of itself below `$SYS` and in the log; [`Monitor`]: metrics and health over HTTP.
//! * `driver`: the thin layer that gives a worker a thread, a runtime, sockets and mailboxes.

pub mod access;
mod backlog;
mod bind;
mod broker;
mod children;
mod config;
mod counters;
mod driver;
mod journal;
mod mail;
mod memory;
mod message;
mod monitor;
mod rate;
mod registry;
mod retained;
mod routing;
mod settings;
mod status;
mod sync;
mod timers;
mod worker;

pub use access::{
    Access, Action, AllowAll, Attempt, Authenticate, Authorize, Decision, Exchange, Identity, Progress, Refusal,
    Verdict,
};
pub use bind::{Bind, Entrance, Origin};
pub use broker::{Broker, Handle, Left, Readiness, Report, serve};
pub use config::{Config, FullQueue, Limits, Log, Overlap, Redirect};
pub use counters::Counters;
pub use monitor::{Monitor, MonitorOptions, metrics};
pub use settings::{
    Change, Diagnostic, Diagnostics, ListenError, LogFormat, LogLevel, Position, Reload, Settings, SettingsError,
};
pub use status::sys_topics;
