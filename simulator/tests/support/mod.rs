//! A scripted broker, and a way to watch an engine, for the tests of this crate.

pub mod broker;
pub mod watch;
